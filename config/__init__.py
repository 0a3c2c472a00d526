"""Settings, exam formats and scales."""
