"""A test offered to a batch for a window: scheduled, edited before it opens, cancelled."""
