"""What Viva relies on in a MongoDB engine. Runs on the embedded one, or on MONGODB_URI."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo import DeleteOne, InsertOne, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, WriteError

from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, ensure_collections

pytestmark = pytest.mark.services

NOON = datetime(2026, 11, 23, 12, 0, 0, 123_000, tzinfo=UTC)


def in_threads(count, act):
    """Runs `act(number)` in threads at once; the outcomes. An error in a thread fails the test."""
    outcomes, errors = [], []

    def run(number):
        try:
            outcomes.append(act(number))
        except Exception as error:  # noqa: BLE001 - carried to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return outcomes


def plan_of(cursor) -> str:
    return str(cursor.explain())


class TestWrites:
    def test_types_survive_the_round_trip_in_order(self, mongo_database: MongoDatabase):
        document = {
            "_id": "a1",
            "text": "héllo",
            "whole": 5,
            "big": 2**40,
            "share": 1.5,
            "yes": True,
            "nothing": None,
            "at": NOON,
            "bytes": b"\x00\x01",
            "list": [1, {"deep": [2]}],
            "inner": {"x": {"y": 1}},
            "object_id": ObjectId(),
        }
        mongo_database.c.insert_one(dict(document))
        found = mongo_database.c.find_one({"_id": "a1"})
        assert found == document
        assert list(found) == list(document)

    def test_moments_come_back_aware_in_utc(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_one({"_id": "a1", "at": NOON})
        found = mongo_database.c.find_one({"_id": "a1"})
        assert found["at"].utcoffset() == timedelta(0)

    def test_acknowledged_by_majority_and_journal(self, mongo_database: MongoDatabase):
        concern = mongo_database.write_concern.document
        assert concern == {"w": "majority", "j": True}
        assert mongo_database.c.insert_one({"_id": "a1"}).acknowledged

    def test_update_says_what_it_matched_and_changed(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_one({"_id": "a1", "state": "open"})
        first = mongo_database.c.update_one({"_id": "a1", "state": "open"}, {"$set": {"state": "queued"}})
        again = mongo_database.c.update_one({"_id": "a1", "state": "open"}, {"$set": {"state": "queued"}})
        same = mongo_database.c.update_one({"_id": "a1"}, {"$set": {"state": "queued"}})
        assert (first.matched_count, first.modified_count) == (1, 1)
        assert (again.matched_count, again.modified_count) == (0, 0)
        assert (same.matched_count, same.modified_count) == (1, 0)

    def test_only_one_of_many_wins_a_compare_and_set(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_one({"_id": "a1", "version": 0})
        wins = in_threads(
            16,
            lambda _: mongo_database.c.update_one({"_id": "a1", "version": 0}, {"$inc": {"version": 1}}).matched_count,
        )
        assert sum(wins) == 1

    def test_no_update_is_lost_under_load(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_one({"_id": "a1", "count": 0, "log": []})

        def count_up(number):
            for _ in range(10):
                mongo_database.c.update_one({"_id": "a1"}, {"$inc": {"count": 1}, "$push": {"log": number}})

        in_threads(8, count_up)
        found = mongo_database.c.find_one({"_id": "a1"})
        assert (found["count"], len(found["log"])) == (80, 80)

    def test_push_appends_to_present_and_absent_arrays(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_one({"_id": "a1", "parts": [{"n": 1}]})
        mongo_database.c.update_one({"_id": "a1"}, {"$push": {"parts": {"n": 2}, "more": "x"}})
        found = mongo_database.c.find_one({"_id": "a1"})
        assert (found["parts"], found["more"]) == ([{"n": 1}, {"n": 2}], ["x"])

    def test_replace_with_upsert(self, mongo_database: MongoDatabase):
        for value in (1, 2):
            mongo_database.c.replace_one({"_id": "a1"}, {"v": value}, upsert=True)
        assert mongo_database.c.find_one({"_id": "a1"}) == {"_id": "a1", "v": 2}

    def test_set_on_insert(self, mongo_database: MongoDatabase):
        for value in (1, 2):
            mongo_database.c.update_one(
                {"_id": "a1"}, {"$setOnInsert": {"first": value}, "$set": {"last": value}}, upsert=True
            )
        assert mongo_database.c.find_one({"_id": "a1"}) == {"_id": "a1", "first": 1, "last": 2}

    def test_unset_removes_a_field(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_one({"_id": "a1", "lease_until": NOON, "state": "claimed"})
        mongo_database.c.update_one({"_id": "a1"}, {"$unset": {"lease_until": ""}})
        assert mongo_database.c.find_one({"_id": "a1"}) == {"_id": "a1", "state": "claimed"}

    def test_bad_updates_are_refused(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_one({"_id": "a1", "text": "x"})
        with pytest.raises(WriteError):
            mongo_database.c.update_one({"_id": "a1"}, {"$inc": {"text": 1}})
        with pytest.raises(WriteError):
            mongo_database.c.update_one({"_id": "a1"}, {"$set": {"_id": "a2"}})


class TestUnique:
    def test_ids(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_one({"_id": "a1"})
        with pytest.raises(DuplicateKeyError):
            mongo_database.c.insert_one({"_id": "a1"})

    def test_compound_index_even_in_a_race(self, mongo_database: MongoDatabase):
        mongo_database.c.create_index([("delivery_id", 1), ("student_id", 1), ("number", 1)], unique=True)

        def insert(number):
            try:
                mongo_database.c.insert_one({"delivery_id": "d", "student_id": "s", "number": 1, "by": number})
            except DuplicateKeyError:
                return 0
            return 1

        assert sum(in_threads(12, insert)) == 1

    def test_update_into_a_duplicate(self, mongo_database: MongoDatabase):
        mongo_database.c.create_index("login", unique=True)
        mongo_database.c.insert_many([{"_id": "a", "login": "asha"}, {"_id": "r", "login": "ravi"}])
        with pytest.raises(DuplicateKeyError):
            mongo_database.c.update_one({"_id": "r"}, {"$set": {"login": "asha"}})

    def test_partial_index(self, mongo_database: MongoDatabase):
        mongo_database.c.create_index("email", unique=True, partialFilterExpression={"active": True})
        mongo_database.c.insert_many([{"email": "x", "active": False}, {"email": "x", "active": False}])
        mongo_database.c.insert_one({"email": "x", "active": True})
        with pytest.raises(DuplicateKeyError):
            mongo_database.c.insert_one({"email": "x", "active": True})

    def test_index_over_present_duplicates_is_refused(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_many([{"a": 1}, {"a": 1}])
        with pytest.raises(OperationFailure):
            mongo_database.c.create_index("a", unique=True)


class TestReads:
    @pytest.fixture
    def attempts(self, mongo_database: MongoDatabase):
        collection = mongo_database.attempts
        collection.create_index([("delivery_id", 1), ("started_at", -1)])
        collection.insert_many(
            {"_id": f"a{n}", "delivery_id": f"d{n % 3}", "started_at": NOON + timedelta(minutes=n), "n": n}
            for n in range(60)
        )
        return collection

    def test_sorted_by_an_index(self, attempts):
        cursor = attempts.find({"delivery_id": "d1"}).sort([("started_at", -1)]).limit(3)
        assert [found["n"] for found in cursor] == [58, 55, 52]
        assert "IXSCAN" in plan_of(attempts.find({"delivery_id": "d1"}).sort([("started_at", -1)]))

    def test_explain_shows_a_scan_as_a_scan(self, attempts):
        assert "COLLSCAN" in plan_of(attempts.find({"n": 5}))

    def test_anchored_range_of_moments(self, attempts):
        wanted = {"delivery_id": "d0", "started_at": {"$gte": NOON, "$lt": NOON + timedelta(minutes=10)}}
        assert sorted(found["n"] for found in attempts.find(wanted)) == [0, 3, 6, 9]
        assert attempts.count_documents(wanted) == 4

    def test_in_and_skip_and_limit(self, attempts):
        assert attempts.count_documents({"_id": {"$in": ["a1", "a2", "none"]}}) == 2
        page = attempts.find({"delivery_id": "d0"}).sort([("started_at", 1)]).skip(2).limit(2)
        assert [found["n"] for found in page] == [6, 9]

    def test_null_matches_absent(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_many([{"_id": 1, "used_at": None}, {"_id": 2}, {"_id": 3, "used_at": NOON}])
        assert sorted(found["_id"] for found in mongo_database.c.find({"used_at": None})) == [1, 2]

    def test_conditions_on_elements_of_an_array(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_many(
            [{"_id": 1, "parts": [{"a": 1, "b": 5}, {"a": 2, "b": 1}]}, {"_id": 2, "parts": [{"a": 1, "b": 1}]}]
        )
        assert mongo_database.c.count_documents({"parts": {"$elemMatch": {"a": 1, "b": 5}}}) == 1
        assert mongo_database.c.count_documents({"parts.a": 2}) == 1

    def test_projection_of_top_level_fields(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_one({"_id": 1, "a": 1, "b": {"c": 2}, "d": 3})
        assert mongo_database.c.find_one({"_id": 1}, {"a": 1}) == {"_id": 1, "a": 1}
        assert mongo_database.c.find_one({"_id": 1}, {"b": 0}) == {"_id": 1, "a": 1, "d": 3}

    def test_long_cursor(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_many({"_id": n, "text": "x" * 100} for n in range(3000))
        assert [found["_id"] for found in mongo_database.c.find({"_id": {"$gte": 0}}).sort("_id", 1)] == list(
            range(3000)
        )

    def test_whole_numbers_and_floats_order_together(self, mongo_database: MongoDatabase):
        mongo_database.c.create_index("score")
        mongo_database.c.insert_many({"score": value} for value in (1.5, -2.25, 0.0, 3, 2))
        found = mongo_database.c.find({"score": {"$lt": 10}}).sort("score", 1)
        assert [each["score"] for each in found] == [-2.25, 0.0, 1.5, 2, 3]


class TestSums:
    def test_groups_over_scalars(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_many({"state": state} for state in ("scored", "scored", "failed"))
        found = mongo_database.c.aggregate([{"$group": {"_id": "$state", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}])
        assert list(found) == [{"_id": "failed", "n": 1}, {"_id": "scored", "n": 2}]

    def test_unwind_then_group(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_many(
            [
                {"_id": 1, "parts": [{"size": 5}, {"size": 7}]},
                {"_id": 2, "parts": []},
                {"_id": 3, "parts": [{"size": 1}]},
            ]
        )
        found = mongo_database.c.aggregate(
            [{"$unwind": "$parts"}, {"$group": {"_id": None, "bytes": {"$sum": "$parts.size"}, "n": {"$sum": 1}}}]
        )
        assert list(found) == [{"_id": None, "bytes": 13, "n": 3}]

    def test_match_group_minimum_maximum_mean(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_many({"batch": n % 2, "overall": n} for n in range(1, 9))
        stages: list[dict[str, Any]] = [
            {"$match": {"batch": 0}},
            {
                "$group": {
                    "_id": "$batch",
                    "low": {"$min": "$overall"},
                    "high": {"$max": "$overall"},
                    "mean": {"$avg": "$overall"},
                }
            },
        ]
        assert list(mongo_database.c.aggregate(stages)) == [{"_id": 0, "low": 2, "high": 8, "mean": 5.0}]


class TestBulk:
    def test_mixed_writes(self, mongo_database: MongoDatabase):
        outcome = mongo_database.c.bulk_write(
            [
                InsertOne({"_id": 1}),
                UpdateOne({"_id": 1}, {"$set": {"a": 1}}),
                InsertOne({"_id": 2}),
                DeleteOne({"_id": 2}),
            ]
        )
        assert (outcome.inserted_count, outcome.modified_count, outcome.deleted_count) == (2, 1, 1)

    def test_unordered_goes_on_after_a_duplicate(self, mongo_database: MongoDatabase):
        mongo_database.c.insert_one({"_id": 1})
        with pytest.raises(BulkWriteError) as caught:
            mongo_database.c.bulk_write([InsertOne({"_id": 1}), InsertOne({"_id": 2})], ordered=False)
        assert [mistake["code"] for mistake in caught.value.details["writeErrors"]] == [11000]
        assert mongo_database.c.count_documents({"_id": 2}) == 1


class TestCollections:
    SPEC = CollectionSpec(
        name="things",
        indexes=(
            IndexSpec(keys=(("campus_id", 1), ("name", 1)), unique=True),
            IndexSpec(keys=(("expires_at", 1),), expire_after_s=0),
        ),
        validator={"$jsonSchema": {"required": ["campus_id"], "properties": {"campus_id": {"bsonType": "string"}}}},
    )

    def test_ensure_is_safe_to_repeat(self, mongo_database: MongoDatabase):
        for _ in range(3):
            ensure_collections(mongo_database, [self.SPEC])
        present = mongo_database.things.index_information()
        assert set(present) == {"_id_", "campus_id_1_name_1", "expires_at_1"}
        assert present["campus_id_1_name_1"]["unique"] is True

    def test_two_starts_at_once(self, mongo_database: MongoDatabase):
        in_threads(4, lambda _: ensure_collections(mongo_database, [self.SPEC]))
        assert len(mongo_database.things.index_information()) == 3

    def test_a_changed_index_is_replaced(self, mongo_database: MongoDatabase):
        ensure_collections(mongo_database, [self.SPEC])
        changed = CollectionSpec(name="things", indexes=(IndexSpec(keys=(("campus_id", 1), ("name", 1))),))
        ensure_collections(mongo_database, [changed])
        assert "unique" not in mongo_database.things.index_information()["campus_id_1_name_1"]

    def test_the_validator_refuses(self, mongo_database: MongoDatabase):
        ensure_collections(mongo_database, [self.SPEC])
        mongo_database.things.insert_one({"campus_id": "north"})
        with pytest.raises(WriteError):
            mongo_database.things.insert_one({"campus_id": 5})
        with pytest.raises(WriteError):
            mongo_database.things.insert_one({"name": "x"})
