"""The checker of the fault programme: a true history passes, and each broken promise is found, by its kind."""

import json
from dataclasses import replace

import pytest

from scripts.faults.checker import check, check_now, count_acknowledged
from scripts.faults.history import (
    Kind,
    Limits,
    Stored,
    StoredAnswer,
    StoredAttempt,
    StoredMail,
    StoredRecording,
    StoredResult,
)
from scripts.faults.records import Call, Event, Phase, Recorder, calls_of, read_events

START, DEADLINE = 1_000.0, 2_000.0


class Candidate:
    """A client's calls on a clock that the test moves."""

    def __init__(self, attempt: str = "a1", client: str = "c1") -> None:
        self.attempt, self.client = attempt, client
        self.now = START
        self.calls: list[Call] = []

    def call(self, op: str, sent=None, told=None, *, outcome: Phase = Phase.OK, takes: float = 0.1, at=None):
        began = self.now if at is None else at
        self.calls.append(make_call(self, op, sent or {}, told or {}, outcome, began, began + takes))
        self.now = max(self.now, began + takes + 0.1)
        return self.calls[-1]

    def snapshot(self, state: str, position: int, *, opened=None, stored=()):
        item = None
        if opened is not None:
            item = {"position": position, "opened_s": opened, "elapsed_ms": (self.now - opened) * 1000}
        deadline = DEADLINE if state != "checking" else None
        return {
            "state": state,
            "position": position,
            "item": item,
            "deadline_at": deadline,
            "stored_recordings": list(stored),
        }


def make_call(who, op, sent, told, outcome, began, ended):
    number = len(who.calls) + 1
    common = {"client": who.client, "call": number, "op": op, "attempt": who.attempt}
    lines = [
        {**common, "phase": "invoke", "at_s": began, "wall_s": began, "data": sent},
        {**common, "phase": outcome.value, "at_s": ended, "wall_s": ended, "data": told},
    ]
    return calls_of([_event(line) for line in lines])[0]


def _event(fields):
    return Event(**{**fields, "phase": Phase(fields["phase"])})


def recording(name: str = "r0", digest: str = "d0", kept: str | None = "d0", stored_s: float = START + 1):
    return StoredRecording(recording_id=name, digest=digest, kept=kept, stored_s=stored_s)


@pytest.fixture
def asha():
    """Enters, begins, opens item 0, records, types, closes it: the whole test."""
    who = Candidate()
    who.call("enter", {"delivery": "d", "student": "asha"}, who.snapshot("checking", 0))
    who.call("begin", {}, who.snapshot("in_progress", 0))
    opened = who.now + 0.05
    who.call("moves", {"moves": [{"kind": "open", "position": 0}]}, who.snapshot("in_progress", 0, opened=opened))
    who.call(
        "record", {"recording_id": "r0", "position": 0, "segment": 0, "digest": "d0"}, {"stored": True, "sha256": "d0"}
    )
    who.call("answer", {"position": 0, "sequence": [1, 1], "digest": "t1"}, {"sequence": [1, 1]})
    who.call("answer", {"position": 0, "sequence": [1, 2], "digest": "t2"}, {"sequence": [1, 2]})
    who.call("show", {}, who.snapshot("in_progress", 0, opened=opened, stored=["r0"]))
    who.call("moves", {"moves": [{"kind": "close", "position": 0}]}, who.snapshot("submitted", 1, stored=["r0"]))
    return who


@pytest.fixture
def stored():
    attempt = StoredAttempt(
        id="a1",
        delivery_id="d",
        student_id="asha",
        state="submitted",
        position=1,
        deadline_s=DEADLINE,
        ended_s=START + 2,
        is_settled=True,
    )
    answer = StoredAnswer(
        attempt_id="a1",
        position=0,
        state="scored",
        recordings=(recording(),),
        sequence=(1, 2),
        digest="t2",
        saved_s=START + 1.2,
        scored_from="d0",
        should_be_scored_from="d0",
    )
    return Stored(
        attempts={"a1": attempt},
        answers={("a1", 0): answer},
        results=(StoredResult(id="x", attempt_id="a1", settlement=1),),
        mails=(StoredMail(id="m", state="sent", accepted=1),),
        mails_planned=frozenset({"m"}),
    )


def kinds(calls, stored):
    return {finding.kind for finding in check(calls, stored)}


def with_answer(stored, **changes):
    return replace(stored, answers={("a1", 0): replace(stored.answers["a1", 0], **changes)})


def with_attempt(stored, **changes):
    return replace(stored, attempts={"a1": replace(stored.attempts["a1"], **changes)})


def test_a_true_history_passes(asha, stored):
    assert check(asha.calls, stored) == []
    assert count_acknowledged(asha.calls) == 7


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (Kind.LOST, lambda s: replace(s, answers={})),
        (Kind.LOST, lambda s: with_answer(s, recordings=())),
        (Kind.LOST, lambda s: with_answer(s, recordings=(recording(kept=None),))),
        (Kind.LOST, lambda s: with_answer(s, recordings=(recording(kept="torn"),))),
        (Kind.LOST, lambda s: with_answer(s, sequence=(1, 1), digest="t1")),
        (Kind.LOST, lambda s: with_answer(s, digest="t1")),
        (Kind.LOST, lambda s: with_answer(s, scored_from="other")),
        (Kind.LOST, lambda s: replace(s, attempts={}, results=())),
        (Kind.LOST, lambda s: with_attempt(s, state="in_progress", position=0, is_settled=False)),
        (Kind.LOST, lambda s: replace(s, results=())),
        (Kind.LOST, lambda s: replace(s, mails=())),
        (Kind.LOST, lambda s: replace(s, mails=(StoredMail(id="m", state="sent", accepted=0),))),
        (Kind.PHANTOM, lambda s: with_answer(s, recordings=(recording(), recording("r9", "d9", "d9")))),
        (Kind.PHANTOM, lambda s: with_answer(s, sequence=(1, 3), digest="t3")),
        (Kind.PHANTOM, lambda s: with_attempt(s, position=2)),
        (Kind.PHANTOM, lambda s: with_attempt(s, student_id="ravi")),
        (Kind.PHANTOM, lambda s: replace(s, mails=(StoredMail(id="m", state="failed", accepted=1),))),
        (Kind.LATE, lambda s: with_answer(s, saved_s=DEADLINE + 1)),
        (Kind.LATE, lambda s: with_answer(s, recordings=(recording(stored_s=START + 2 + 25 * 3600),))),
        (Kind.DOUBLED, lambda s: with_answer(s, recordings=(recording(), recording()))),
        (Kind.DOUBLED, lambda s: replace(s, results=(*s.results, StoredResult(id="y", attempt_id="a1", settlement=2)))),
        (Kind.DOUBLED, lambda s: replace(s, attempts={**s.attempts, "a2": replace(s.attempts["a1"], id="a2")})),
        (Kind.DOUBLED, lambda s: replace(s, mails=(StoredMail(id="m", state="sent", accepted=2),))),
        (Kind.UNDRAINED, lambda s: with_answer(s, state="claimed")),
        (Kind.UNDRAINED, lambda s: replace(s, mails=(StoredMail(id="m", state="queued", accepted=0),))),
        (Kind.TAMPERED, lambda s: replace(s, audit_problems=("event 3 was changed",))),
    ],
)
def test_a_store_that_breaks_a_promise_is_found(asha, stored, kind, change):
    assert kind in kinds(asha.calls, change(stored))


def under_way(stored, **changes):
    """As it is after the first six calls."""
    attempt = {"state": "in_progress", "position": 0, "is_item_open": True, "ended_s": None, "is_settled": False}
    return replace(with_answer(with_attempt(stored, **attempt), state="queued", **changes), results=())


def test_at_any_moment_only_what_was_acknowledged_counts(asha, stored):
    assert check_now(asha.calls[:6], under_way(stored)) == []


def test_a_loss_that_the_next_answer_hides_is_found_at_its_moment(asha, stored):
    lost = under_way(stored, sequence=(1, 1), digest="t1")
    assert [each.kind for each in check_now(asha.calls[:6], lost)] == [Kind.LOST]
    sent = {"position": 0, "sequence": [1, 3], "digest": "t3"}
    asha.calls.insert(6, make_call(asha, "answer", sent, {"sequence": [1, 3]}, Phase.OK, START + 1.25, START + 1.28))
    assert check(asha.calls, with_answer(stored, sequence=(1, 3), digest="t3")) == []


def test_what_is_unknown_may_be_there_or_not(asha, stored):
    asha.call("record", {"recording_id": "r1", "position": 0, "digest": "d1"}, outcome=Phase.UNKNOWN)
    both = (recording(), recording("r1", "d1", "d1"))
    assert check(asha.calls, stored) == []
    assert check(asha.calls, with_answer(stored, recordings=both)) == []


def test_a_reply_behind_an_earlier_one_is_found(asha, stored):
    asha.call("show", {}, asha.snapshot("in_progress", 0))
    assert Kind.BACKWARDS in kinds(asha.calls, stored)


def test_a_reply_to_a_call_that_overlapped_may_be_behind(asha, stored):
    item = {"position": 0, "opened_s": START + 0.45, "elapsed_ms": 1_000}
    told = {**asha.snapshot("in_progress", 0, stored=["r0"]), "item": item}
    asha.call("show", {}, told, at=asha.calls[-1].began_s, takes=5)
    assert Kind.BACKWARDS not in kinds(asha.calls, stored)


def test_a_sequence_that_goes_back_is_found(asha, stored):
    asha.call("answer", {"position": 0, "sequence": [1, 2], "digest": "t2"}, {"sequence": [1, 1]})
    assert Kind.BACKWARDS in kinds(asha.calls, stored)


def test_a_list_that_forgets_a_recording_is_found(asha, stored):
    asha.call("show", {}, asha.snapshot("submitted", 1, stored=[]))
    assert Kind.BACKWARDS in kinds(asha.calls, stored)


def test_a_typed_answer_accepted_after_the_deadline_is_found(asha, stored):
    asha.call("answer", {"position": 0, "sequence": [1, 3], "digest": "t3"}, {"sequence": [1, 3]}, at=DEADLINE + 1)
    assert kinds(asha.calls, with_answer(stored, sequence=(1, 3), digest="t3")) == {Kind.LATE}


def test_a_typed_answer_accepted_after_the_submission_is_found(asha, stored):
    asha.call("answer", {"position": 0, "sequence": [1, 3], "digest": "t3"}, {"sequence": [1, 3]})
    assert kinds(asha.calls, with_answer(stored, sequence=(1, 3), digest="t3")) == {Kind.LATE}


def test_what_was_handed_in_off_line_may_be_followed_by_its_answers(asha, stored):
    limits = Limits(answer_grace_s=0.5, following_s=300)
    asha.call("answer", {"position": 0, "sequence": [1, 3], "digest": "t3"}, {"sequence": [1, 3]}, takes=1.0)
    asha.call("answer", {"position": 0, "sequence": [1, 4], "digest": "t4"}, {"sequence": [1, 4]})
    after = with_answer(stored, sequence=(1, 4), digest="t4")
    assert {each.kind for each in check(asha.calls, after, limits)} == {Kind.LATE}
    assert check(asha.calls, with_attempt(after, ended_s=START - 60), limits) == []


def test_an_answer_sent_again_after_the_submission_may_be_told_what_is_stored(asha, stored):
    asha.call("answer", {"position": 0, "sequence": [1, 1], "digest": "t1"}, {"sequence": [1, 2]})
    assert check(asha.calls, stored) == []


def test_a_move_accepted_after_the_deadline_is_found_and_a_refusal_is_not(asha, stored):
    late = {"moves": [{"kind": "close", "position": 0}]}
    asha.call("moves", late, asha.snapshot("submitted", 1, stored=["r0"]), at=DEADLINE + 1)
    assert check(asha.calls, stored) == []
    calls = [*asha.calls[:3]]
    calls.append(asha.call("moves", late, asha.snapshot("in_progress", 1), at=DEADLINE + 3))
    assert Kind.LATE in kinds(calls, stored)


def test_a_deadline_that_moves_is_found(asha, stored):
    asha.call("show", {}, {**asha.snapshot("submitted", 1, stored=["r0"]), "deadline_at": DEADLINE + 60})
    assert kinds(asha.calls, stored) == {Kind.RESUME}


def test_an_item_that_resumes_two_seconds_off_is_found(asha, stored):
    item = {"position": 0, "opened_s": START + 0.45, "elapsed_ms": 3_000}
    told = {**asha.snapshot("in_progress", 0, stored=["r0"]), "item": item}
    asha.calls.insert(3, make_call(asha, "show", {}, told, Phase.OK, START + 0.9, START + 0.95))
    assert Kind.RESUME in kinds(asha.calls, stored)


def test_an_item_that_opens_anew_is_found(asha, stored):
    item = {"position": 0, "opened_s": asha.now, "elapsed_ms": 0}
    asha.call("show", {}, {**asha.snapshot("submitted", 1, stored=["r0"]), "item": item})
    assert Kind.RESUME in kinds(asha.calls, stored)


def test_an_attempt_past_its_deadline_must_be_over(stored):
    who = Candidate()
    who.call("enter", {"delivery": "d", "student": "asha"}, who.snapshot("checking", 0), at=DEADLINE + 90)
    left = replace(stored, answers={}, results=(), attempts=with_attempt(stored, state="in_progress").attempts)
    assert Kind.UNDRAINED in kinds(who.calls, left)


def test_records_are_written_before_the_request_and_read_back(tmp_path):
    path = tmp_path / "c1.jsonl"
    recorder = Recorder("c1", path)
    first = recorder.invoke("record", "a1", {"recording_id": "r0"})
    assert json.loads(path.read_text())["phase"] == "invoke"
    recorder.outcome(first, "record", Phase.OK, "a1", {"stored": True})
    recorder.invoke("show", "a1", {})
    recorder.close()
    path.write_text(path.read_text() + '{"client": "c1", "cal')  # the crash of the client cut this line
    calls = calls_of(read_events([path]))
    assert [(call.op, call.outcome) for call in calls] == [("record", Phase.OK), ("show", Phase.UNKNOWN)]
