"""What was handed in is kept, whatever takes its place: reopened attempts, late answers, answers scored again."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.adapters.jobs.memory import MemoryJobs
from backend.features.attempts import answers
from backend.features.attempts import responses as rules
from backend.features.attempts.answers import ANSWER_GRACE
from backend.features.attempts.late.model import LateAnswer
from backend.features.attempts.late.usecases import accept_late
from backend.features.attempts.memory import MemoryLateAnswers, MemoryResponses
from backend.features.attempts.model import AttemptState
from backend.features.attempts.responses import Answer, ResponseState
from backend.features.items.model import AnswerKind
from tests.support.exam import OPENS, make_attempt, make_paper

WINDOW = timedelta(seconds=60)
SCORE = {"points": {"grammar": {"value": 0.5, "weight": 1.0}}, "explanation": {}}


class Sitting:
    """One typed item of an attempt that is handed in and reopened, each time with its whole window."""

    def __init__(self) -> None:
        paper = make_paper(tasks=("essay",))
        item = replace(paper.items[0], answer_kind=AnswerKind.TEXT, prompt_ms=0, prompt_key=None, window_ms=60_000)
        self.paper = replace(paper, items=(item,))
        self.responses, self.late, self.jobs = MemoryResponses(), MemoryLateAnswers(), MemoryJobs()
        self.now, self.rank = OPENS, 0
        self.attempt = self._opened()

    def _opened(self):
        return make_attempt(
            state=AttemptState.IN_PROGRESS,
            started_at=OPENS,
            deadline_at=self.now + timedelta(hours=1),
            position=0,
            item_opened_at=self.now,
            item_prompt_ms=0,
            item_window_ms=60_000,
        )

    def save(self, text, after_s=1.0):
        self.now += timedelta(seconds=after_s)
        self.rank += 1
        answer = Answer(text=text)
        written = answers.save_newer(
            attempt_id="a1",
            position=0,
            student_id="asha",
            answer=answer,
            rank=self.rank,
            responses=self.responses,
            now=self.now,
        )
        if written is None:
            answers.save_answer(
                attempt=self.attempt,
                position=0,
                answer=answer,
                rank=self.rank,
                paper=self.paper,
                responses=self.responses,
                late_answers=self.late,
                jobs=self.jobs,
                now=self.now,
            )

    def submit(self):
        self.now += timedelta(seconds=1)
        self.attempt = replace(
            self.attempt, state=AttemptState.SUBMITTED, submitted_at=self.now, position=1, item_opened_at=None
        )
        answers.hand_in_all(
            attempt=self.attempt, paper=self.paper, responses=self.responses, jobs=self.jobs, now=self.now
        )

    def reopen(self):
        self.now += timedelta(minutes=10)
        self.attempt = self._opened()

    def score(self):
        seen = self.stored
        claimed = rules.claimed(seen, at=self.now)
        self.responses.save(claimed, seen=seen)
        after = rules.scored(claimed, score=SCORE, evidence_key="evidence/one")
        self.responses.save(after, seen=claimed)

    @property
    def stored(self):
        return self.responses.find("a1:0")

    @property
    def kept(self):
        return [each.answer.text for each in self.stored.earlier if each.answer is not None]


@pytest.mark.parametrize("is_scored", [False, True])
def test_the_answer_of_before_the_reopening_is_kept_with_its_score(is_scored):
    sitting = Sitting()
    sitting.save("first")
    handed_in_at = sitting.now
    sitting.submit()
    if is_scored:
        sitting.score()
    sitting.reopen()
    sitting.save("sec")
    sitting.save("second")
    after = sitting.stored
    assert (after.state, after.answer.text, after.score) == (ResponseState.DRAFT, "second", None)
    (kept,) = after.earlier
    assert (kept.answer.text, kept.answered_at) == ("first", handed_in_at)
    assert (kept.score, kept.evidence_key) == ((SCORE, "evidence/one") if is_scored else (None, None))
    sitting.submit()
    sitting.score()
    assert rules.as_of(sitting.stored, handed_in_at + timedelta(minutes=1)).answer.text == "first"
    assert rules.as_of(sitting.stored, sitting.now) == sitting.stored


def test_the_last_words_of_one_window_are_no_second_answer():
    sitting = Sitting()
    sitting.save("I wro")
    sitting.submit()
    sitting.save("I wrote")
    assert (sitting.stored.answer.text, sitting.stored.earlier) == ("I wrote", ())


def test_a_late_answer_that_is_accepted_leaves_the_one_in_time_to_read():
    sitting = Sitting()
    sitting.save("in time")
    sitting.submit()
    kept = LateAnswer(
        id="a1:0",
        attempt_id="a1",
        campus_id="north",
        delivery_id="delivery",
        position=0,
        answer=Answer(text="too late"),
        answer_rank=99,
        received_at=sitting.now + WINDOW + ANSWER_GRACE,
    )
    for _ in range(2):
        accept_late(
            late=kept, attempt=sitting.attempt, paper=sitting.paper, responses=sitting.responses, now=sitting.now
        )
    assert (sitting.stored.answer.text, sitting.kept) == ("too late", ["in time"])


@pytest.mark.parametrize("again", [rules.contested, lambda each, at: rules.queued(each, at=at)])
def test_a_score_that_is_taken_again_is_kept(again):
    sitting = Sitting()
    sitting.save("said once")
    sitting.submit()
    sitting.score()
    after = again(sitting.stored, at=sitting.now)
    assert (after.state, after.score, after.evidence_key) == (ResponseState.QUEUED, None, None)
    (kept,) = after.earlier
    assert (kept.score, kept.evidence_key, kept.answer) == (SCORE, "evidence/one", None)
    assert after.answer.text == "said once"


STEPS = st.lists(st.sampled_from(["save", "submit", "reopen", "score"]), min_size=3, max_size=20)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_in_every_history_what_was_handed_in_can_be_read(steps):
    sitting, handed_in = Sitting(), []
    for number, step in enumerate(steps):
        is_over = sitting.attempt.state is AttemptState.SUBMITTED
        if step == "save" and not is_over:
            sitting.save(f"answer {number}")
        elif step == "submit" and not is_over:
            sitting.submit()
            if sitting.stored is not None and sitting.stored.answer.text not in handed_in:
                handed_in.append(sitting.stored.answer.text)
        elif step == "reopen" and is_over:
            sitting.reopen()
        elif step == "score" and sitting.stored is not None and sitting.stored.state is ResponseState.QUEUED:
            sitting.score()
    if sitting.stored is not None:
        assert set(handed_in) <= {*sitting.kept, sitting.stored.answer.text}
