"""Students: by form or by roster, with a login each."""
