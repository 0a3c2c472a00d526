"""The headline of a chosen item showed its key on every list of the bank.

Headlines are now the question alone; those of stored versions are made anew from what candidates see of the item. A
headline's length decides where an item stands in a form: without this an older bank would deal other forms than a new
one.
"""

import re
from collections.abc import Mapping
from typing import Any

from backend.storage import MongoDatabase

CHOSEN = ("multiple_choice", "multiple_response", "gap_fill", "ordering")


def migrate(db: MongoDatabase) -> None:
    versions = db.item_versions
    for found in list(versions.find({"task": {"$in": list(CHOSEN)}})):
        headline = _headline(found)
        if headline != found["headline"]:
            versions.update_one({"_id": found["_id"]}, {"$set": {"headline": headline}})


def _headline(version: Mapping[str, Any]) -> str:
    text = str(version["shown_text"])
    if version["task"] == "gap_fill":
        return re.sub(r"\{\d+\}", "___", text)
    if version["task"] == "ordering":
        return f"{text} {' / '.join(version['shown']['parts'])}"
    return text
