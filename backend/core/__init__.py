"""Words every layer shares: actor and roles, errors, ids, ports. Imports nothing of ours."""
