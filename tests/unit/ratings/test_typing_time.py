"""How long somebody typed: from the window's beginning to the last save, whatever its length is and whatever stood
still."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.features.attempts import answers
from backend.features.attempts.engine.pauses import paused, resumed
from backend.features.attempts.model import AttemptState, Conditions
from backend.features.attempts.responses import Answer
from backend.features.items.model import AnswerKind
from backend.features.ratings.tasks import desk_of, judges_of
from backend.features.ratings.usecases import score_response
from backend.scoring.keys import TypingKey
from tests.support.exam import OPENS, furnish, make_attempt, make_paper
from tests.support.services_memory import build_memory_services

TEXT = " ".join(["words"] * 60)  # 359 characters: 71.8 words of five


class Typist:
    def __init__(self, *, extra_time=1.0, deadline_s=600):
        plain = make_paper(tasks=("typing",))
        item = replace(plain.items[0], answer_kind=AnswerKind.TEXT, prompt_key=None, prompt_ms=0, window_ms=60_000)
        self.paper = replace(plain, items=(item,))
        self.services = furnish(build_memory_services(), paper=self.paper)
        self.services.scoring_keys.add("item0", 1, TypingKey(text=TEXT))
        self.attempt = make_attempt(
            state=AttemptState.IN_PROGRESS,
            started_at=OPENS,
            conditions=Conditions(extra_time=extra_time),
            item_opened_at=OPENS,
            item_prompt_ms=0,
            item_window_ms=round(60_000 * extra_time),
            deadline_at=OPENS + timedelta(seconds=deadline_s),
        )
        self.services.attempts.add(self.attempt)

    def becomes(self, attempt, *, seconds):
        """A control reached the attempt."""
        assert self.services.attempts.save(attempt, seen=self.attempt)
        self.attempt = attempt
        now = OPENS + timedelta(seconds=seconds)
        answers.move_limits(attempt, paper=self.paper, responses=self.services.responses, now=now)

    def save(self, *, seconds, number=1):
        """As the API saves: by the one conditional write, and where that does not happen by the rules."""
        self.services.now.moment = OPENS + timedelta(seconds=seconds)
        rank = answers.rank_of(1, number)
        written = answers.save_newer(
            attempt_id=self.attempt.id,
            position=0,
            student_id="asha",
            answer=Answer(text=TEXT),
            rank=rank,
            responses=self.services.responses,
            now=self.services.now(),
        )
        if written is None:
            answers.save_answer(
                attempt=self.attempt,
                position=0,
                answer=Answer(text=TEXT),
                rank=rank,
                paper=self.paper,
                responses=self.services.responses,
                late_answers=self.services.late_answers,
                jobs=self.services.jobs,
                now=self.services.now(),
            )

    def speed(self):
        response_id = f"{self.attempt.id}:0"
        self.services.responses.hand_in(response_id, now=self.services.now())
        desk, judges = desk_of(self.services), judges_of(self.services)
        score_response(response_id=response_id, desk=desk, judges=judges, clock=self.services.now)
        return self.services.responses.find(response_id).score["explanation"]["words_per_minute"]


def words_per_minute(seconds):
    return pytest.approx(71.8 * 60 / seconds, abs=0.1)


@pytest.mark.parametrize(
    ("extra_time", "seconds"), [(1.0, 15), (1.0, 58), (1.5, 58), (2.0, 15), (2.0, 58), (2.0, 90), (2.0, 118)]
)
def test_more_time_is_no_more_speed(extra_time, seconds):
    typist = Typist(extra_time=extra_time)
    typist.save(seconds=seconds)
    assert typist.speed() == words_per_minute(seconds)


def test_a_window_that_the_deadline_cuts_short_takes_no_speed():
    typist = Typist(deadline_s=20)
    typist.save(seconds=15)
    assert typist.speed() == words_per_minute(15)


@pytest.mark.parametrize("typed_on", [False, True])
def test_a_pause_counts_for_nothing_before_and_after_the_last_save(typed_on):
    typist = Typist()
    typist.save(seconds=30)
    standing = paused(typist.attempt, at=OPENS + timedelta(seconds=40))
    typist.becomes(standing, seconds=40)
    typist.becomes(resumed(standing, at=OPENS + timedelta(seconds=340)), seconds=340)
    if typed_on:
        typist.save(seconds=350, number=2)
        typist.save(seconds=355, number=3)
    assert typist.speed() == words_per_minute(55 if typed_on else 30)


@pytest.mark.parametrize("extra_time", [1.0, 2.0])
def test_an_answer_from_before_the_beginning_was_kept_counts_back_from_its_end(extra_time):
    typist = Typist(extra_time=extra_time)
    typist.save(seconds=58)
    seen = typist.services.responses.find(f"{typist.attempt.id}:0")
    assert typist.services.responses.save(replace(seen, window_began_at=None, revision=seen.revision + 1), seen=seen)
    assert typist.speed() == words_per_minute(58)
