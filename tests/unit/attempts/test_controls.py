"""Staff's controls over attempts, breaks, and prompts heard again: rules, pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.core.errors import Conflict, RuleViolation
from backend.features.attempts import model
from backend.features.attempts.engine import pauses
from backend.features.attempts.engine.controls import (
    Control,
    ControlKind,
    check_control,
    controlled,
    reopening_position,
)
from backend.features.attempts.engine.moves import moved
from backend.features.attempts.model import Attempt, AttemptState, Conditions
from tests.support.exam import make_attempt, make_move, make_paper

OPENS = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
CLOSES = OPENS + timedelta(hours=1)
ALLOWED = timedelta(minutes=20)
TOTAL = 4
PAPER = make_paper(tasks=("repeat",) * TOTAL)
PARTS = replace(
    PAPER, sections=(PAPER.sections[0], replace(PAPER.sections[0], letter="B", first_position=2, item_count=2))
)


def begun(at=OPENS, **changes) -> Attempt:
    running = model.begun(make_attempt(), opens_at=OPENS, closes_at=CLOSES, allowed=ALLOWED, at=at)
    return replace(running, **changes)


def opened(seconds=0) -> Attempt:
    return moved(begun(), [make_move("open", 0, at=after(seconds=seconds))], PAPER, now=after(seconds=seconds))


def after(**interval) -> datetime:
    return OPENS + timedelta(**interval)


def control(kind, attempt, *, now, control_id="control-one", minutes=None, reason="Fire alarm", released=False):
    asked = Control(id=control_id, kind=ControlKind(kind), by="meera", reason=reason, minutes=minutes)
    check_control(asked)
    return controlled(attempt, asked, PAPER, is_released=released, now=now)


def refusal(act) -> str:
    with pytest.raises(Conflict) as refused:
        act()
    return refused.value.code


class TestUntouched:
    """Of an attempt of which nothing was opened no answers are looked for."""

    def test_until_its_first_item_is_opened(self):
        assert make_attempt().is_untouched
        assert begun().is_untouched
        assert not opened().is_untouched

    def test_not_where_the_first_item_is_given_once_more(self):
        paper = make_paper(tasks=("repeat",))
        closed = moved(begun(), [make_move("open", 0), make_move("close", 0)], paper, now=after(seconds=9))
        again = Control(id="control-one", kind=ControlKind("reopen"), by="meera", reason="Fire alarm", minutes=5)
        reopened = controlled(closed, again, paper, is_released=False, now=after(minutes=1))
        assert (reopened.position, reopened.is_item_open) == (0, False)
        assert not reopened.is_untouched


class TestAgain:
    @pytest.mark.parametrize("kind", ["extend", "pause", "void"])
    def test_the_same_control_reaches_an_attempt_once(self, kind):
        minutes = 5 if kind == "extend" else None
        first = control(kind, begun(), now=after(minutes=1), minutes=minutes)
        assert first.revision == begun().revision + 1
        assert control(kind, first, now=after(minutes=9), minutes=minutes) is first
        (mark,) = first.controls
        assert (mark.kind, mark.by, mark.at, mark.reason) == (kind, "meera", after(minutes=1), "Fire alarm")

    def test_another_control_that_finds_it_done_changes_nothing(self):
        first = control("pause", begun(), now=after(minutes=1))
        assert control("pause", first, now=after(minutes=2), control_id="control-two") is first


class TestPause:
    def test_deadline_and_open_item_shift_by_exactly_the_pause(self):
        before = opened(seconds=10)
        paused = control("pause", before, now=after(seconds=13))
        assert (paused.state, paused.due_at) == (AttemptState.PAUSED, None)
        assert paused.elapsed_ms(after(minutes=40)) == 3_000
        resumed = control("resume", paused, now=after(minutes=40), control_id="control-two")
        stood = timedelta(minutes=40) - timedelta(seconds=13)
        assert resumed.deadline_at == before.deadline_at + stood
        assert resumed.due_at == resumed.deadline_at
        assert resumed.elapsed_ms(after(minutes=40)) == 3_000
        assert resumed.paused_ms == round(stood.total_seconds() * 1000)

    def test_no_deadline_comes_while_the_clock_stands(self):
        paused = control("pause", begun(), now=after(minutes=19))
        assert model.expired(paused, at=after(hours=9)) is paused

    def test_moves_made_before_the_end_of_a_pause_are_dated_at_its_end(self):
        paused = control("pause", opened(), now=after(seconds=30))
        resumed = control("resume", paused, now=after(minutes=5), control_id="control-two")
        moves = [make_move("close", 0, at=after(seconds=20)), make_move("open", 1, at=after(seconds=21))]
        assert moved(resumed, moves, PAPER, now=after(minutes=6)).item_opened_at == after(minutes=5)

    @pytest.mark.parametrize("kind", ["pause", "resume"])
    def test_only_what_runs(self, kind):
        over = model.expired(begun(), at=after(minutes=20))
        assert refusal(lambda: control(kind, over, now=after(minutes=21))) == "attempt_not_open"
        assert refusal(lambda: control(kind, make_attempt(), now=OPENS)) == "attempt_not_open"

    def test_not_what_should_have_ended_already(self):
        assert refusal(lambda: control("pause", begun(), now=after(minutes=20))) == "attempt_not_open"


class TestExtend:
    def test_the_deadline_moves_also_past_closing(self):
        late = begun(at=CLOSES - timedelta(minutes=5))
        longer = control("extend", late, now=CLOSES - timedelta(minutes=1), minutes=10)
        assert longer.deadline_at == CLOSES + timedelta(minutes=10)
        assert (longer.due_at, longer.extra_ms) == (longer.deadline_at, 600_000)

    def test_before_the_start_it_waits_for_it(self):
        longer = control("extend", make_attempt(), now=OPENS, minutes=10)
        running = model.begun(longer, opens_at=OPENS, closes_at=CLOSES, allowed=ALLOWED, at=OPENS)
        assert running.deadline_at == after(minutes=30)

    def test_a_paused_one_too(self):
        paused = control("pause", begun(), now=after(minutes=1))
        longer = control("extend", paused, now=after(minutes=2), minutes=10, control_id="control-two")
        assert (longer.deadline_at, longer.due_at) == (after(minutes=30), None)

    @pytest.mark.parametrize("minutes", [None, 0, -5, 481])
    def test_minutes_that_are_none(self, minutes):
        with pytest.raises(RuleViolation):
            control("extend", begun(), now=OPENS, minutes=minutes)


class TestReopen:
    def test_an_expired_one_goes_on_where_it_stood(self):
        attempt = moved(begun(), [make_move("open", 0, at=after(minutes=19))], PAPER, now=after(minutes=19))
        over = model.settled(model.expired(attempt, at=after(minutes=20)), at=after(minutes=50))
        again = control("reopen", over, now=after(hours=2), minutes=15)
        assert (again.state, again.deadline_at) == (AttemptState.IN_PROGRESS, after(hours=2, minutes=15))
        assert (again.submitted_at, again.settled_at, again.due_at) == (None, None, again.deadline_at)
        assert again.elapsed_ms(after(hours=2)) == 60_000

    def test_of_one_that_was_handed_in_the_last_item_comes_again_with_the_time_that_was_left(self):
        last = begun(position=TOTAL - 1)
        moves = [make_move(kind, TOTAL - 1, at=after(minutes=5)) for kind in ("open", "close")]
        over = moved(last, moves, PAPER, now=after(minutes=5))
        again = control("reopen", over, now=after(hours=2))
        assert (again.position, again.is_item_open) == (TOTAL - 1, False)
        assert again.deadline_at == after(hours=2, minutes=15)

    def test_where_it_would_go_on_is_told_before_it_is_reopened(self):
        """As the dialog says it: the question at which the time ended, or the last one of what was handed in."""
        expired = model.expired(begun(position=2), at=after(minutes=20))
        passed = model.expired(begun(position=TOTAL), at=after(minutes=20))
        handed_in = replace(passed, state=AttemptState.SUBMITTED)
        assert reopening_position(begun(position=2), PAPER) is None
        assert [reopening_position(each, PAPER) for each in (expired, handed_in, passed)] == [2, TOTAL - 1, None]
        for over in (expired, handed_in):
            again = control("reopen", over, now=after(hours=2), minutes=5)
            assert again.position == reopening_position(over, PAPER)
        assert refusal(lambda: control("reopen", passed, now=after(hours=2), minutes=5)) == "nothing_left"

    def test_without_time_left_somebody_has_to_say_how_much(self):
        over = model.expired(begun(), at=after(minutes=20))
        with pytest.raises(RuleViolation):
            control("reopen", over, now=after(hours=2))

    def test_never_once_the_student_sees_the_result(self):
        over = model.expired(begun(), at=after(minutes=20))
        assert refusal(lambda: control("reopen", over, now=CLOSES, minutes=5, released=True)) == "result_released"

    def test_what_is_not_over_is_extended_instead(self):
        assert refusal(lambda: control("reopen", begun(), now=OPENS, minutes=5)) == "attempt_running"

    def test_a_review_that_began_before_leaves_the_deadline_alone(self):
        over = model.expired(begun(), at=after(minutes=20))
        again = control("reopen", over, now=after(minutes=21), minutes=5)
        assert model.reviewed(again, next_at=after(hours=9)) is again


class TestVoid:
    @pytest.mark.parametrize("attempt", [make_attempt(), begun(), model.expired(begun(), at=CLOSES)])
    def test_whatever_it_was_it_no_longer_counts_and_is_never_settled(self, attempt):
        voided = control("void", attempt, now=CLOSES, reason="Sat by somebody else")
        assert (voided.state, voided.voided_reason) == (AttemptState.VOIDED, "Sat by somebody else")
        assert voided.due_at is None
        with pytest.raises(Conflict):
            model.settled(voided, at=CLOSES)
        assert model.unsettled(voided, at=CLOSES) is voided
        assert refusal(lambda: control("reopen", voided, now=CLOSES, minutes=5, control_id="two")) == "attempt_voided"

    def test_a_reason_is_asked_for(self):
        with pytest.raises(RuleViolation):
            control("void", begun(), now=OPENS, reason="  ")

    def test_not_once_the_student_sees_the_result(self):
        over = model.expired(begun(), at=CLOSES)
        assert refusal(lambda: control("void", over, now=CLOSES, released=True)) == "result_released"


class TestBreaks:
    def between(self, **changes):
        return begun(position=2, conditions=Conditions(break_ms=600_000), **changes)

    def test_the_clock_stands_until_the_candidate_goes_on(self):
        resting = pauses.rested(self.between(), PARTS, at=after(minutes=3))
        assert (resting.state, resting.due_at) == (AttemptState.PAUSED, after(minutes=13))
        going_on = pauses.rest_ended(resting, at=after(minutes=7))
        assert going_on.deadline_at == after(minutes=24)
        assert pauses.break_left_ms(going_on) == 360_000

    def test_it_ends_by_itself_when_it_is_used_up_whenever_that_is_noticed(self):
        resting = pauses.rested(self.between(), PARTS, at=after(minutes=3))
        noticed = pauses.up_to_now(resting, now=after(minutes=20))
        assert (noticed.state, noticed.deadline_at) == (AttemptState.IN_PROGRESS, after(minutes=30))
        assert pauses.break_left_ms(noticed) == 0
        assert pauses.up_to_now(resting, now=after(hours=5)).state is AttemptState.EXPIRED

    @pytest.mark.parametrize(
        "changes", [{"position": 0}, {"position": 1}, {"item_opened_at": OPENS}, {"break_used_ms": 600_000}]
    )
    def test_only_between_parts_with_some_left(self, changes):
        attempt = replace(self.between(), **changes)
        assert refusal(lambda: pauses.rested(attempt, PARTS, at=after(minutes=3))) == "no_break_now"

    def test_staff_may_make_it_a_pause_and_end_either(self):
        resting = pauses.rested(self.between(), PARTS, at=after(minutes=3))
        held = control("pause", resting, now=after(minutes=4))
        assert (held.break_until, held.break_used_ms) == (None, 60_000)
        assert refusal(lambda: pauses.rest_ended(held, at=after(minutes=5))) == "attempt_paused"
        assert control("resume", held, now=after(minutes=9), control_id="two").deadline_at == after(minutes=26)


class TestHearingAgain:
    def hearing(self):
        attempt = begun(conditions=Conditions(replays=2))
        return moved(attempt, [make_move("open", 0)], PAPER, now=OPENS)

    def test_the_window_begins_after_it_and_the_deadline_moves_with_it(self):
        again = pauses.heard_again(self.hearing(), 0, PAPER, number=1, at=after(seconds=4))
        assert again.item_prompt_ms == 4_000 + 2_000 + model.HEAR_AGAIN_MS
        assert again.deadline_at == after(minutes=20, seconds=4)
        last = pauses.heard_again(again, 0, PAPER, number=2, at=after(seconds=8))
        assert last.item_prompt_ms >= 10_000
        assert pauses.heard_again(last, 0, PAPER, number=2, at=after(seconds=9)) is last

    def test_refusals(self):
        plain = moved(begun(), [make_move("open", 0)], PAPER, now=OPENS)
        hear = pauses.heard_again
        assert refusal(lambda: hear(plain, 0, PAPER, number=1, at=after(seconds=1))) == "no_replay_left"
        assert refusal(lambda: hear(self.hearing(), 1, PAPER, number=1, at=OPENS)) == "item_not_current"
        assert refusal(lambda: hear(self.hearing(), 0, PAPER, number=1, at=after(seconds=10))) == "answering_began"
