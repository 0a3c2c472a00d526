"""Scales and their words, from the files that ship with Viva."""
