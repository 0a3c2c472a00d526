"""A control for everybody on a real store: a whole sitting of attempts, quickly, each written and audited once."""

import time
from datetime import timedelta

import pytest

from backend.adapters.realtime.memory import MemoryFeed
from backend.features.assessments import mongo as assessments_mongo
from backend.features.assessments.mongo import MongoDeliveries
from backend.features.attempts import model
from backend.features.attempts import mongo as attempts_mongo
from backend.features.attempts.engine.controls import Control, ControlKind
from backend.features.attempts.engine.news import CHANGED
from backend.features.attempts.engine.usecases import ControlRoom, Outcome, control_all
from backend.features.attempts.memory import MemoryPapers, MemoryResponses
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.mongo import MongoAttempts
from backend.features.audit import mongo as audit_mongo
from backend.features.audit.mongo import MongoAuditLog
from backend.storage import ensure_collections
from tests.support.exam import ALLOWED, CLOSES, OPENS, make_attempt, make_delivery, make_paper
from tests.support.services_memory import build_memory_services

CANDIDATES = 1_000
LONGEST_S = 20.0


class TimingFeed(MemoryFeed):
    """Knows when each candidate heard last."""

    def __init__(self):
        super().__init__()
        self.heard = {}

    def publish(self, room, event, payload, *, namespace="/live"):
        super().publish(room, event, payload, namespace=namespace)
        if event == CHANGED:
            self.heard.setdefault(payload["attempt_id"], time.monotonic())


@pytest.fixture
def room(mongo_database):
    modules = (assessments_mongo, attempts_mongo, audit_mongo)
    ensure_collections(mongo_database, [spec for module in modules for spec in module.COLLECTIONS])
    memory = build_memory_services()
    return ControlRoom(
        deliveries=MongoDeliveries(mongo_database),
        attempts=MongoAttempts(mongo_database),
        responses=MemoryResponses(),
        papers=MemoryPapers([make_paper()]),
        released=memory.released_attempts,
        audit_log=MongoAuditLog(mongo_database),
        feed=TimingFeed(),
    )


@pytest.mark.services
def test_a_thousand_attempts_are_paused_and_go_on(room, record_property):
    delivery = make_delivery(form_ids=("form_one",))
    room.deliveries.add(delivery)
    for number in range(CANDIDATES):
        room.attempts.add(_begun(number))
    for kind, minutes in ((ControlKind.PAUSE, 5), (ControlKind.RESUME, 6)):
        asked = Control(id=f"control-{kind}", kind=kind, by="meera", reason="Fire alarm")
        room.feed.heard.clear()
        began = time.monotonic()
        report = control_all(delivery=delivery, control=asked, room=room, now=OPENS + timedelta(minutes=minutes))
        seconds = time.monotonic() - began
        record_property(kind.value, round(seconds, 2))
        heard = sorted(moment - began for moment in room.feed.heard.values())
        print(f"{kind.value} {CANDIDATES}: last told after {heard[-1]:.2f} s, all written after {seconds:.2f} s")
        assert len(heard) == CANDIDATES
        assert room.deliveries.find("delivery").under_way == ()
        assert len(report.ids(Outcome.CHANGED)) == CANDIDATES
        assert seconds < LONGEST_S
    attempts = room.attempts.list_by_delivery("delivery")
    assert {each.state for each in attempts} == {AttemptState.IN_PROGRESS}
    assert {each.deadline_at for each in attempts} == {OPENS + ALLOWED + timedelta(minutes=1)}
    assert {each.paused_ms for each in attempts} == {60_000}
    assert len(room.audit_log.list_by_campus("north", limit=5_000)) == 2 * CANDIDATES + 2


def _begun(number: int) -> Attempt:
    attempt = make_attempt(f"attempt-{number:04d}", student_id=f"student-{number:04d}")
    return model.begun(attempt, opens_at=OPENS, closes_at=CLOSES, allowed=ALLOWED, at=OPENS)
