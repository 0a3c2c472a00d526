"""Every collection of every feature, with its indexes and validators. One line here for a feature with a `mongo.py`."""

from backend.features.attempts import mongo as attempts
from backend.storage import CollectionSpec

COLLECTIONS: tuple[CollectionSpec, ...] = (*attempts.COLLECTIONS,)
