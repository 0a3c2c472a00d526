"""Documents, collections and compare-and-set over pymongo: beside `features.*.mongo`, all that knows MongoDB.

What the rest of Viva needs is here by name::

    from backend.storage import CollectionSpec, IndexSpec, Records, compare_and_set, from_document, to_document
"""

from backend.storage.collections import CollectionSpec, IndexSpec, discard_collection, ensure_collections
from backend.storage.compare_and_set import compare_and_set
from backend.storage.connection import MongoDatabase, connect, ping
from backend.storage.documents import DocumentMismatch, from_document, to_document, to_value
from backend.storage.errors import storage_errors
from backend.storage.records import Records, RevisedRecords

__all__ = [
    "CollectionSpec",
    "DocumentMismatch",
    "IndexSpec",
    "MongoDatabase",
    "Records",
    "RevisedRecords",
    "compare_and_set",
    "connect",
    "discard_collection",
    "ensure_collections",
    "from_document",
    "ping",
    "storage_errors",
    "to_document",
    "to_value",
]
