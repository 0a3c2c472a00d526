"""Viva: the institutional English-testing platform."""
