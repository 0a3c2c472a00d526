"""`make load`: whole exams of many candidates at once, on a Viva of their own (docs/operations.md, Capacity)."""
