"""Dumps: `<collection>.bson` (documents one after the other), `manifest.json` (counts, hashes), and the objects.

    backups/20261123T043000Z/manifest.json, accounts.bson, ...
    backups/objects/<key>          shared by all dumps: an object is copied once, because its key names its content

A dump appears under its name only when it is whole. A restore checks every hash before it changes anything.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument

from backend.migrations.runner import find_migrations, schema_version
from backend.storage import MongoDatabase, discard_collection
from scripts.services.bucket import Bucket

FORMAT = 1
OBJECTS = "objects"
# What a first start makes by itself: a database with nothing else counts as empty.
MADE_BY_A_START = frozenset(
    {
        *("migrations", "one_time_codes", "audit_events", "outbox"),
        *("items", "item_versions", "answer_keys", "prompt_audio", "forms", "form_uses", "published_formats"),
    }
)
DOCUMENTS_AT_ONCE = 500

Say = Callable[[str], None]


class DumpProblem(Exception):
    """One plain line: what is wrong, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of a dump."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One object of the store; its bytes are in the shared folder."""

    key: str
    size: int
    sha256: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a dump holds."""

    made_at: str
    schema_version: str
    collections: dict[str, Part]
    objects: tuple[StoredObject, ...] = field(default_factory=tuple)
    format: int = FORMAT

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True)


# -- dump ------------------------------------------------------------------------------------------------------------


def write_dump(database: MongoDatabase, bucket: Bucket | None, *, backups: Path, now: datetime, say: Say) -> Path:
    """Writes a whole dump and returns its folder."""
    folder = backups / now.strftime("%Y%m%dT%H%M%SZ")
    draft = backups / f".{folder.name}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        names = sorted(name for name in database.list_collection_names() if not name.startswith("system."))
        collections = {}
        for name in names:
            collections[name] = _dump_collection(database, name, draft / f"{name}.bson")
            say(f"{name}: {collections[name].count} documents")
        objects = tuple(_dump_objects(bucket, backups / OBJECTS, say)) if bucket else ()
        manifest = Manifest(
            made_at=now.isoformat(),
            schema_version=schema_version(database),
            collections=collections,
            objects=objects,
        )
        _write_durably(draft / "manifest.json", manifest.as_json().encode())
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return folder


def _dump_collection(database: MongoDatabase, name: str, path: Path) -> Part:
    digest, count = hashlib.sha256(), 0
    raw: Any = database.get_collection(name, codec_options=bson.CodecOptions(document_class=RawBSONDocument))
    with path.open("wb") as file:
        for document in raw.find({}).sort("_id", 1):
            file.write(document.raw)
            digest.update(document.raw)
            count += 1
        file.flush()
        os.fsync(file.fileno())
    return Part(count=count, sha256=digest.hexdigest())


def _dump_objects(bucket: Bucket, folder: Path, say: Say) -> Iterator[StoredObject]:
    """Copies what is not there yet; a key stands for its content."""
    copied = 0
    for number, (key, size) in enumerate(bucket.objects(), start=1):
        path, kind = _object_path(folder, key), _object_path(folder, f"{key}.type")
        if not (path.exists() and path.stat().st_size == size and kind.exists()):
            data, content_type = bucket.read(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_durably(path, data)
            _write_durably(kind, content_type.encode())
            copied += 1
        if number % 200 == 0:
            say(f"objects: {number} seen, {copied} copied")
        yield StoredObject(key=key, size=size, sha256=_sha256_of(path), content_type=kind.read_text())
    say(f"objects: {copied} copied")


def _object_path(folder: Path, key: str) -> Path:
    path = (folder / key).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise DumpProblem("An object's key leads out of the backup folder; nothing was written.")
    return path


def _write_durably(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


# -- restore ---------------------------------------------------------------------------------------------------------


def read_manifest(folder: Path) -> Manifest:
    try:
        found: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DumpProblem(f"{folder} is not a dump: it has no manifest.json.") from None
    if found.get("format") != FORMAT:
        raise DumpProblem(f"{folder} has the format {found.get('format')}; this version reads {FORMAT}.")
    return Manifest(
        made_at=found["made_at"],
        schema_version=found["schema_version"],
        collections={name: Part(**part) for name, part in found["collections"].items()},
        objects=tuple(StoredObject(**entry) for entry in found["objects"]),
    )


def check_dump(folder: Path, manifest: Manifest) -> None:
    """Raises DumpProblem unless every file is there with its hash, and this code knows the dump's schema."""
    known = {migration.name for migration in find_migrations()}
    if manifest.schema_version and manifest.schema_version not in known:
        raise DumpProblem(
            f"The dump has {manifest.schema_version}, which this version does not know: update Viva first."
        )
    for name, part in manifest.collections.items():
        _check_hash(folder / f"{name}.bson", part.sha256)
    for entry in manifest.objects:
        _check_hash(_object_path(folder.parent / OBJECTS, entry.key), entry.sha256)


def _check_hash(path: Path, sha256: str) -> None:
    if not path.exists():
        raise DumpProblem(f"The dump is not whole: {path} is missing. Nothing was changed.")
    if _sha256_of(path) != sha256:
        raise DumpProblem(
            f"The dump is damaged: {path} has another content than when it was written. Nothing was changed."
        )


def restore_dump(folder: Path, database: MongoDatabase, bucket: Bucket | None, *, force: bool, say: Say) -> Manifest:
    """Puts the dump's documents and objects back. Indexes and migrations are the caller's next step.

    Raises DumpProblem when the dump is not whole, or the database has something of its own and `force` is not given.
    """
    manifest = read_manifest(folder)
    say("checking every hash")
    check_dump(folder, manifest)
    present = _filled_collections(database)
    if not force and present - MADE_BY_A_START:
        raise DumpProblem(
            f"The database is not empty ({', '.join(sorted(present - MADE_BY_A_START))}): FORCE=1 replaces all of it."
        )
    for name in sorted(present - set(manifest.collections)):
        discard_collection(database, name)
    for name, part in manifest.collections.items():
        _restore_collection(database, name, folder / f"{name}.bson")
        say(f"{name}: {part.count} documents")
    if bucket:
        _restore_objects(manifest, bucket, folder.parent / OBJECTS, say)
    return manifest


def _filled_collections(database: MongoDatabase) -> set[str]:
    names = (name for name in database.list_collection_names() if not name.startswith("system."))
    return {name for name in names if database[name].find_one({}, {"_id": 1}) is not None}


def _restore_collection(database: MongoDatabase, name: str, path: Path) -> None:
    discard_collection(database, name)
    chunk: list[RawBSONDocument] = []
    with path.open("rb") as file:
        for raw in _raw_documents(file):
            chunk.append(RawBSONDocument(raw))
            if len(chunk) == DOCUMENTS_AT_ONCE:
                database[name].insert_many(chunk)
                chunk = []
    if chunk:
        database[name].insert_many(chunk)


def _raw_documents(file: Any) -> Iterator[bytes]:
    """A document begins with its own length."""
    while head := file.read(4):
        yield head + file.read(int.from_bytes(head, "little") - 4)


def _restore_objects(manifest: Manifest, bucket: Bucket, folder: Path, say: Say) -> None:
    written = 0
    for entry in manifest.objects:
        if not bucket.has(entry.key):
            bucket.write(entry.key, _object_path(folder, entry.key).read_bytes(), entry.content_type)
            written += 1
    say(f"objects: {written} of {len(manifest.objects)} written, the rest was there")


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
