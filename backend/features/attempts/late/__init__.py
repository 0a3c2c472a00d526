"""Answers that came after their time, kept apart for staff."""
