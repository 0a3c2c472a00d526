"""Cohorts of a course: whom a test is given to."""
