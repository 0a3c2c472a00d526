"""People who can sign in: accounts, passwords, one-time codes, invitations."""
