"""Rubrics of people's ratings."""
