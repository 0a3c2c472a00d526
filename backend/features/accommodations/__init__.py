"""What staff grant a student for every test: more time, breaks, prompts heard again, larger text."""
