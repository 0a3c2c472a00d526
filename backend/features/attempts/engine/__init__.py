"""What moves an attempt from state to state: the candidate's moves, staff's controls. The states: `attempts.model`."""
