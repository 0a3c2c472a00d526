"""One student's sitting: its clock, its items, its recordings; the exam's API and the live monitor."""
