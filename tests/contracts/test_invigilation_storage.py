"""Duties, incidents, messages, identity checks and signals: one suite over memory and a real store."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.core.errors import Conflict
from backend.features.invigilation import memory, mongo
from backend.features.invigilation.model import (
    Duty,
    IdentityCheck,
    Incident,
    IncidentKind,
    Means,
    Message,
    Power,
    Receipt,
)
from backend.features.invigilation.signals import Finding, Signal, SignalKind, SignalRecord, SignalReview
from backend.storage import ensure_collections

AT = datetime(2026, 11, 23, 4, 30, 0, 123_000, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
HERE: dict[str, Any] = {"delivery_id": "delivery", "campus_id": "north"}


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.services)])
def storage(request):
    """Makes a repository by its name, e.g. `storage("Duties")`."""
    if request.param == "memory":
        return lambda name: getattr(memory, f"Memory{name}")()
    database = request.getfixturevalue("mongo_database")
    ensure_collections(database, mongo.COLLECTIONS)
    return lambda name: getattr(mongo, f"Mongo{name}")(database)


def test_a_duty_is_replaced_and_taken_back(storage):
    duties = storage("Duties")
    duty = Duty(
        id="delivery:ines", account_id="ines", powers=(Power.PAUSE,), assigned_by="meera", assigned_at=AT, **HERE
    )
    other = replace(duty, id="delivery:igor", account_id="igor")
    elsewhere = replace(duty, id="next:ines", delivery_id="next")
    more = replace(duty, powers=tuple(Power), assigned_at=LATER)
    for each in (duty, other, elsewhere, more):
        duties.put(each)
    assert duties.find("delivery:ines") == more
    assert by_id(duties.list_by_delivery("delivery")) == [other, more]
    assert by_id(duties.list_by_account("ines")) == [more, elsewhere]
    assert duties.remove("delivery:ines")
    assert not duties.remove("delivery:ines")
    assert duties.find("delivery:ines") is None
    assert duties.list_by_delivery("delivery") == [other]


def test_incidents_are_added_once_and_told_in_order(storage):
    incidents = storage("Incidents")
    noted = Incident(
        id="i1",
        kind=IncidentKind.ROOM,
        text="The “fire” alarm – हिन्दी",
        student_ids=("asha", "ravi"),
        happened_at=AT,
        noted_at=LATER,
        noted_by="ines",
        **HERE,
    )
    earlier = replace(noted, id="i2", kind=IncidentKind.NETWORK_REFUSED, noted_at=AT, noted_by=None, student_ids=())
    assert incidents.add(noted)
    assert incidents.add(earlier)
    assert not incidents.add(replace(noted, text="Something else"))
    assert list(incidents.list_by_delivery("delivery")) == [earlier, noted]
    assert list(incidents.list_by_delivery("next")) == []


def test_messages_are_told_in_order_and_receipts_kept_once(storage):
    messages = storage("Messages")
    second = Message(
        id="m2", text="Please wait.", student_ids=("asha",), is_urgent=True, sent_by="ines", sent_at=LATER, **HERE
    )
    first = replace(second, id="m1", student_ids=(), is_urgent=False, sent_at=AT)
    for each in (second, first):
        messages.add(each)
    assert list(messages.list_by_delivery("delivery")) == [first, second]
    assert messages.find("m2") == second
    assert messages.find("m3") is None
    receipt = Receipt(id="m1:asha", message_id="m1", delivery_id="delivery", student_id="asha", seen_at=AT)
    by_ravi = replace(receipt, id="m1:ravi", student_id="ravi")
    assert messages.add_receipt(receipt)
    assert messages.add_receipt(by_ravi)
    assert not messages.add_receipt(replace(receipt, seen_at=LATER))
    assert by_id(messages.list_receipts("delivery")) == [receipt, by_ravi]
    assert list(messages.list_receipts_of("delivery", "asha")) == [receipt]
    assert list(messages.list_receipts_of("next", "asha")) == []


def test_of_two_checks_of_one_candidate_the_first_stands(storage):
    checks = storage("IdentityChecks")
    check = IdentityCheck(
        id="delivery:asha", student_id="asha", means=Means.CARD, checked_by="ines", checked_at=AT, **HERE
    )
    again = replace(check, means=Means.DOCUMENT, checked_by="meera")
    with ThreadPoolExecutor(2) as pool:
        added = list(pool.map(checks.add, (check, again)))
    assert sorted(added) == [False, True]
    stands = check if added[0] else again
    assert checks.find("delivery:asha") == stands
    assert list(checks.list_by_delivery("delivery")) == [stands]
    assert list(checks.list_by_delivery("next")) == []


def test_signals_are_written_over_the_revision_that_was_read(storage):
    records = storage("SignalRecords")
    signal = Signal(signal_id="s1", kind=SignalKind.TAB_LEFT, at=AT, received_at=LATER, duration_ms=900)
    fresh = SignalRecord(id="attempt", student_id="asha", signals=(signal,), **HERE)
    assert records.add(fresh)
    assert not records.add(replace(fresh, signals=()))
    review = SignalReview(finding=Finding.NO_CONCERN, reason="Fire alarm", by="meera", at=LATER, covers=1)
    reviewed = replace(fresh, reviews=(review,), revision=1)
    assert records.save(reviewed, seen=fresh)
    assert not records.save(replace(fresh, beyond=5, revision=1), seen=fresh)
    assert not records.save(replace(fresh, id="another", revision=1), seen=replace(fresh, id="another"))
    assert records.find("attempt") == reviewed
    assert records.find("another") is None
    assert list(records.list_by_delivery("delivery")) == [reviewed]


@pytest.mark.services
def test_a_message_with_an_id_that_is_there_is_refused_by_the_store(mongo_database):
    ensure_collections(mongo_database, mongo.COLLECTIONS)
    messages = mongo.MongoMessages(mongo_database)
    message = Message(id="m1", text="x", student_ids=(), is_urgent=False, sent_by="ines", sent_at=AT, **HERE)
    messages.add(message)
    with pytest.raises(Conflict):
        messages.add(replace(message, text="y"))
    assert messages.find("m1") == message


def by_id(found):
    return sorted(found, key=lambda each: each.id)
