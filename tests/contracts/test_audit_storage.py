"""The audit log's chain on a real store: many write at once, nothing is lost, and the chain is whole."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.features.audit import mongo as audit_mongo
from backend.features.audit.memory import MemoryAuditCheckpoints, MemoryAuditLog
from backend.features.audit.mongo import MongoAuditCheckpoints, MongoAuditLog
from backend.features.audit.usecases import set_checkpoints, verify_log
from backend.storage import ensure_collections
from tests.support.audit import AT, SECRET, entry

WRITERS = 4
EACH = 15


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.services)])
def stores(request):
    """As many logs as there are writing processes, over one storage; and its checkpoints."""
    if request.param == "memory":
        return [MemoryAuditLog()] * WRITERS, MemoryAuditCheckpoints()
    database = request.getfixturevalue("mongo_database")
    ensure_collections(database, audit_mongo.COLLECTIONS)
    return [MongoAuditLog(database) for _ in range(WRITERS)], MongoAuditCheckpoints(database)


def verify(stores):
    logs, points = stores
    return verify_log(campus_ids=["north", "south"], audit_log=logs[0], checkpoints=points, secret=SECRET)


def sign(stores):
    logs, points = stores
    return set_checkpoints(campus_ids=["north", "south"], audit_log=logs[0], checkpoints=points, secret=SECRET, now=AT)


def test_who_writes_at_the_same_moment_gets_a_place_each(stores):
    logs, _ = stores

    def write(writer):
        for number in range(EACH):
            logs[writer].add(entry(writer * 100 + number))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    written = logs[0].list_by_campus("north", limit=1_000)
    assert len(written) == WRITERS * EACH
    assert sorted(event.seq for event in written) == list(range(1, WRITERS * EACH + 1))
    assert [verdict.fault for verdict in verify(stores)] == [None, None, None]


def test_many_at_once_beside_others_and_again_are_each_there_once(stores):
    logs, _ = stores
    batch = [entry(number, campus_id="south" if number % 3 == 0 else "north") for number in range(1, 41)]

    def write(writer):
        logs[writer].add_absent(batch)
        logs[writer].add(entry(500 + writer))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    north, south = (logs[0].list_by_campus(name, limit=1_000) for name in ("north", "south"))
    assert (len(north), len(south)) == (27 + WRITERS, 13)
    assert len({event.id for event in (*north, *south)}) == 40 + WRITERS
    assert [verdict.fault for verdict in verify(stores)] == [None, None, None]


def test_pages_are_whole_whatever_the_chain_s_order_and_however_far_back(stores):
    """Written late with an earlier moment: shown at its moment. Of one campus, and of all with the house's own."""
    log = stores[0][0]
    moments = {"north": [5, 1, 9, 2, 30, 3, 7, 8, 4, 6, *range(40, 64)], "south": [10, 64], None: [0, 20, 65]}
    for campus_id, numbers in moments.items():
        for number in numbers:
            log.add(entry(number, campus_id=campus_id))
    all_of = {
        campus_id: sorted((f"entry-{n}" for n in numbers), key=order_of) for campus_id, numbers in moments.items()
    }
    assert walk(lambda **page: log.list_by_campus("north", **page)) == all_of["north"]
    assert walk(lambda **page: log.list_by_campus("south", **page)) == all_of["south"]
    everything = sorted((each for some in all_of.values() for each in some), key=order_of)
    for known in ((), ("north",), ("north", "south", "of-no-entry")):
        assert walk(lambda known=known, **page: log.list_all(known, **page)) == everything
    assert [event.id for event in log.list_by_campus("north", before="20260009", limit=3)] == [
        "entry-8",
        "entry-7",
        "entry-6",
    ]


def order_of(event_id):
    return -int(event_id.rpartition("-")[2])


def walk(list_page, limit=4):
    """Ids of all pages, one after another."""
    found, before = [], None
    while page := list_page(before=before, limit=limit):
        found += [event.id for event in page]
        before = page[-1].order
    return found


def test_checkpoints_are_kept_and_cover_what_is_there(stores):
    logs, points = stores
    logs[0].add(entry(1))
    logs[0].add(entry(2, campus_id=None))
    assert sign(stores) == 5  # a first one each, and one for each chain that has begun
    assert sign(stores) == 0
    logs[0].add(entry(3))
    assert sign(stores) == 1
    assert [point.seq for point in points.list_by_campus("north")] == [0, 1, 2]
    assert [(verdict.entries, verdict.checkpoints, verdict.fault) for verdict in verify(stores)] == [
        (1, 2, None),
        (2, 3, None),
        (0, 1, None),
    ]


@pytest.mark.services
def test_what_is_changed_in_the_database_itself_is_found(mongo_database):
    ensure_collections(mongo_database, audit_mongo.COLLECTIONS)
    mongo_database.audit_events.insert_one({"_id": "old", "campus_id": "north", **OLD})
    stores = [MongoAuditLog(mongo_database)], MongoAuditCheckpoints(mongo_database)
    for number in (1, 2, 3):
        stores[0][0].add(entry(number))
    sign(stores)
    assert verify(stores)[1].fault is None
    for document_id, place in (("entry-2", "entry-2"), ("old", "north:0")):
        mongo_database.audit_events.update_one({"_id": document_id}, {"$set": {"actor_id": "omar"}})
        assert verify(stores)[1].place == place
        mongo_database.audit_events.update_one({"_id": document_id}, {"$set": {"actor_id": "meera"}})
    assert verify(stores)[1].fault is None


OLD = {
    "actor_id": "meera",
    "action": "student_added",
    "subject_kind": "student",
    "subject_id": "asha",
    "at": AT,
    "order": "2025-old",
    "details": {},
}
