"""The items of a part with their sounds, sealed, so that a candidate's device has them before they are wanted."""
