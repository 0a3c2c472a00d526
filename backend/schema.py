"""Every collection of every feature, with its indexes and validators. One line here for a feature with a `mongo.py`."""

from backend.features.accounts import mongo as accounts
from backend.features.attempts import mongo as attempts
from backend.features.audit import mongo as audit
from backend.storage import CollectionSpec

COLLECTIONS: tuple[CollectionSpec, ...] = (
    *audit.COLLECTIONS,
    *accounts.COLLECTIONS,
    *attempts.COLLECTIONS,
)
