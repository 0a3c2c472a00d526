"""Campuses as documents."""

from collections.abc import Iterable, Mapping, Sequence

from backend.features.campuses.model import Campus
from backend.features.campuses.repository import Campuses
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, Records

COLLECTIONS = (CollectionSpec(name="campuses", indexes=(IndexSpec(keys=(("slug", 1),), unique=True),)),)


class MongoCampuses(Campuses):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "campuses", Campus)

    def find(self, campus_id: str) -> Campus | None:
        return self._records.find(campus_id)

    def find_many(self, campus_ids: Iterable[str]) -> Mapping[str, Campus]:
        return self._records.find_many(campus_ids)

    def add(self, campus: Campus) -> None:
        self._records.insert(campus)

    def change(self, campus_id: str, **changes: object) -> None:
        self._records.change(campus_id, {}, changes)

    def list_all(self) -> Sequence[Campus]:
        # Slugs begin with a digit or a letter: a range with both ends walks their index.
        return self._records.list_by({"slug": {"$gte": "0", "$lt": "{"}}, sort=[("slug", 1)])
