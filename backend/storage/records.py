"""One collection of one dataclass: the few operations that repositories share, with our errors."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from pymongo.collection import Collection

from backend.core.changes import R, differences
from backend.core.errors import Conflict
from backend.storage.compare_and_set import compare_and_set
from backend.storage.connection import MongoDatabase
from backend.storage.documents import from_document, to_document, to_value
from backend.storage.errors import storage_errors

T = TypeVar("T")


class Records(Generic[T]):
    """Typed access to a collection whose documents are `cls`.

    Filters name `_id` or all fields of an index, or their prefix: everything else scans.
    """

    def __init__(self, database: MongoDatabase, name: str, cls: type[T]) -> None:
        self.collection: Collection[dict[str, Any]] = database[name]
        self._cls = cls

    @storage_errors()
    def find(self, document_id: str) -> T | None:
        return self._read(self.collection.find_one({"_id": document_id}))

    @storage_errors()
    def find_by(self, wanted: Mapping[str, Any]) -> T | None:
        """The first document that matches, by an index."""
        return self._read(self.collection.find_one(to_value(wanted)))

    @storage_errors()
    def find_many(self, document_ids: Iterable[str]) -> dict[str, T]:
        """Those that exist, by id."""
        found = self.collection.find({"_id": {"$in": list(document_ids)}})
        return {document["_id"]: from_document(self._cls, document) for document in found}

    @storage_errors()
    def list_by(
        self, wanted: Mapping[str, Any], *, sort: Sequence[tuple[str, int]] = (), limit: int = 0, skip: int = 0
    ) -> list[T]:
        """All that match, in the order of an index. `limit` 0 is no limit."""
        cursor = self.collection.find(to_value(wanted), limit=limit, skip=skip)
        if sort:
            cursor = cursor.sort(list(sort))
        return [from_document(self._cls, document) for document in cursor]

    @storage_errors()
    def count_by(self, wanted: Mapping[str, Any]) -> int:
        return self.collection.count_documents(to_value(wanted))

    @storage_errors()
    def insert(self, record: T) -> None:
        """Raises Conflict("already_exists") when the id, or a unique index, has it."""
        self.collection.insert_one(to_document(record))

    def insert_if_absent(self, record: T) -> bool:
        """Whether it was new. Safe to repeat."""
        try:
            self.insert(record)
        except Conflict:
            return False
        return True

    @storage_errors()
    def insert_many(self, records: Iterable[T]) -> int:
        """All of them in one call, in order; Conflict at the first duplicate, with those before it kept."""
        documents = [to_document(record) for record in records]
        if not documents:
            return 0
        return len(self.collection.insert_many(documents).inserted_ids)

    @storage_errors()
    def put(self, record: T) -> None:
        """Inserts, or replaces the whole document. Only where nobody else may be changing it: otherwise `change`."""
        document = to_document(record)
        self.collection.replace_one({"_id": document["_id"]}, document, upsert=True)

    def change(self, document_id: str, expected: Mapping[str, Any], changes: Mapping[str, Any], **more: Any) -> bool:
        """`compare_and_set` on this collection."""
        return compare_and_set(self.collection, document_id, expected, changes, **more)

    @storage_errors()
    def delete(self, document_id: str) -> bool:
        """Whether it was there. Safe to repeat."""
        return self.collection.delete_one({"_id": document_id}).deleted_count == 1

    def _read(self, document: Mapping[str, Any] | None) -> T | None:
        return None if document is None else from_document(self._cls, document)


class RevisedRecords(Records[R]):
    """Records that have a revision, and are written only over the one that was read."""

    def save(self, record: R, *, seen: R) -> bool:
        """Writes what `record` has different from `seen`, if the stored revision still is that of `seen`; says whether
        it did. `seen` is what was read or last written: what both have in common is not sent."""
        return self.change(record.id, {"revision": seen.revision}, differences(seen, record))
