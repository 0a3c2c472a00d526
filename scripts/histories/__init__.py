"""Histories of the attempt engine: whatever candidates, staff, clocks and crashes do (docs/attempts.md)."""
