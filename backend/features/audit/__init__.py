"""Who changed what, and when: written by every use case that changes something, never changed, never removed."""
