"""Dated changes of what is stored: `m0001_<what>.py`, each with a docstring that tells the story and one `migrate(db)`.

A migration runs once, in the order of its number, and may run while the former code serves: add before you remove.
It is safe to repeat, because a start may die in the middle.
"""
