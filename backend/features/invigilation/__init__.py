"""Watching an exam while it runs: the live monitor, messages, incidents, signals, identity, delegated invigilators."""
