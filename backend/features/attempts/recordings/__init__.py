"""Recordings on their way to us: one resumable upload, and what keeps them for good."""
