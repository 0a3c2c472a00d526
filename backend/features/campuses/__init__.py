"""Colleges: each a world of its own, with a time zone."""
