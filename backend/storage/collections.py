"""Collections as code: their indexes and validators, created and brought up to date at every start."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.errors import CollectionInvalid, OperationFailure

from backend.storage.connection import MongoDatabase
from backend.storage.errors import storage_errors

_NAMESPACE_EXISTS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSpec:
    """One index: `keys` as ((field, 1 or -1), ...). `partial` limits it to the documents that match."""

    keys: tuple[tuple[str, int], ...]
    unique: bool = False
    partial: Mapping[str, Any] | None = None
    expire_after_s: int | None = None

    @property
    def name(self) -> str:
        return "_".join(f"{field}_{direction}" for field, direction in self.keys)

    def options(self) -> dict[str, Any]:
        """What `create_index` takes beside the keys."""
        options: dict[str, Any] = {"name": self.name, "unique": self.unique}
        if self.partial is not None:
            options["partialFilterExpression"] = dict(self.partial)
        if self.expire_after_s is not None:
            options["expireAfterSeconds"] = self.expire_after_s
        return options


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSpec:
    """One collection. `validator` is a MongoDB query, usually {"$jsonSchema": ...}, that every write must meet."""

    name: str
    indexes: tuple[IndexSpec, ...] = ()
    validator: dict[str, Any] | None = None


@storage_errors()
def ensure_collections(database: MongoDatabase, specs: Iterable[CollectionSpec]) -> None:
    """Creates what is missing and replaces what differs. Safe to repeat, and safe beside another start.

    Indexes that no spec names stay: dropping one is a migration's business.
    """
    existing = set(database.list_collection_names())
    for spec in specs:
        if spec.name not in existing:
            _create(database, spec.name)
        if spec.validator is not None:
            database.command("collMod", spec.name, validator=spec.validator, validationLevel="strict")
        _ensure_indexes(database, spec)


@storage_errors()
def discard_collection(database: MongoDatabase, name: str) -> None:
    """Drops a collection with its indexes. Safe to repeat.

    Emptied first: the embedded engine drops a filled one document by document, each on disk (3,000 took 18 s), but
    deletes many at once.
    """
    database[name].delete_many({})
    database.drop_collection(name)


def _create(database: MongoDatabase, name: str) -> None:
    """Another process may create it between our look and our act; pymongo or the server says so, by when it was."""
    try:
        database.create_collection(name)
    except CollectionInvalid:
        return
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise


def _ensure_indexes(database: MongoDatabase, spec: CollectionSpec) -> None:
    collection = database[spec.name]
    present = collection.index_information()
    for index in spec.indexes:
        if index.name in present and not _is_same(index, present[index.name]):
            collection.drop_index(index.name)
        collection.create_index(list(index.keys), **index.options())


def _is_same(index: IndexSpec, present: Mapping[str, Any]) -> bool:
    return (
        tuple((field, int(direction)) for field, direction in present["key"]) == index.keys
        and bool(present.get("unique", False)) == index.unique
        and present.get("partialFilterExpression") == (dict(index.partial) if index.partial is not None else None)
        and present.get("expireAfterSeconds") == index.expire_after_s
    )
