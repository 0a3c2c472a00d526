"""The one way to change a document that others may be changing: act only if it still is what we saw."""

from collections.abc import Mapping
from typing import Any

from pymongo.collection import Collection

from backend.storage.documents import to_value
from backend.storage.errors import storage_errors


@storage_errors()
def compare_and_set(
    collection: Collection[dict[str, Any]],
    document_id: str,
    expected: Mapping[str, Any],
    changes: Mapping[str, Any],
    *,
    push: Mapping[str, Any] | None = None,
    increase: Mapping[str, int] | None = None,
) -> bool:
    """Sets `changes` on the document if every field of `expected` still has that value; says whether it did.

    `push` appends one value to an array field each, `increase` adds to whole numbers. An expected None also stands for
    an absent field. Expected values may be conditions, such as {"$lte": now}. One atomic write; read by `_id` after it.
    Raises Conflict when a unique index refuses the change.
    """
    update: dict[str, Any] = {}
    if changes:
        update["$set"] = to_value(changes)
    if push:
        update["$push"] = to_value(push)
    if increase:
        update["$inc"] = dict(increase)
    outcome = collection.update_one({"_id": document_id, **to_value(expected)}, update)
    return outcome.matched_count == 1
