"""The default engine and its models. See docs/scoring/README.md."""

from backend.adapters.speech.offline.engine import OfflineEngine

__all__ = ["OfflineEngine"]
