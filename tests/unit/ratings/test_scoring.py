"""From a queued response to a result's hand-over: claims, leases, tries, failures, a person's decisions."""

import time
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from backend.core.errors import Conflict, PermanentFailure, TemporaryFailure
from backend.features.attempts import responses as rules
from backend.features.attempts import usecases as exam
from backend.features.attempts.answers import ANSWER_GRACE
from backend.features.attempts.engine.moves import BELIEVED
from backend.features.attempts.model import REVIEW_PAUSE, UPLOAD_GRACE, AttemptState, Conditions
from backend.features.attempts.recordings.model import with_part
from backend.features.attempts.responses import LEASE, MAX_SEGMENTS, MAX_TRIES, ResponseState
from backend.features.ratings import usecases
from backend.features.ratings.lease import LeaseRenewal
from backend.features.ratings.model import Outlook, Trouble
from backend.features.ratings.tasks import SWEEP_EVERY_S, desk_of, judges_of
from backend.scoring.keys import OpenQuestionKey, RepeatKey
from tests.support.exam import ALLOWED, MEERA, OPENS, WEBM, furnish, make_move, make_paper, make_upload, receive
from tests.support.services_memory import build_memory_services
from tests.support.speech import evidence

TEXT = "the train leaves at noon"
TASKS = ("repeat", "repeat", "open_question")


class Sitting:
    """Asha's attempt: answers are recorded as they come, and scored when a test says so."""

    def __init__(self, *, tasks=TASKS, practice=0):
        self.services = furnish(build_memory_services(), paper=make_paper(tasks=tasks, practice=practice))
        self.services.listener.hear = lambda recordings, task: evidence(task, TEXT)
        for position, task in enumerate(tasks):
            key = OpenQuestionKey() if task == "open_question" else RepeatKey(text=TEXT)
            self.services.scoring_keys.add(f"item{position}", 1, key)
        delivery = self.services.deliveries.find("delivery")
        entered = exam.enter_attempt(
            delivery=delivery, student_id="asha", attempts=self.attempts, now=self.now, new_id=self.services.new_id
        )
        self.paper = self.services.papers.get(entered.form_id)
        self.id = entered.id
        exam.begin_attempt(
            attempt=entered,
            delivery=delivery,
            paper=self.paper,
            deliveries=self.services.deliveries,
            attempts=self.attempts,
            now=self.now,
        )

    @property
    def attempts(self):
        return self.services.attempts

    @property
    def now(self):
        return self.services.now()

    @property
    def desk(self):
        return desk_of(self.services)

    @property
    def attempt(self):
        return self.attempts.find(self.id)

    def answer(self, position, *, data=WEBM, segment=0, take="x", whole=True, **changes):
        data += f"{position}.{segment}.{take}".encode()
        named = {
            "recording_id": f"rec-{position}-{segment}-{take}",
            "position": position,
            "segment": segment,
            **changes,
        }
        if whole:
            receive(self.services, self.attempt, data, at=self.now, **named)
        else:
            upload = make_upload(self.attempt, data, at=self.now, **named)
            self.services.uploads.add(with_part(upload, start=0, end=9))

    def grant(self, **conditions):
        seen = self.attempt
        after = replace(seen, conditions=Conditions(**conditions), revision=seen.revision + 1)
        assert self.attempts.save(after, seen=seen)

    def sit(self, *, answered=(0, 1, 2), until=None):
        for position in range(self.paper.total_items if until is None else until):
            self.move("open", position)
            if position in answered:
                self.answer(position)
            self.move("close", position)

    def move(self, kind, position):
        move = make_move(kind, position, at=self.now)
        exam.make_moves(attempt=self.attempt, moves=[move], paper=self.paper, attempts=self.attempts, now=self.now)

    def response(self, position=0):
        return self.services.responses.find(f"{self.id}:{position}")

    def score(self, position=0):
        return usecases.score_response(
            response_id=f"{self.id}:{position}",
            desk=self.desk,
            judges=judges_of(self.services),
            clock=self.services.now,
        )

    def score_all(self):
        for position in range(self.paper.total_items):
            self.score(position)

    def fails(self, failure):
        def hear(recordings, task):
            raise failure

        self.services.listener.hear = hear

    def review(self):
        return usecases.review_attempt(attempt_id=self.id, desk=self.desk, now=self.now)

    def wait_until(self, question, within_s=5):
        """For what another thread does."""
        deadline = time.monotonic() + within_s
        while not question():
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def handed_over(self):
        return [job for job in self.services.jobs.take() if job[0] == "results.settle_attempt"]


@pytest.fixture
def sitting():
    return Sitting()


class TestCutOff:
    """A fault of the device ended the recording: what was not said is no zero."""

    def listen(self, sitting, said, **changes):
        sitting.services.listener.hear = lambda recordings, task: evidence(task, said, **changes)
        return sitting.score()

    def test_nothing_said_before_the_microphone_went_waits_for_a_person(self, sitting):
        sitting.sit(answered=(), until=1)
        sitting.answer(0, ended_by="microphone")
        assert self.listen(sitting, "") is ResponseState.FAILED
        assert sitting.response().reason == "truncated"

    def test_nothing_said_in_a_whole_window_is_a_zero(self, sitting):
        sitting.sit(answered=(), until=1)
        sitting.answer(0, ended_by="never_began")
        assert self.listen(sitting, "") is ResponseState.SCORED

    def test_who_ends_an_answer_by_the_button_was_not_cut_off(self, sitting):
        sitting.sit(answered=(), until=1)
        sitting.answer(0, ended_by="candidate")
        assert self.listen(sitting, TEXT, trailing_ms=60) is ResponseState.SCORED
        assert sitting.response().score["points"]

    def test_cut_in_the_middle_of_a_word_waits_for_a_person(self, sitting):
        sitting.sit(answered=(), until=1)
        sitting.answer(0, ended_by="interrupted")
        assert self.listen(sitting, "the train", trailing_ms=60) is ResponseState.FAILED

    def test_whoever_came_back_within_the_window_was_not_cut_off(self, sitting):
        sitting.sit(answered=(), until=1)
        sitting.answer(0, ended_by="interrupted")
        sitting.answer(0, segment=1, ended_by="silence")
        assert self.listen(sitting, TEXT) is ResponseState.SCORED


class TestNoSilenceEnd:
    """A zero for an answer that silence would have ended is a person's, where that was granted."""

    OTHER = "quite another sentence about green apples"

    def judged(self, sitting, said, *, granted=True, **heard):
        sitting.grant(no_silence_end=granted, extra_time=2.0)
        sitting.sit(answered=(0,), until=1)
        sitting.services.listener.hear = lambda recordings, task: evidence(task, said, **heard)
        sitting.score()
        return sitting.response()

    @pytest.mark.parametrize(
        ("said", "heard"),
        [("", {"leading_ms": 8_000}), (OTHER, {"leading_ms": 4_000}), (OTHER, {"longest_silence_ms": 2_000})],
        ids=["nothing in the whole window", "a late beginning", "a long pause"],
    )
    def test_a_person_listens(self, sitting, said, heard):
        response = self.judged(sitting, said, **heard)
        assert (response.state, response.reason) == (ResponseState.FAILED, "long_silence")
        assert response.score["points"] == {}

    @pytest.mark.parametrize(
        ("granted", "said", "heard"),
        [
            (False, OTHER, {"longest_silence_ms": 9_000}),
            (True, OTHER, {"longest_silence_ms": 1_900}),
            (True, "", {"leading_ms": 1_500}),
            (True, TEXT, {"longest_silence_ms": 9_000, "leading_ms": 9_000}),
        ],
        ids=["not granted", "no long silence", "ended at once, without a word", "no zero"],
    )
    def test_otherwise_the_machine_decides_as_for_everybody(self, sitting, granted, said, heard):
        assert self.judged(sitting, said, granted=granted, **heard).state is ResponseState.SCORED


class TestLeases:
    def test_a_look_that_died_with_its_process_is_made_up_for_within_a_minute(self):
        assert REVIEW_PAUSE.total_seconds() + SWEEP_EVERY_S < 60

    def test_a_dead_workers_answer_is_handed_over_within_a_minute(self, sitting):
        assert LEASE.total_seconds() + SWEEP_EVERY_S <= 45
        sitting.sit()
        seen = sitting.response()
        claim = rules.claimed(seen, at=sitting.now)
        sitting.services.responses.save(claim, seen=seen)
        sitting.services.now.move(seconds=LEASE.total_seconds())
        usecases.sweep(desk=sitting.desk, now=sitting.now)
        assert sitting.score() is ResponseState.SCORED

    def test_a_claim_is_renewed_while_its_answer_is_judged(self, sitting):
        sitting.sit()
        seen = sitting.response()
        claim = rules.claimed(seen, at=sitting.now)
        sitting.services.responses.save(claim, seen=seen)
        sitting.services.now.move(seconds=20)
        with LeaseRenewal(claim, responses=sitting.services.responses, clock=sitting.services.now, every_s=0.005):
            sitting.wait_until(lambda: sitting.response().lease_until == sitting.now + LEASE)
        assert sitting.response().revision == claim.revision

    def test_a_claim_that_was_lost_is_not_renewed(self, sitting):
        sitting.sit()
        seen = sitting.response()
        claim = rules.claimed(seen, at=sitting.now)
        sitting.services.responses.save(claim, seen=seen)
        back = rules.put_back(claim, reason="worker_lost", wait=timedelta(), at=sitting.now)
        sitting.services.responses.save(back, seen=claim)
        later = sitting.now + LEASE * 2
        responses = sitting.services.responses
        assert not responses.renew_lease(claim.id, seen_revision=claim.revision, lease_until=later)
        assert sitting.response().lease_until is None

    def test_the_store_that_does_not_answer_is_waited_out_however_long(self, sitting):
        sitting.sit()
        hear = sitting.services.listener.hear
        sitting.fails(TemporaryFailure("blob_store_unreachable"))
        for _ in range(MAX_TRIES * 3):
            assert sitting.score() is ResponseState.QUEUED
            sitting.services.now.move(seconds=rules.OUTAGE_WAIT.total_seconds())
        sitting.services.listener.hear = hear
        assert sitting.score() is ResponseState.SCORED


class TestOneResponse:
    def test_scored_with_its_evidence_kept(self, sitting):
        sitting.sit()
        assert sitting.score() is ResponseState.SCORED
        response = sitting.response()
        assert response.score["points"]["sentence_mastery"]["value"] > 0.9
        assert b'"task":"repeat"' in sitting.services.blobs.get(response.evidence_key)
        assert sitting.score() is None

    def test_who_listens_is_told_the_prompt_and_does_without_where_it_is_gone(self, sitting):
        sitting.sit()
        prompt = sitting.paper.get_item(0).prompt_key
        sitting.services.blobs.put(prompt, b"the prompt", content_type="audio/ogg")
        sitting.score()
        assert sitting.services.listener.prompt == b"the prompt"
        sitting.services.blobs.delete(sitting.paper.get_item(1).prompt_key)
        assert sitting.score(1) is ResponseState.SCORED
        assert sitting.services.listener.prompt is None

    def test_open_questions_go_to_raters(self, sitting):
        sitting.sit()
        assert sitting.score(2) is ResponseState.NEEDS_RATER
        assert sitting.response(2).score["points"] == {}

    def test_a_permanent_failure_is_never_zero(self, sitting):
        sitting.sit()
        sitting.fails(PermanentFailure("not_audio"))
        assert sitting.score() is ResponseState.FAILED
        assert (sitting.response().score, sitting.response().reason) == (None, "not_audio")

    def test_sound_that_holds_no_answer_goes_to_a_person(self, sitting):
        sitting.sit()
        sitting.services.listener.hear = lambda recordings, task: evidence(task, "", problems=["microphone_silent"])
        assert sitting.score() is ResponseState.FAILED
        assert sitting.response().reason == "microphone_silent"
        assert sitting.response().score["points"] == {}

    def test_a_temporary_failure_is_tried_again_later_and_later_then_given_to_a_person(self, sitting):
        sitting.sit()
        sitting.fails(TemporaryFailure("decoder_died"))
        waits = []
        for _ in range(MAX_TRIES - 1):
            assert sitting.score() is ResponseState.QUEUED
            waits.append((sitting.response().not_before - sitting.now).total_seconds())
            assert sitting.score() is None
            sitting.services.now.move(seconds=waits[-1])
        assert waits == [10, 40, 160]
        assert sitting.score() is ResponseState.FAILED
        assert sitting.response().reason == "decoder_died"

    def test_another_segment_while_it_is_being_scored_is_scored_too(self, sitting):
        sitting.sit()
        heard = []

        def hear(recordings, task):
            heard.append(len(recordings))
            if len(heard) == 1:
                sitting.answer(0, segment=1)
            return evidence(task, TEXT)

        sitting.services.listener.hear = hear
        assert sitting.score() is None
        assert sitting.response().state is ResponseState.QUEUED
        assert sitting.score() is ResponseState.SCORED
        assert heard == [1, 2]

    def test_two_takes_of_one_segment_are_both_heard_and_a_person_decides(self, sitting):
        sitting.sit()
        sitting.answer(0, take="y")
        heard = []

        def hear(recordings, task):
            heard.extend(recordings)
            return evidence(task, TEXT)

        sitting.services.listener.hear = hear
        assert sitting.score() is ResponseState.FAILED
        assert heard == [WEBM + b"0.0.x", WEBM + b"0.0.y"]
        response = sitting.response()
        assert (response.reason, response.score["points"]) == ("two_takes", {})
        assert response.score["explanation"]["suspected"] is None
        assert len(response.spoken_segments()) == 2, "for the person to play"

    def test_the_machine_hears_no_more_takes_than_there_are_segments(self, sitting):
        sitting.sit()
        for number in range(MAX_SEGMENTS):
            sitting.answer(0, take=f"{number:02}")
        heard = []

        def hear(recordings, task):
            heard.extend(recordings)
            return evidence(task, TEXT)

        sitting.services.listener.hear = hear
        sitting.score()
        assert (len(heard), len(sitting.response().spoken_segments())) == (MAX_SEGMENTS, MAX_SEGMENTS + 1)

    def test_practice_is_kept_and_not_scored(self):
        sitting = Sitting(practice=1)
        sitting.sit()
        assert sitting.response().state is ResponseState.PRACTICE
        assert sitting.score() is None
        assert len(sitting.response().recordings) == 1


class TestSweep:
    def sweep(self, sitting):
        return usecases.sweep(desk=sitting.desk, now=sitting.now)

    def end(self, sitting):
        return usecases.sweep_deadlines(desk=sitting.desk, now=sitting.now)

    def test_more_than_one_look_finds_end_in_one_sweep_and_are_told_afterwards(self, sitting, monkeypatch):
        monkeypatch.setattr(usecases, "SWEPT_AT_ONCE", 2)
        sitting.sit(until=1)
        begun = sitting.services.attempts.find(sitting.id)
        for number in range(5):
            sitting.services.attempts.add(replace(begun, id=f"more-{number}", number=number + 2))
        sitting.services.now.moment = OPENS + ALLOWED
        told_at = []
        monkeypatch.setattr(usecases, "announce", lambda *_: told_at.append(len(ended())))

        def ended():
            return [each for each in sitting.services.attempts.list_by_delivery("delivery") if each.is_over]

        assert self.end(sitting) == 6
        assert len(ended()) == 6
        assert set(told_at) == {6}
        assert self.end(sitting) == 0

    def test_a_worker_that_died_leaves_a_lease_that_runs_out(self, sitting):
        sitting.sit()
        sitting.fails(KeyboardInterrupt())
        for tries in range(1, MAX_TRIES + 1):
            with pytest.raises(KeyboardInterrupt):
                sitting.score()
            assert self.sweep(sitting)["abandoned"] == 0
            sitting.services.now.move(seconds=LEASE.total_seconds())
            assert self.sweep(sitting)["abandoned"] == 1
            assert sitting.response().tries == tries
            sitting.services.now.move(seconds=60)
        assert (sitting.response().state, sitting.response().reason) == (ResponseState.FAILED, "worker_lost")

    def test_what_the_queue_lost_is_handed_over_again(self, sitting):
        sitting.sit()
        sitting.services.jobs.take()
        assert self.sweep(sitting)["handed_over"] == 3
        assert len(sitting.services.jobs.take()) == 3

    def test_a_long_queue_is_not_made_longer(self, sitting):
        sitting.sit()
        for _ in range(30):
            sitting.services.jobs.enqueue("ratings.score_response", "another")
        assert self.sweep(sitting)["handed_over"] == 0

    def test_the_deadline_is_noticed_once_and_told(self, sitting):
        sitting.services.now.moment = OPENS + ALLOWED
        assert self.end(sitting) == 1
        assert self.end(sitting) == 0
        assert sitting.attempt.state is AttemptState.EXPIRED
        assert sitting.services.feed.events[-1][2]["state"] == "expired"


class TestToTheResult:
    def test_the_last_score_hands_over_and_the_sweep_repeats_it(self, sitting):
        sitting.sit()
        sitting.score(0)
        sitting.score(1)
        assert sitting.handed_over() == []
        sitting.score(2)
        assert sitting.handed_over() == [("results.settle_attempt", (sitting.id,))]
        sitting.services.now.move(seconds=61)
        usecases.sweep(desk=sitting.desk, now=sitting.now)
        assert len(sitting.handed_over()) == 1

    def test_once_settled_it_rests(self, sitting):
        sitting.sit()
        sitting.score_all()
        services = sitting.services
        for _ in range(2):
            exam.settle_attempt(
                attempt_id=sitting.id,
                attempts=services.attempts,
                uploads=services.uploads,
                blobs=services.blobs,
                now=sitting.now,
            )
        services.jobs.take()
        services.now.move(days=2)
        assert usecases.sweep(desk=sitting.desk, now=sitting.now) == dict.fromkeys(
            ("reviewed", "abandoned", "moving", "handed_over"), 0
        )
        assert sitting.review() is None
        assert list(services.uploads.list_by_attempt(sitting.id)) == []

    def test_a_failed_answer_holds_it_back_until_it_is_scored_again(self, sitting):
        sitting.sit()
        sitting.fails(PermanentFailure("not_audio"))
        sitting.score_all()
        assert sitting.handed_over() == []
        assert (sitting.review(), sitting.attempt.due_at) == (Outlook.PERSON, None)
        sitting.services.listener.hear = lambda recordings, task: evidence(task, TEXT)
        assert usecases.score_all_again(delivery_id="delivery", desk=sitting.desk, now=sitting.now) == 3
        sitting.score_all()
        assert len(sitting.handed_over()) == 1

    def test_or_until_somebody_decides_to_settle_without_it(self, sitting):
        sitting.sit()
        sitting.fails(PermanentFailure("not_audio"))
        sitting.score_all()
        services = sitting.services
        for position in range(3):
            usecases.settle_without(
                actor=MEERA,
                response=sitting.response(position),
                desk=sitting.desk,
                audit_log=services.audit_log,
                now=sitting.now,
                new_id=services.new_id,
            )
        assert sitting.review() is Outlook.RESULT
        assert sitting.response().waived_by == "meera"
        assert sitting.response().score is None
        events = services.audit_log.list_by_campus("north")
        assert [(event.action, event.actor_id) for event in events] == [("response_waived", "meera")] * 3

    def test_or_without_all_of_them_at_once(self, sitting):
        sitting.sit()
        sitting.fails(PermanentFailure("not_audio"))
        sitting.score_all()
        services = sitting.services
        decide = partial(
            usecases.settle_without_all,
            actor=MEERA,
            delivery_id="delivery",
            desk=sitting.desk,
            audit_log=services.audit_log,
            now=sitting.now,
            new_id=services.new_id,
        )
        assert (decide(), decide()) == (3, 0)
        assert sitting.review() is Outlook.RESULT
        assert [event.action for event in services.audit_log.list_by_campus("north")] == ["response_waived"] * 3

    def test_a_scored_answer_cannot_be_settled_without(self, sitting):
        sitting.sit()
        sitting.score()
        with pytest.raises(Conflict, match="not_blocking"):
            usecases.settle_without(
                actor=MEERA,
                response=sitting.response(),
                desk=sitting.desk,
                audit_log=sitting.services.audit_log,
                now=sitting.now,
                new_id=sitting.services.new_id,
            )
        assert sitting.services.audit_log.list_by_campus("north") == []

    def test_what_never_arrived_is_missing_after_the_grace(self, sitting):
        sitting.sit(answered=(1, 2))
        sitting.score_all()
        assert sitting.review() is Outlook.UPLOADS
        assert sitting.response(0) is None
        sitting.services.now.move(seconds=UPLOAD_GRACE.total_seconds())
        assert sitting.review() is Outlook.PERSON
        assert sitting.response(0).state is ResponseState.MISSING

    def test_a_recording_that_comes_late_is_still_scored(self, sitting):
        sitting.sit(answered=(1, 2))
        sitting.score_all()
        sitting.services.now.move(hours=23)
        sitting.answer(0)
        sitting.score(0)
        assert len(sitting.handed_over()) == 1

    def test_the_rest_of_an_answer_is_waited_for_an_hour(self, sitting):
        sitting.sit()
        sitting.answer(0, segment=1, whole=False)
        sitting.score_all()
        assert sitting.review() is Outlook.UPLOADS
        sitting.services.now.move(minutes=60)
        assert sitting.review() is Outlook.RESULT

    def test_items_that_were_never_reached_hold_nothing_back(self, sitting):
        sitting.sit(until=1)
        sitting.score(0)
        sitting.services.now.moment = OPENS + ALLOWED
        usecases.sweep_deadlines(desk=sitting.desk, now=sitting.now)
        usecases.sweep(desk=sitting.desk, now=sitting.now)
        assert sitting.handed_over() == [], "the candidate may have gone on off-line"
        sitting.services.now.moment += BELIEVED + ANSWER_GRACE
        usecases.sweep(desk=sitting.desk, now=sitting.now)
        assert len(sitting.handed_over()) == 1
        assert sitting.response(1) is None

    def test_somebody_may_stop_waiting(self, sitting):
        sitting.sit(answered=(1, 2))
        sitting.score_all()
        services = sitting.services
        candidates = services.candidates.list_by_batch("batch_one")
        waiting = usecases.list_waiting(
            delivery_id="delivery", candidates=candidates, desk=sitting.desk, now=sitting.now
        )
        assert [(line.student_name, line.answers) for line in waiting] == [("Asha Rao", 1)]
        usecases.stop_waiting(
            actor=MEERA,
            attempt=sitting.attempt,
            desk=sitting.desk,
            audit_log=services.audit_log,
            now=sitting.now,
            new_id=services.new_id,
        )
        assert sitting.review() is Outlook.PERSON
        lines = usecases.list_unscored(delivery_id="delivery", candidates=candidates, desk=sitting.desk)
        assert [line.trouble for line in lines] == [Trouble.MISSING, Trouble.NEEDS_RATER]

    def test_nothing_changes_a_settled_result(self, sitting):
        sitting.sit()
        sitting.fails(PermanentFailure("not_audio"))
        sitting.score_all()
        services = sitting.services
        exam.settle_attempt(
            attempt_id=sitting.id,
            attempts=services.attempts,
            uploads=services.uploads,
            blobs=services.blobs,
            now=sitting.now + timedelta(seconds=1),
        )
        with pytest.raises(Conflict, match="already_settled"):
            usecases.score_again(response=sitting.response(), desk=sitting.desk, now=sitting.now)
