"""From evidence to points to a scale. Pure: no input or output, no clock, no web framework."""
