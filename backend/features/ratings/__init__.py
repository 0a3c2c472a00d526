"""Responses become scores: claimed, listened to, scored, or handed to a person. Failing to score is never zero."""
