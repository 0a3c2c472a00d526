"""Dump, restore, dump again: the same hashes; and every refusal leaves what was there."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId

from backend.storage import MongoDatabase, discard_collection
from config.settings import Settings
from scripts.services.bucket import Bucket
from scripts.services.dumps import DumpProblem, read_manifest, restore_dump, write_dump

pytestmark = pytest.mark.services

NOW = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)


def silent(line):
    """Nobody listens."""


@pytest.fixture
def bucket(s3_addresses, s3_bucket):
    return Bucket(
        Settings(
            **{name: value for name, value in s3_addresses.items() if name in Settings.model_fields},
            s3_bucket=s3_bucket,
        )
    )


@pytest.fixture
def filled(mongo_database: MongoDatabase):
    mongo_database.accounts.insert_many({"_id": f"p{n}", "login": f"person{n}", "created_at": NOW} for n in range(1200))
    mongo_database.responses.insert_many(
        {
            "_id": f"a{n}:3",
            "recordings": [{"size": n, "stored_at": NOW + timedelta(seconds=n)}],
            "score": n / 3,
            "evidence": None,
            "raw": bytes([n]),
            "old": ObjectId(),
            "big": 2**40 + n,
        }
        for n in range(200)
    )
    mongo_database.create_collection("mailings")
    return mongo_database


def dump(database, bucket, folder, now=NOW):
    return write_dump(database, bucket, backups=folder, now=now, say=silent)


def test_what_comes_back_has_the_same_hashes(filled, bucket, s3_client, s3_bucket, tmp_path):
    recording = b"\x1aE\xdf\xa3 not really a voice" * 500
    key = f"recordings/{hashlib.sha256(recording).hexdigest()}"
    s3_client.put_object(Bucket=s3_bucket, Key=key, Body=recording, ContentType="audio/webm")
    first = dump(filled, bucket, tmp_path)
    manifest = read_manifest(first)
    assert {name: part.count for name, part in manifest.collections.items()} == {
        "accounts": 1200,
        "mailings": 0,
        "responses": 200,
    }
    for name in filled.list_collection_names():
        discard_collection(filled, name)
    s3_client.delete_object(Bucket=s3_bucket, Key=key)

    restore_dump(first, filled, bucket, force=False, say=silent)

    second = dump(filled, bucket, tmp_path, NOW + timedelta(hours=1))
    again = read_manifest(second)
    assert {n: p for n, p in again.collections.items() if p.count} == {
        n: p for n, p in manifest.collections.items() if p.count
    }
    assert again.objects == manifest.objects
    found = s3_client.get_object(Bucket=s3_bucket, Key=key)
    assert (found["Body"].read(), found["ContentType"]) == (recording, "audio/webm")
    assert (tmp_path / "objects" / key).read_bytes() == recording


def test_a_database_with_something_of_its_own_is_left_alone(filled, bucket, tmp_path):
    folder = dump(filled, bucket, tmp_path)
    filled.accounts.insert_one({"_id": "new"})
    with pytest.raises(DumpProblem, match="not empty"):
        restore_dump(folder, filled, bucket, force=False, say=silent)
    assert filled.accounts.find_one({"_id": "new"}) is not None
    filled.notes.insert_one({"_id": "later"})
    restore_dump(folder, filled, bucket, force=True, say=silent)
    assert filled.accounts.find_one({"_id": "new"}) is None
    assert filled.notes.find_one({"_id": "later"}) is None
    assert filled.accounts.count_documents({"_id": {"$gte": "p"}}) == 1200


def test_a_fresh_start_counts_as_empty(filled, bucket, tmp_path):
    folder = dump(filled, bucket, tmp_path)
    for name in filled.list_collection_names():
        discard_collection(filled, name)
    filled.migrations.insert_one({"_id": "m0001_first", "state": "applied"})
    filled.one_time_codes.insert_one({"_id": "setup"})
    restore_dump(folder, filled, bucket, force=False, say=silent)
    assert filled.accounts.find_one({"_id": "p7"})["login"] == "person7"


def damage_collection(folder):
    path = folder / "accounts.bson"
    path.write_bytes(path.read_bytes().replace(b"person7\x00", b"person8\x00", 1))


def lose_collection(folder):
    (folder / "responses.bson").unlink()


def lose_manifest(folder):
    (folder / "manifest.json").unlink()


def change_manifest(**values):
    def act(folder):
        path = folder / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return act


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damage_collection, "damaged"),
        (lose_collection, "missing"),
        (lose_manifest, "not a dump"),
        (change_manifest(format=9), "format 9"),
        (change_manifest(schema_version="m9999_future"), "update Viva first"),
        (
            change_manifest(objects=[{"key": "../../etc/passwd", "size": 1, "sha256": "0", "content_type": "x"}]),
            "leads out of",
        ),
    ],
    ids=["damaged", "lost file", "no manifest", "format", "newer schema", "bad key"],
)
def test_a_bad_dump_changes_nothing(filled, bucket, tmp_path, damage, words):
    folder = dump(filled, bucket, tmp_path)
    damage(folder)
    with pytest.raises(DumpProblem, match=words):
        restore_dump(folder, filled, bucket, force=True, say=silent)
    assert filled.accounts.count_documents({"_id": {"$gte": "p"}}) == 1200


def test_a_dump_that_was_cut_off_has_no_name(filled, bucket, tmp_path):
    class Interrupted(Exception):
        """Stands for a full disk, or a kill."""

    def fail(line):
        raise Interrupted

    with pytest.raises(Interrupted):
        write_dump(filled, bucket, backups=tmp_path, now=NOW, say=fail)
    assert list(tmp_path.iterdir()) == []
