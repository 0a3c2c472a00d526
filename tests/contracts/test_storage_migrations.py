"""The migration runner on the engine: once, in order, recorded, one start at a time, again after a failure."""

import sys
import threading
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest

from backend.core.clock import utc_now
from backend.core.errors import TemporaryFailure
from backend.migrations import m0001_headlines_without_keys
from backend.migrations.runner import Migration, MigrationFailed, find_migrations, run_migrations, schema_version
from backend.storage import MongoDatabase

pytestmark = pytest.mark.services


def migration(name, act=lambda db: None):
    return Migration(name=name, story="Tells why.", migrate=act)


def run(database, migrations, *, now=utc_now, owner="me", wait_s=30):
    return run_migrations(database, migrations=migrations, now=now, owner=owner, say=lambda line: None, wait_s=wait_s)


def add_one(database):
    database.counts.update_one({"_id": "n"}, {"$inc": {"n": 1}}, upsert=True)


def test_each_runs_once_and_is_recorded(mongo_database: MongoDatabase):
    steps = [migration("m0001_first", add_one), migration("m0002_second")]
    assert run(mongo_database, steps) == ["m0001_first", "m0002_second"]
    assert run(mongo_database, steps) == []
    assert mongo_database.counts.find_one({"_id": "n"})["n"] == 1
    record = mongo_database.migrations.find_one({"_id": "m0001_first"})
    assert (record["state"], record["story"]) == ("applied", "Tells why.")
    assert schema_version(mongo_database) == "m0002_second"


def test_a_failure_stops_there_is_recorded_and_tried_again(mongo_database: MongoDatabase):
    broken = migration("m0001_first", lambda db: [].pop())
    after = migration("m0002_second", add_one)
    with pytest.raises(MigrationFailed, match="m0001_first failed: IndexError"):
        run(mongo_database, [broken, after])
    record = mongo_database.migrations.find_one({"_id": "m0001_first"})
    assert record["state"] == "failed"
    assert "lambda" in record["log"]
    assert mongo_database.counts.find_one({"_id": "n"}) is None
    assert run(mongo_database, [migration("m0001_first"), after]) == ["m0001_first", "m0002_second"]


def test_two_starts_do_not_race(mongo_database: MongoDatabase):
    outcomes = []
    threads = [
        threading.Thread(
            target=lambda owner: outcomes.append(run(mongo_database, [migration("m0001_first", add_one)], owner=owner)),
            args=(f"start{number}",),
        )
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [[], [], [], ["m0001_first"]]
    assert mongo_database.counts.find_one({"_id": "n"})["n"] == 1


def test_a_held_lock_is_waited_for_and_an_old_one_taken_over(mongo_database: MongoDatabase):
    now = datetime(2026, 11, 23, tzinfo=UTC)
    mongo_database.migrations.insert_one({"_id": "lock", "owner": "dead", "until": now + timedelta(minutes=5)})
    with pytest.raises(TemporaryFailure):
        run(mongo_database, [migration("m0001_first")], now=lambda: now, wait_s=0)
    later = now + timedelta(minutes=6)
    assert run(mongo_database, [migration("m0001_first")], now=lambda: later) == ["m0001_first"]
    assert mongo_database.migrations.find_one({"_id": "lock"}) is None


def test_headlines_of_stored_items_lose_their_key(mongo_database: MongoDatabase):
    stored = {
        "choose-one:1": ("multiple_choice", "Where is it? [at home]", "Where is it?", {"options": ["at home", "here"]}),
        "gaps-one:1": ("gap_fill", "We [went] home [by] bus.", "We {1} home {2} bus.", {}),
        "order-one:1": ("ordering", "Boil it. Drink it.", "Put them in order.", {"parts": ["Drink it.", "Boil it."]}),
        "repeat-one:1": ("repeat", "Close the door.", None, {}),
    }
    for name, (task, headline, text, shown) in stored.items():
        mongo_database.item_versions.insert_one(
            {"_id": name, "task": task, "headline": headline, "shown_text": text, "shown": shown}
        )
    for _ in range(2):
        m0001_headlines_without_keys.migrate(mongo_database)
        found = {each["_id"]: each["headline"] for each in mongo_database.item_versions.find({})}
        assert found == {
            "choose-one:1": "Where is it?",
            "gaps-one:1": "We ___ home ___ bus.",
            "order-one:1": "Put them in order. Drink it. / Boil it.",
            "repeat-one:1": "Close the door.",
        }


def test_the_packages_own_migrations_run_on_an_empty_database(mongo_database: MongoDatabase):
    assert run(mongo_database, find_migrations()) == [each.name for each in find_migrations()]


@pytest.fixture
def package(tmp_path):
    (tmp_path / "__init__.py").write_text("")
    module = ModuleType("some_migrations")
    module.__path__ = [str(tmp_path)]
    sys.modules["some_migrations"] = module
    yield module, tmp_path
    for name in [name for name in sys.modules if name.startswith("some_migrations")]:
        del sys.modules[name]


def test_they_are_found_in_the_order_of_their_number(package):
    module, folder = package
    for name in ("m0010_tenth", "m0002_second", "runner", "m1_not"):
        (folder / f"{name}.py").write_text('"""A story."""\ndef migrate(db): pass\n')
    assert [found.name for found in find_migrations(module)] == ["m0002_second", "m0010_tenth"]


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        (
            {"m0001_a": '"""S."""\ndef migrate(db): pass\n', "m0001_b": '"""S."""\ndef migrate(db): pass\n'},
            "share a number",
        ),
        ({"m0001_a": "def migrate(db): pass\n"}, "tells no story"),
    ],
)
def test_what_is_wrong_with_one_stops_the_start(package, files, complaint):
    module, folder = package
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    with pytest.raises(ValueError, match=complaint):
        find_migrations(module)
