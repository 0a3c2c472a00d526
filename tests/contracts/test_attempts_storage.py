"""Attempts, responses, uploads and deliveries: one suite over memory and MongoDB."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from backend.adapters.tallies.memory import MemoryTallies
from backend.core.errors import Conflict
from backend.features.assessments import mongo as assessments_mongo
from backend.features.assessments.memory import MemoryDeliveries
from backend.features.attempts import mongo as attempts_mongo
from backend.features.attempts.late.model import LateAnswer, LateState
from backend.features.attempts.memory import MemoryAttempts, MemoryLateAnswers, MemoryResponses, MemoryUploads
from backend.features.attempts.model import AttemptState, Conditions, FinishedPart
from backend.features.attempts.recordings.model import Upload, with_part
from backend.features.attempts.responses import Answer, Earlier, Recording, Response, ResponseState
from backend.storage import ensure_collections
from tests.support.exam import OPENS, make_attempt, make_delivery


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.services)])
def kind(request):
    return request.param


@pytest.fixture
def database(kind, request):
    if kind == "memory":
        return None
    database = request.getfixturevalue("mongo_database")
    ensure_collections(database, (*attempts_mongo.COLLECTIONS, *assessments_mongo.COLLECTIONS))
    return database


@pytest.fixture
def attempts(database):
    return MemoryAttempts() if database is None else attempts_mongo.MongoAttempts(database)


@pytest.fixture
def responses(database):
    return MemoryResponses() if database is None else attempts_mongo.MongoResponses(database, MemoryTallies())


@pytest.fixture
def late_answers(database):
    return MemoryLateAnswers() if database is None else attempts_mongo.MongoLateAnswers(database)


@pytest.fixture
def uploads(database):
    return MemoryUploads() if database is None else attempts_mongo.MongoUploads(database)


@pytest.fixture
def deliveries(database):
    return MemoryDeliveries() if database is None else assessments_mongo.MongoDeliveries(database)


def make_recording(recording_id="rec-1", segment=0):
    return Recording(
        recording_id=recording_id,
        segment=segment,
        blob_key="recordings/north/00",
        sha256="00",
        size=9,
        content_type="audio/webm",
        duration_ms=900,
        stored_at=OPENS,
    )


def make_response(position=0, attempt_id="a1", **changes):
    response = Response(
        id=f"{attempt_id}:{position}",
        attempt_id=attempt_id,
        campus_id="north",
        delivery_id="delivery",
        position=position,
        task="repeat",
        item_id="item",
        item_version=1,
        state=ResponseState.QUEUED,
        not_before=OPENS,
    )
    return replace(response, **changes)


def at_once(count, act):
    outcomes = []
    barrier = threading.Barrier(count)

    def run(number):
        barrier.wait()
        outcomes.append(act(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


class TestAttempts:
    def test_round_trip(self, attempts):
        attempt = make_attempt(
            state=AttemptState.IN_PROGRESS,
            position=3,
            item_opened_at=OPENS,
            item_prompt_ms=1,
            item_window_ms=2,
            items_open=3,
            finished_parts=(FinishedPart(first_position=0, item_count=3, ended_at=OPENS),),
            device_check={"microphone": "passed"},
            started_at=OPENS,
            deadline_at=OPENS + timedelta(minutes=5),
            due_at=OPENS + timedelta(minutes=5),
            conditions=Conditions(extra_time=1.25, no_silence_end=True),
        )
        attempts.add(attempt)
        assert attempts.find("a1") == attempt
        assert attempts.find("a2") is None

    @pytest.mark.services
    def test_conditions_from_before_silence_could_be_switched_off_are_read(self, mongo_database):
        attempts = attempts_mongo.MongoAttempts(mongo_database)
        attempts.add(make_attempt(conditions=Conditions(extra_time=1.25)))
        mongo_database["attempts"].update_one({"_id": "a1"}, {"$unset": {"conditions.no_silence_end": ""}})
        assert attempts.find("a1").conditions == Conditions(extra_time=1.25)

    def test_a_number_is_given_once(self, attempts):
        attempts.add(make_attempt())
        with pytest.raises(Conflict):
            attempts.add(make_attempt("a2"))
        attempts.add(make_attempt("a3", number=2))
        attempts.add(make_attempt("a4", student_id="ravi"))
        assert [a.id for a in attempts.list_by_student("delivery", "asha")] == ["a1", "a3"]
        assert {a.id for a in attempts.list_by_delivery("delivery")} == {"a1", "a3", "a4"}
        assert {a.id for a in attempts.list_all_of_student("asha")} == {"a1", "a3"}

    def test_of_many_writers_over_the_same_revision_one_wins(self, attempts):
        attempts.add(make_attempt())
        outcomes = at_once(8, lambda n: attempts.save(make_attempt(position=n, revision=1), seen=make_attempt()))
        assert sorted(outcomes) == [False] * 7 + [True]

    def test_nothing_is_saved_that_was_not_there(self, attempts):
        assert attempts.save(make_attempt(revision=1), seen=make_attempt()) is False
        assert attempts.find("a1") is None

    def test_due_by_state_and_moment(self, attempts):
        running = AttemptState.IN_PROGRESS
        for number, (state, due_at) in enumerate(
            [
                (running, OPENS),
                (running, OPENS - timedelta(hours=1)),
                (running, OPENS + timedelta(milliseconds=1)),
                (running, None),
                (AttemptState.SUBMITTED, OPENS),
            ]
        ):
            attempts.add(make_attempt(f"a{number}", number=number + 1, state=state, due_at=due_at))
        assert [a.id for a in attempts.list_due(running, at=OPENS, limit=9)] == ["a1", "a0"]
        assert [a.id for a in attempts.list_due(running, at=OPENS, limit=1)] == ["a1"]


class TestResponses:
    def test_round_trip(self, responses):
        response = make_response(
            recordings=(make_recording(), make_recording("rec-2", 1)),
            state=ResponseState.SCORED,
            score={"points": {"fluency": {"value": 0.5, "weight": 1.0}}, "explanation": {"transcript": []}},
            evidence_key="evidence/north/00",
        )
        assert responses.add(response)
        assert responses.find(response.id) == response

    def test_added_once(self, responses):
        assert responses.add(make_response())
        assert not responses.add(make_response(state=ResponseState.MISSING))
        assert responses.find("a1:0").state is ResponseState.QUEUED

    def test_one_claim_of_many_wins(self, responses):
        responses.add(make_response())
        outcomes = at_once(8, lambda n: responses.save(make_response(tries=n, revision=1), seen=make_response()))
        assert sorted(outcomes) == [False] * 7 + [True]

    def test_only_what_differs_is_written(self, responses):
        """A claim that was renewed meanwhile stays as long as it was made."""
        claimed = make_response(state=ResponseState.CLAIMED, lease_until=OPENS, revision=4)
        later = OPENS + timedelta(minutes=1)
        responses.add(claimed)
        assert responses.renew_lease("a1:0", seen_revision=4, lease_until=later)
        assert responses.save(replace(claimed, tries=2, revision=5), seen=claimed)
        assert responses.find("a1:0") == replace(claimed, lease_until=later, tries=2, revision=5)

    def test_lists_and_counts(self, responses):
        responses.add(make_response(1))
        responses.add(make_response(0, state=ResponseState.SCORED))
        responses.add(make_response(0, "a2", state=ResponseState.FAILED))
        assert [r.position for r in responses.list_by_attempt("a1")] == [0, 1]
        assert dict(responses.count_by_attempt("a1")) == {ResponseState.QUEUED: 1, ResponseState.SCORED: 1}
        assert {a: dict(c) for a, c in responses.count_by_delivery("delivery").items()} == {
            "a1": {ResponseState.QUEUED: 1, ResponseState.SCORED: 1},
            "a2": {ResponseState.FAILED: 1},
        }
        found = responses.list_by_delivery("delivery", [ResponseState.FAILED, ResponseState.MISSING])
        assert [r.id for r in found] == ["a2:0"]

    def test_what_waits_and_what_was_abandoned(self, responses):
        later = OPENS + timedelta(seconds=1)
        responses.add(make_response(0, not_before=OPENS))
        responses.add(make_response(1, not_before=OPENS - timedelta(hours=1)))
        responses.add(make_response(2, not_before=later))
        responses.add(make_response(3, state=ResponseState.CLAIMED, not_before=None, lease_until=OPENS))
        responses.add(make_response(4, state=ResponseState.CLAIMED, not_before=None, lease_until=later))
        responses.add(make_response(5, state=ResponseState.SCORED, not_before=None))
        assert [r.position for r in responses.list_waiting(at=OPENS, limit=9)] == [1, 0]
        assert [r.position for r in responses.list_abandoned(at=OPENS, limit=9)] == [3]

    def test_a_lease_is_renewed_only_for_whom_the_claim_is(self, responses):
        later = OPENS + timedelta(seconds=30)
        responses.add(make_response(0, state=ResponseState.CLAIMED, lease_until=OPENS, revision=4))
        responses.add(make_response(1, state=ResponseState.SCORED, revision=4))
        assert responses.renew_lease("a1:0", seen_revision=4, lease_until=later)
        assert not responses.renew_lease("a1:0", seen_revision=3, lease_until=later)
        assert not responses.renew_lease("a1:1", seen_revision=4, lease_until=later)
        found = responses.find("a1:0")
        assert (found.lease_until, found.revision) == (later, 4)

    def test_what_the_page_of_the_queue_counts(self, responses):
        queued = [
            make_response(place, state=ResponseState.QUEUED, not_before=OPENS + timedelta(seconds=10 - place))
            for place in range(3)
        ]
        judged = [
            make_response(place, state=ResponseState.SCORED, judged_at=OPENS + timedelta(seconds=place))
            for place in range(3, 6)
        ]
        for response in (*queued, *judged, make_response(6, state=ResponseState.CLAIMED)):
            responses.add(response)
        assert responses.count_in("delivery", ResponseState.QUEUED) == 3
        assert responses.count_in("delivery", ResponseState.FAILED) == 0
        assert responses.count_in("other", ResponseState.QUEUED) == 0
        assert responses.find_longest_waiting("delivery").position == 2
        assert responses.find_longest_waiting("other") is None
        assert responses.count_waiting() == 4
        assert responses.count_judged_since(OPENS + timedelta(seconds=3), at=OPENS + timedelta(seconds=5)) == 2

    def test_verdicts_are_counted_by_what_heard_them(self, responses):
        found = [
            (0, ResponseState.SCORED, "offline 3, x"), (1, ResponseState.FAILED, "offline 3, x"),
            (2, ResponseState.SCORED, "offline 4, x"), (3, ResponseState.QUEUED, "offline 3, x"),
            (4, ResponseState.SCORED, ""),
        ]  # fmt: skip
        for place, state, version in found:
            responses.add(make_response(place, state=state, heard_by=version))
        assert responses.count_heard_by("delivery", "offline 3, x") == 2
        assert responses.count_heard_by("delivery", "offline 4, x") == 1
        assert responses.count_heard_by("other", "offline 3, x") == 0


class TestUploads:
    def test_kept_part_by_part_and_forgotten(self, uploads):
        upload = Upload(
            attempt_id="a1",
            recording_id="rec-1",
            campus_id="north",
            position=0,
            segment=0,
            sha256="00",
            size=9,
            content_type="audio/webm",
            duration_ms=900,
            registered_at=OPENS,
            cuts=(4,),
            revision=1,
        )
        assert uploads.add(upload)
        assert not uploads.add(replace(upload, size=10))
        assert uploads.find("a1:rec-1") == upload
        further = with_part(upload, start=4, end=7)
        assert uploads.save(further, seen=upload)
        assert not uploads.save(with_part(upload, start=4, end=8), seen=upload)
        assert uploads.find("a1:rec-1") == further
        uploads.add(replace(upload, attempt_id="a2"))
        assert list(uploads.list_by_attempt("a1")) == [further]
        uploads.remove("a1:rec-1")
        uploads.remove("a1:rec-1")
        assert list(uploads.list_by_attempt("a1")) == []
        assert len(uploads.list_by_attempt("a2")) == 1


class TestDeliveries:
    def test_round_trip_and_order(self, deliveries):
        deliveries.add(make_delivery("d1"))
        deliveries.add(make_delivery("d2", opens_at=OPENS + timedelta(days=1)))
        deliveries.add(make_delivery("d3", campus_id="south", batch_id="other"))
        assert deliveries.find("d1") == make_delivery("d1")
        assert [d.id for d in deliveries.list_by_campus("north")] == ["d2", "d1"]
        assert [d.id for d in deliveries.list_by_batch("batch_one")] == ["d2", "d1"]

    def test_compare_and_set(self, deliveries):
        deliveries.add(make_delivery("d1"))
        changed = make_delivery("d1", title="Other", revision=1)
        assert deliveries.save(changed, seen=make_delivery("d1"))
        assert not deliveries.save(replace(changed, title="Lost", revision=1), seen=make_delivery("d1"))
        assert deliveries.find("d1").title == "Other"


@pytest.mark.services
@pytest.mark.parametrize(
    ("collection", "wanted", "sort"),
    [
        ("attempts", {"delivery_id": "d", "student_id": "s"}, [("number", 1)]),
        ("attempts", {"delivery_id": "d"}, []),
        ("attempts", {"student_id": "s"}, []),
        ("attempts", attempts_mongo._due("in_progress", "due_at", OPENS), [("due_at", 1)]),
        ("responses", {"attempt_id": "a"}, [("position", 1)]),
        ("responses", {"delivery_id": "d", "state": "failed"}, []),
        ("responses", {"delivery_id": "d", "state": "queued"}, [("not_before", 1)]),
        ("responses", {"judged_at": {"$gt": OPENS, "$lte": OPENS}}, []),
        ("responses", {"state": "queued"}, []),
        ("responses", {"delivery_id": "d"}, []),
        ("responses", attempts_mongo._due("queued", "not_before", OPENS), [("not_before", 1)]),
        ("responses", attempts_mongo._due("claimed", "lease_until", OPENS), [("lease_until", 1)]),
        ("uploads", {"attempt_id": "a"}, []),
        ("deliveries", {"campus_id": "c"}, [("opens_at", -1)]),
        ("deliveries", {"batch_id": "b"}, [("opens_at", -1)]),
    ],
)
def test_every_query_uses_an_index(mongo_database, collection, wanted, sort):
    ensure_collections(mongo_database, (*attempts_mongo.COLLECTIONS, *assessments_mongo.COLLECTIONS))
    mongo_database[collection].insert_one({"_id": "x"})
    cursor = mongo_database[collection].find(wanted)
    plan = str((cursor.sort(sort) if sort else cursor).explain())
    assert "IXSCAN" in plan
    assert "COLLSCAN" not in plan


class TestAnswers:
    """The one conditional write of a typed answer, on either storage."""

    UNTIL = OPENS + timedelta(seconds=60)

    def save(self, responses, text, rank, *, student_id="asha", now=OPENS):
        return responses.save_answer("a1:0", student_id=student_id, answer=Answer(text=text), rank=rank, now=now)

    @pytest.fixture
    def draft(self, responses):
        draft = make_response(
            state=ResponseState.DRAFT,
            not_before=None,
            student_id="asha",
            answer=Answer(text="I"),
            answer_rank=5,
            answered_at=OPENS,
            answer_until=self.UNTIL,
            window_began_at=OPENS,
            window_ends_at=self.UNTIL,
        )
        assert responses.add(draft)
        return draft

    def test_round_trip_of_every_kind(self, responses):
        answer = Answer(texts=("a", ""), choices=(2, -1, 0))
        responses.add(make_response(answer=answer, answer_rank=2**40, student_id="asha"))
        assert responses.find("a1:0").answer == answer

    def test_what_stood_before_is_kept_through_every_kind_of_write(self, responses, draft):
        earlier = (
            Earlier(
                replaced_at=OPENS,
                answer=Answer(text="first"),
                answered_at=OPENS,
                score={"points": {"grammar": {"value": 0.5, "weight": 1.0}}},
                evidence_key="evidence/north/1",
            ),
            Earlier(replaced_at=self.UNTIL, answer=Answer(texts=("a", ""), choices=(2, -1))),
        )
        assert responses.save(replace(draft, earlier=earlier, revision=1), seen=draft)
        assert self.save(responses, "I go", 6)
        assert responses.move_answer_limit(
            "a1:0", window_began_at=OPENS, window_ends_at=self.UNTIL, answer_until=self.UNTIL
        )
        assert responses.hand_in("a1:0", now=self.UNTIL)
        after = responses.find("a1:0")
        assert (after.earlier, after.answer.text) == (earlier, "I go")

    def test_a_newer_one_is_written_and_the_revision_grows(self, responses, draft):
        later = OPENS + timedelta(seconds=5)
        assert self.save(responses, "I go", 6, now=later)
        after = responses.find("a1:0")
        assert (after.answer.text, after.answer_rank, after.answered_at) == ("I go", 6, later)
        assert after.revision == draft.revision + 1

    @pytest.mark.parametrize(
        ("rank", "student_id", "seconds"),
        [(5, "asha", 0), (4, "asha", 0), (6, "ravi", 0), (6, "asha", 60), (6, "asha", 999)],
        ids=["same", "older", "another student", "at the end", "after the end"],
    )
    def test_anything_else_changes_nothing(self, responses, draft, rank, student_id, seconds):
        now = OPENS + timedelta(seconds=seconds)
        assert not self.save(responses, "no", rank, student_id=student_id, now=now)
        assert responses.find("a1:0") == draft

    def test_nothing_is_written_where_there_is_no_limit_or_no_response(self, responses):
        assert not self.save(responses, "no", 6)
        responses.add(make_response(student_id="asha"))
        assert not self.save(responses, "no", 6)

    def test_a_draft_is_handed_in_once(self, responses, draft):
        assert responses.hand_in("a1:0", now=self.UNTIL)
        assert not responses.hand_in("a1:0", now=self.UNTIL)
        after = responses.find("a1:0")
        assert (after.state, after.not_before, after.answer_until) == (ResponseState.QUEUED, self.UNTIL, None)
        assert not self.save(responses, "after", 9)

    def test_its_limit_moves_while_it_is_a_draft(self, responses, draft):
        later = self.UNTIL + timedelta(minutes=1)
        assert responses.move_answer_limit("a1:0", window_began_at=OPENS, window_ends_at=later, answer_until=later)
        assert self.save(responses, "longer", 6, now=self.UNTIL)
        responses.hand_in("a1:0", now=self.UNTIL)
        assert not responses.move_answer_limit("a1:0", window_began_at=OPENS, window_ends_at=later, answer_until=later)

    def test_where_the_window_begins_anew_the_next_save_has_to_look(self, responses, draft):
        began, later = OPENS + timedelta(seconds=5), self.UNTIL + timedelta(minutes=1)
        assert responses.move_answer_limit("a1:0", window_began_at=began, window_ends_at=later, answer_until=later)
        assert not self.save(responses, "by itself", 6)
        after = responses.find("a1:0")
        assert (after.window_began_at, after.window_ends_at, after.answer_until) == (OPENS, later, None)

    def test_of_many_at_once_the_newest_stays(self, responses, draft):
        at_once(8, lambda number: self.save(responses, str(number), 10 + number))
        assert responses.find("a1:0").answer.text == "7"


class TestLateAnswers:
    def test_round_trip_and_compare_and_set(self, late_answers):
        late = LateAnswer(
            id="a1:0",
            attempt_id="a1",
            campus_id="north",
            delivery_id="delivery",
            position=0,
            answer=Answer(text="late"),
            answer_rank=7,
            received_at=OPENS,
        )
        assert late_answers.add(late)
        assert not late_answers.add(replace(late, answer_rank=8))
        assert late_answers.find("a1:0") == late
        decided = replace(late, state=LateState.LEFT, decided_by="meera", decided_at=OPENS, revision=1)
        assert late_answers.save(decided, seen=late)
        assert not late_answers.save(decided, seen=late)
        assert list(late_answers.list_by_delivery("delivery")) == [decided]
        assert not late_answers.list_by_delivery("another")

    def test_recordings_are_kept_as_they_are(self, late_answers):
        recording = Recording(
            recording_id="rec-1",
            segment=1,
            blob_key="recordings/north/abc",
            sha256="abc",
            size=3,
            content_type="audio/webm",
            duration_ms=900,
            stored_at=OPENS,
        )
        late = LateAnswer(
            id="a1:1",
            attempt_id="a1",
            campus_id="north",
            delivery_id="delivery",
            position=1,
            recordings=(recording,),
            received_at=OPENS,
        )
        assert late_answers.add(late)
        assert late_answers.find("a1:1") == late
