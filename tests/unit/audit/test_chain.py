"""The audit log's chain: whatever is changed, removed, put in or swapped is found, and where."""

from dataclasses import replace

import pytest

from backend.features.audit.chain import Fault
from backend.features.audit.memory import MemoryAuditCheckpoints, MemoryAuditLog
from backend.features.audit.usecases import set_checkpoints, verify_log
from tests.support.audit import AT, SECRET, entry


class Log:
    """Two entries of before the chain, six in it, a checkpoint at the fourth; another campus beside it."""

    def __init__(self):
        self.log, self.points = MemoryAuditLog(), MemoryAuditCheckpoints()
        self.log.events += [entry(901), entry(902)]
        for number in range(1, 5):
            self.log.add(entry(number))
            self.log.add(entry(number + 100, campus_id=None))
        assert self.sign() == 4
        for number in (5, 6):
            self.log.add(entry(number))

    def sign(self, secret=SECRET):
        return set_checkpoints(campus_ids=["north"], audit_log=self.log, checkpoints=self.points, secret=secret, now=AT)

    def verify(self, secret=SECRET):
        """(fault, place) of the campus; the house's own chain is intact throughout."""
        house, north = verify_log(campus_ids=["north"], audit_log=self.log, checkpoints=self.points, secret=secret)
        if secret == SECRET:
            assert house.fault is None
        return north.fault, north.place

    def index(self, number):
        return next(at for at, event in enumerate(self.log.events) if event.id == f"entry-{number}")

    def change(self, number, **changes):
        at = self.index(number)
        self.log.events[at] = replace(self.log.events[at], **changes)

    def remove(self, number):
        del self.log.events[self.index(number)]


@pytest.fixture
def log():
    return Log()


def test_what_nobody_touched_is_intact_and_goes_on(log):
    assert log.verify() == (None, "")
    assert log.sign() == 1
    assert log.sign() == 0
    log.log.add(entry(7))
    assert log.verify() == (None, "")


def test_a_log_without_a_checkpoint_yet_is_intact():
    fresh = MemoryAuditLog()
    fresh.add(entry(1))
    verdicts = verify_log(campus_ids=["north"], audit_log=fresh, checkpoints=MemoryAuditCheckpoints(), secret=SECRET)
    assert [verdict.fault for verdict in verdicts] == [None, None]


@pytest.mark.parametrize(
    "changes",
    [
        {"actor_id": "omar"},
        {"action": "attempt_paused"},
        {"subject_id": "a2"},
        {"details": {}},
        {"at": AT},
        {"order": "20260099"},
    ],
)
@pytest.mark.parametrize("number", [1, 3, 4, 5])
def test_a_changed_entry_is_found_where_it_stands(log, number, changes):
    log.change(number, **changes)
    assert log.verify() == (Fault.CHANGED, f"entry-{number}")


@pytest.mark.parametrize(("number", "place"), [(1, "entry-2"), (3, "entry-4"), (5, "entry-6")])
def test_a_removed_entry_is_found_at_the_next(log, number, place):
    log.remove(number)
    assert log.verify() == (Fault.MISSING, place)


def test_entries_that_were_swapped_are_found(log):
    second, third = log.log.events[log.index(2)], log.log.events[log.index(3)]
    log.change(2, seq=third.seq, previous=third.previous)
    log.change(3, seq=second.seq, previous=second.previous)
    fault, place = log.verify()
    assert (fault, place) == (Fault.CHANGED, "entry-3")


def test_an_entry_put_in_between_is_found(log):
    for number in range(6, 2, -1):
        log.change(number, seq=log.log.events[log.index(number)].seq + 1)
    third = log.log.events[log.index(3)]
    log.log.events.append(entry(50, seq=3, previous=third.previous, is_linked=True))
    assert log.verify() == (Fault.CHANGED, "entry-50")


def test_an_entry_put_beside_the_chain_is_found(log):
    log.log.events.append(entry(50))
    assert log.verify()[0] is Fault.OUTSIDE
    log.remove(50)
    log.log.events.append(entry(50, seq=99))
    assert log.verify()[0] is Fault.OUTSIDE


@pytest.mark.parametrize("remove", [True, False])
def test_entries_of_before_the_chain_are_covered(log, remove):
    if remove:
        log.remove(901)
    else:
        log.change(901, actor_id="omar")
    assert log.verify() == (Fault.OUTSIDE, "north:0")


def test_an_end_that_was_cut_off_is_found(log):
    for number in (6, 5, 4):
        log.remove(number)
    assert log.verify() == (Fault.CUT, "north:4")


def test_a_chain_that_was_worked_out_anew_is_found_at_its_checkpoint(log):
    kept = [event for event in log.log.events if event.campus_id == "north" and event.is_linked]
    log.log.events = [event for event in log.log.events if event not in kept]
    for event in kept:
        log.log.add(replace(event, actor_id="omar", seq=0, previous="", is_linked=False))
    assert log.verify() == (Fault.CHANGED, "entry-4")


def test_a_checkpoint_signed_with_another_key_or_lost_is_found(log):
    assert log.verify(secret="another")[0] is Fault.FORGED
    point = log.points.points["north:4"]
    log.points.points["north:4"] = replace(point, hash="0" * 64)
    assert log.verify() == (Fault.FORGED, "north:4")
    log.points.points["north:4"] = point
    del log.points.points["north:0"]
    assert log.verify() == (Fault.UNCOVERED, "north:4")
