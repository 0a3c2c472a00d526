"""A part with a time limit: one window for all its items, opened and closed as a whole. Rules, pure."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backend.adapters.jobs.memory import MemoryJobs
from backend.core.errors import Conflict
from backend.features.attempts import answers, model
from backend.features.attempts.answers import ANSWER_GRACE, OFFLINE
from backend.features.attempts.engine import pauses
from backend.features.attempts.engine.controls import extended, reopened
from backend.features.attempts.engine.moves import moved
from backend.features.attempts.memory import MemoryAttempts, MemoryLateAnswers, MemoryResponses
from backend.features.attempts.model import Attempt, AttemptState, Conditions
from backend.features.attempts.paper import Paper
from backend.features.attempts.responses import Answer, ResponseState
from tests.support.exam import ALLOWED, CLOSES, OPENS, PART_MS, make_attempt, make_move, make_parts_paper

PAPER = make_parts_paper()
PART = timedelta(milliseconds=PART_MS)


def begun(paper: Paper = PAPER, **changes) -> Attempt:
    attempt = make_attempt(form_id=paper.form_id, **changes)
    return model.begun(attempt, opens_at=OPENS, closes_at=CLOSES, allowed=ALLOWED, at=OPENS)


def after(**interval) -> datetime:
    return OPENS + timedelta(**interval)


def go(attempt: Attempt, *moves: tuple[str, int], now: datetime = OPENS, paper: Paper = PAPER) -> Attempt:
    return moved(attempt, [make_move(kind, position, at=now) for kind, position in moves], paper, now=now)


def in_part(now: datetime = OPENS, paper: Paper = PAPER, **changes) -> Attempt:
    return go(begun(paper, **changes), ("open", 0), ("close", 0), ("open", 1), now=now, paper=paper)


def refusal(act) -> str:
    with pytest.raises(Conflict) as refused:
        act()
    return refused.value.code


class TestMoves:
    def test_its_first_item_opens_all_of_it_under_one_clock(self):
        attempt = in_part(after(minutes=1))
        assert list(attempt.open_positions) == [1, 2, 3]
        assert [attempt.was_opened(position) for position in range(5)] == [True, True, True, True, False]
        assert (attempt.item_opened_at, attempt.item_window_ms) == (after(minutes=1), PART_MS)

    def test_opening_any_of_its_items_is_no_move(self):
        attempt = in_part()
        for position in (3, 1, 2):
            assert go(attempt, ("open", position), now=after(seconds=30)) is attempt

    @pytest.mark.parametrize("position", [1, 2])
    def test_it_is_not_closed_in_its_middle(self, position):
        assert refusal(lambda: go(in_part(), ("close", position))) == "item_not_current"

    def test_its_last_item_closes_all_of_it_once(self):
        finished = go(in_part(), ("close", 3), now=after(seconds=50))
        assert (finished.position, finished.is_item_open, finished.items_open) == (4, False, 1)
        assert [finished.part_ended_at(position) for position in range(5)] == [None, *[after(seconds=50)] * 3, None]
        for position in (1, 2, 3):
            assert go(finished, ("close", position), ("open", position), now=after(seconds=60)) is finished

    def test_what_lies_behind_it_is_not_open(self):
        assert refusal(lambda: go(in_part(), ("open", 4))) == "item_not_current"
        assert refusal(lambda: go(begun(), ("open", 1))) == "item_not_current"

    def test_closed_behind_its_time_its_answers_ended_with_its_time(self):
        finished = go(in_part(), ("close", 3), now=after(minutes=7))
        assert finished.part_ended_at(2) == OPENS + PART

    def test_as_the_last_part_it_hands_the_test_in(self):
        paper = make_parts_paper(ends_with_part=True)
        assert go(in_part(paper=paper), ("close", 3), paper=paper).state is AttemptState.SUBMITTED


class TestTheClock:
    def test_more_time_is_for_the_part_as_a_whole(self):
        assert in_part(conditions=Conditions(extra_time=1.5)).item_window_ms == PART_MS * 1.5

    def test_a_pause_shifts_it_by_exactly_its_length(self):
        paused = pauses.paused(in_part(), at=after(seconds=20))
        resumed = pauses.resumed(paused, at=after(minutes=5))
        assert resumed.item_opened_at == after(minutes=5) - timedelta(seconds=20)
        assert list(resumed.open_positions) == [1, 2, 3]

    def test_at_the_deadline_it_is_open_still_and_reopened_it_goes_on_where_it_stood(self):
        running = replace(in_part(), deadline_at=after(seconds=30))
        expired = model.expired(running, at=after(minutes=2))
        assert [expired.was_opened(position) for position in (1, 2, 3)] == [True] * 3
        again = reopened(expired, PAPER, minutes=10, at=after(minutes=10))
        assert list(again.open_positions) == [1, 2, 3]
        assert again.elapsed_ms(after(minutes=10)) == 30_000

    def test_reopened_after_handing_in_it_comes_once_more_as_a_whole(self):
        paper = make_parts_paper(ends_with_part=True)
        done = go(in_part(paper=paper), ("close", 3), paper=paper)
        again = reopened(done, paper, minutes=10, at=after(minutes=3))
        assert (again.position, again.is_item_open, again.finished_parts) == (1, False, ())
        opened = go(again, ("open", 1), now=after(minutes=4), paper=paper)
        assert list(opened.open_positions) == [1, 2, 3]
        assert len(go(opened, ("close", 3), now=after(minutes=5), paper=paper).finished_parts) == 1

    def test_a_break_is_possible_before_and_after_it_only(self):
        rests = Conditions(break_ms=60_000)
        assert pauses.may_rest(go(begun(conditions=rests), ("open", 0), ("close", 0)), PAPER)
        inside = in_part(conditions=rests)
        assert not pauses.may_rest(inside, PAPER)
        assert pauses.may_rest(go(inside, ("close", 3)), PAPER)


class TestAnswers:
    @pytest.fixture
    def desk(self):
        return Desk()

    def test_any_item_may_be_answered_and_changed_in_any_order(self, desk):
        for number, position in enumerate((3, 1, 3, 2, 1)):
            desk.save(position, f"{number}", number, at=after(seconds=20 * number))
        assert {position: desk.text(position) for position in (1, 2, 3)} == {1: "4", 2: "3", 3: "2"}
        assert desk.states() == [ResponseState.DRAFT] * 3

    def test_finishing_hands_in_each_answer_once(self, desk):
        for position in (1, 3):
            desk.save(position, "done", 1, at=after(seconds=5))
        for _ in range(2):
            desk.move(("close", 3), now=after(seconds=30))
        assert desk.states() == [ResponseState.QUEUED] * 2
        assert sorted(job[1] for job in desk.jobs.take()) == [("a1:1",), ("a1:3",)]

    @pytest.mark.parametrize("goes_on_offline", [True, False])
    def test_a_finished_part_takes_what_was_on_its_way_and_no_more(self, goes_on_offline):
        desk = Desk(make_parts_paper(goes_on_offline=goes_on_offline))
        desk.save(1, "first", 1, at=after(seconds=5))
        desk.move(("close", 3), now=after(seconds=30))
        desk.move(("open", 4), now=after(seconds=31))
        for position in (1, 2):  # with and without an answer before
            desk.save(position, "on its way", 2, at=after(seconds=39))
            assert desk.responses.find(f"a1:{position}").behind_ms == 0
        late = after(seconds=30) + ANSWER_GRACE + (OFFLINE if goes_on_offline else timedelta())
        late = min(late, desk.attempt.deadline_at + ANSWER_GRACE)
        for position in (1, 2, 3):
            assert refusal(lambda position=position: desk.save(position, "changed", 3, at=late)) == "answer_late"
        assert [desk.text(position) for position in (1, 2)] == ["on its way"] * 2
        assert desk.late.find("a1:3").answer.text == "changed"

    def test_what_was_typed_off_line_before_it_was_finished_says_how_far_behind_it_came(self, desk):
        desk.move(("close", 3), now=after(seconds=30))
        desk.save(2, "typed off-line", 1, at=after(minutes=5))
        assert desk.responses.find("a1:2").behind_ms == (4 * 60 + 20) * 1000

    def test_a_crash_while_it_is_finished_leaves_nothing_that_can_be_changed(self, desk):
        """The answers are handed in before the attempt is written; a part that stays open takes them back."""
        desk.save(1, "done", 1, at=after(seconds=5))
        desk.attempts.dies = True
        with pytest.raises(RuntimeError):
            desk.move(("close", 3), now=after(seconds=30))
        assert desk.states() == [ResponseState.QUEUED]
        desk.attempts.dies = False
        desk.save(1, "changed", 2, at=after(seconds=40))
        assert (desk.states(), desk.text(1)) == ([ResponseState.DRAFT], "changed")
        desk.move(("close", 3), now=after(seconds=50))
        assert desk.states() == [ResponseState.QUEUED]

    def test_the_ends_of_all_its_drafts_move_with_the_clock(self, desk):
        for position in (1, 2):
            desk.save(position, "typ", 1, at=after(seconds=5))
        paused = pauses.paused(desk.attempt, at=after(seconds=60))
        resumed = pauses.resumed(paused, at=after(minutes=10))
        answers.move_limits(resumed, paper=PAPER, responses=desk.responses, now=after(minutes=10))
        ends = {desk.responses.find(f"a1:{position}").window_ends_at for position in (1, 2)}
        assert ends == {OPENS + PART + timedelta(minutes=9)}

    def test_extending_the_test_leaves_its_own_time_as_it_is(self, desk):
        longer = extended(desk.attempt, timedelta(minutes=10))
        assert answers.window_end(longer, PAPER.get_item(2), None, at=OPENS) == OPENS + PART


class DyingAttempts(MemoryAttempts):
    dies = False

    def save(self, attempt, *, seen):
        if self.dies:
            raise RuntimeError
        return super().save(attempt, seen=seen)


class Desk:
    """One candidate in the part, with storage."""

    def __init__(self, paper: Paper = PAPER) -> None:
        self.paper, self.jobs = paper, MemoryJobs()
        self.attempts, self.responses, self.late = DyingAttempts(), MemoryResponses(), MemoryLateAnswers()
        self.attempts.add(in_part(paper=paper))

    @property
    def attempt(self) -> Attempt:
        found = self.attempts.find("a1")
        assert found is not None
        return found

    def move(self, *moves: tuple[str, int], now: datetime) -> None:
        answers.move_on(
            attempt=self.attempt,
            moves=[make_move(kind, position, at=now) for kind, position in moves],
            paper=self.paper,
            attempts=self.attempts,
            responses=self.responses,
            jobs=self.jobs,
            now=now,
        )

    def save(self, position: int, text: str, number: int, *, at: datetime) -> None:
        answer, rank = Answer(text=text), answers.rank_of(1, number)
        if answers.save_newer(
            attempt_id="a1",
            position=position,
            student_id="asha",
            answer=answer,
            rank=rank,
            responses=self.responses,
            now=at,
        ):
            return
        answers.save_answer(
            attempt=self.attempt,
            position=position,
            answer=answer,
            rank=rank,
            paper=self.paper,
            responses=self.responses,
            late_answers=self.late,
            jobs=self.jobs,
            now=at,
        )

    def text(self, position: int) -> str | None:
        response = self.responses.find(f"a1:{position}")
        assert response is not None
        assert response.answer is not None
        return response.answer.text

    def states(self) -> list[ResponseState]:
        return [response.state for response in self.responses.list_by_attempt("a1")]
