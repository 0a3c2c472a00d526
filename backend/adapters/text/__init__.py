"""Readers of typed answers: grammar, words, meaning."""
