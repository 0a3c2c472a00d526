"""Mailings: released results on their way to the students, one mail each, with every outcome known."""
