"""Thin commands: what `make` calls."""
