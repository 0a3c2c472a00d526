"""Moves: batches in one step, replayed exactly once, dated as the server believes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.core.errors import Conflict, NotFound
from backend.features.attempts import model
from backend.features.attempts.engine.moves import BELIEVED, moved
from backend.features.attempts.model import HEAR_AGAIN_MS, Attempt, AttemptState, Conditions
from tests.support.exam import make_attempt, make_move, make_paper

OPENS = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
CLOSES = OPENS + timedelta(hours=1)
ALLOWED = timedelta(minutes=20)
TOTAL = 4
PAPER = make_paper(tasks=("repeat",) * TOTAL)
WAITS = replace(PAPER, goes_on_offline=False)


def begun(**changes) -> Attempt:
    running = model.begun(make_attempt(), opens_at=OPENS, closes_at=CLOSES, allowed=ALLOWED, at=OPENS)
    return replace(running, **changes)


def after(**interval) -> datetime:
    return OPENS + timedelta(**interval)


def refusal(act) -> str:
    with pytest.raises(Conflict) as refused:
        act()
    return refused.value.code


def walk(attempt, *moves, now, paper=PAPER):
    """Moves as (kind, position, seconds after opening)."""
    made = [make_move(kind, position, at=after(seconds=seconds)) for kind, position, seconds in moves]
    return moved(attempt, made, paper, now=now)


class TestOrder:
    def test_close_and_open_are_one_revision(self):
        first = walk(begun(), ("open", 0, 1), now=after(seconds=1))
        second = walk(first, ("close", 0, 9), ("open", 1, 9), now=after(seconds=9))
        assert (second.position, second.item_opened_at) == (1, after(seconds=9))
        assert second.revision == first.revision + 1

    def test_what_was_made_is_passed_over(self):
        first = walk(begun(), ("open", 0, 1), now=after(seconds=1))
        again = walk(first, ("open", 0, 1), now=after(seconds=5))
        assert again is first
        assert again.elapsed_ms(after(seconds=5)) == 4_000
        second = walk(first, ("close", 0, 9), ("open", 1, 9), now=after(seconds=9))
        assert walk(second, ("open", 0, 1), ("close", 0, 9), ("open", 1, 9), now=after(seconds=30)) is second

    def test_a_batch_of_which_a_part_arrived_is_taken_up_where_it_broke(self):
        part = walk(begun(), ("open", 0, 1), ("close", 0, 5), now=after(seconds=6))
        whole = walk(part, ("open", 0, 1), ("close", 0, 5), ("open", 1, 6), now=after(seconds=7))
        assert (whole.position, whole.item_opened_at) == (1, after(seconds=6))

    @pytest.mark.parametrize("position", [1, 3])
    def test_no_other_item_than_the_next(self, position):
        assert refusal(lambda: walk(begun(), ("open", position, 1), now=after(seconds=1))) == "item_not_current"

    @pytest.mark.parametrize("position", [-1, TOTAL, 99])
    def test_no_item_that_the_form_does_not_have(self, position):
        with pytest.raises(NotFound):
            walk(begun(), ("open", position, 1), now=after(seconds=1))

    def test_an_item_that_was_not_opened_cannot_be_passed(self):
        assert refusal(lambda: walk(begun(), ("close", 0, 1), now=after(seconds=1))) == "item_not_open"

    def test_the_last_one_submits_once(self):
        last = begun(position=TOTAL - 1)
        over = walk(last, ("open", TOTAL - 1, 1), ("close", TOTAL - 1, 5), now=after(seconds=6))
        assert (over.state, over.submitted_at) == (AttemptState.SUBMITTED, after(seconds=5))
        assert walk(over, ("close", TOTAL - 1, 5), now=after(hours=3)) is over

    def test_nothing_while_it_is_paused(self):
        paused = begun(state=AttemptState.PAUSED, paused_at=OPENS)
        assert refusal(lambda: walk(paused, ("open", 0, 1), now=after(seconds=1))) == "attempt_paused"


class TestMoments:
    def test_never_after_now_and_never_before_what_is_fixed(self):
        first = walk(begun(), ("open", 0, 900), now=after(seconds=10))
        assert first.item_opened_at == after(seconds=10)
        second = walk(first, ("close", 0, -900), ("open", 1, -900), now=after(seconds=12))
        assert second.item_opened_at == after(seconds=10)

    def test_at_most_half_an_hour_ago(self):
        long = begun(deadline_at=after(hours=3))
        late = walk(long, ("open", 0, 1), now=after(hours=1))
        assert late.item_opened_at == after(hours=1) - BELIEVED

    def test_now_where_the_format_waits(self):
        first = walk(begun(), ("open", 0, 1), now=after(seconds=60), paper=WAITS)
        assert first.item_opened_at == after(seconds=60)
        assert first.offline_stretches == ()

    def test_a_claimed_past_is_noted_once_it_is_more_than_a_slow_network(self):
        slow = walk(begun(), ("open", 0, 1), now=after(seconds=16))
        assert slow.offline_stretches == ()
        cut_off = walk(slow, ("close", 0, 20), ("open", 1, 21), now=after(seconds=60))
        (stretch,) = cut_off.offline_stretches
        assert (stretch.began_at, stretch.ended_at) == (after(seconds=20), after(seconds=60))
        assert walk(cut_off, ("close", 0, 20), ("open", 1, 21), now=after(seconds=90)) is cut_off


class TestDeadline:
    def test_nothing_at_the_deadline_itself(self):
        attempt = begun()
        assert refusal(lambda: walk(attempt, ("open", 0, 1200), now=attempt.deadline_at)) == "attempt_not_open"

    def test_what_was_made_before_it_off_line_still_counts_and_it_stays_expired(self):
        moves = [("open", 0, 1100), ("close", 0, 1190), ("open", 1, 1195), ("close", 1, 1205)]
        over = walk(begun(), *moves, now=after(minutes=25))
        assert (over.state, over.submitted_at) == (AttemptState.EXPIRED, after(minutes=20))
        assert (over.position, over.is_item_open) == (1, True)
        swept = model.expired(begun(), at=after(minutes=20))
        assert walk(swept, *moves, now=after(minutes=25)).position == 1

    def test_even_all_of_it_makes_no_submission_of_an_expired_attempt(self):
        last = begun(position=TOTAL - 1)
        over = walk(last, ("open", TOTAL - 1, 1100), ("close", TOTAL - 1, 1150), now=after(minutes=21))
        assert (over.state, over.position) == (AttemptState.EXPIRED, TOTAL)

    def test_not_later_than_half_an_hour_after_it_and_never_where_the_format_waits(self):
        swept = model.expired(begun(), at=after(minutes=20))
        for paper, now in ((PAPER, after(minutes=50)), (WAITS, after(minutes=20, seconds=1))):
            assert refusal(lambda paper=paper, now=now: walk(swept, ("open", 0, 1), now=now, paper=paper)) == (
                "attempt_not_open"
            )


class TestConditions:
    def test_extra_time_stretches_the_items_window(self):
        attempt = begun(conditions=Conditions(extra_time=1.5))
        opened = walk(attempt, ("open", 0, 1), now=after(seconds=1))
        assert (opened.item_prompt_ms, opened.item_window_ms) == (2_000, 12_000)

    def test_silence_ends_nothing_for_whom_that_is_granted_and_the_window_is_the_same(self):
        own = Conditions(extra_time=1.5, no_silence_end=True)
        assert (own.silence_limit(4_000), own.stretched(8_000)) == (0, 12_000)
        assert Conditions(extra_time=1.5).silence_limit(4_000) == 6_000
        assert not Conditions(no_silence_end=True).are_usual

    def test_who_may_hear_again_has_a_moment_to_ask(self):
        attempt = begun(conditions=Conditions(replays=1))
        opened = walk(attempt, ("open", 0, 1), now=after(seconds=1))
        assert (opened.item_prompt_ms, opened.item_window_ms) == (2_000 + HEAR_AGAIN_MS, 8_000)
