"""The attempt's state machine and its clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.errors import AppError, Conflict
from backend.features.attempts import model
from backend.features.attempts.engine.moves import moved
from backend.features.attempts.engine.pauses import paused, resumed
from backend.features.attempts.model import AttemptState
from tests.support.exam import make_attempt, make_move, make_paper

OPENS = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
CLOSES = OPENS + timedelta(hours=1)
ALLOWED = timedelta(minutes=20)
TOTAL = 4
PAPER = make_paper(tasks=("repeat",) * TOTAL)
OVER = (AttemptState.SUBMITTED, AttemptState.EXPIRED, AttemptState.VOIDED)


def begin(at=OPENS, attempt=None):
    return model.begun(attempt or make_attempt(), opens_at=OPENS, closes_at=CLOSES, allowed=ALLOWED, at=at)


def refusal(act) -> str:
    with pytest.raises(Conflict) as refused:
        act()
    return refused.value.code


class TestBeginning:
    def test_the_deadline_is_the_tests_time_later(self):
        assert begin().deadline_at == OPENS + ALLOWED

    def test_a_late_start_never_gets_more_than_the_window(self):
        late = begin(at=CLOSES - timedelta(minutes=5))
        assert late.deadline_at == CLOSES

    @pytest.mark.parametrize("at", [OPENS - timedelta(milliseconds=1), CLOSES, CLOSES + timedelta(days=1)])
    def test_only_within_the_window(self, at):
        assert refusal(lambda: begin(at=at)) == "delivery_not_open"

    def test_again_leaves_the_clock_alone(self):
        first = begin()
        assert begin(at=OPENS + timedelta(minutes=3), attempt=first) is first

    @pytest.mark.parametrize("state", OVER)
    def test_never_after_the_end(self, state):
        assert refusal(lambda: begin(attempt=make_attempt(state=state))) == "attempt_not_open"


class TestExpiry:
    def test_ends_at_its_deadline_whenever_it_is_noticed(self):
        attempt = begin()
        noticed = attempt.deadline_at + timedelta(hours=7)
        after = model.expired(attempt, at=noticed)
        assert (after.state, after.submitted_at) == (AttemptState.EXPIRED, attempt.deadline_at)
        assert model.expired(after, at=noticed) is after

    def test_not_a_moment_before(self):
        attempt = begin()
        assert model.expired(attempt, at=attempt.deadline_at - timedelta(milliseconds=1)) is attempt


class TestLateRecordings:
    def test_what_was_opened_is_taken_until_the_grace_ends(self):
        attempt = moved(begin(), [make_move("open", 0)], PAPER, now=OPENS)
        over = model.expired(attempt, at=attempt.deadline_at)
        last = over.submitted_at + model.UPLOAD_GRACE
        model.check_accepts(over, 0, at=last - timedelta(milliseconds=1))
        assert refusal(lambda: model.check_accepts(over, 0, at=last)) == "attempt_not_open"

    def test_what_was_never_opened_is_not(self):
        attempt = moved(begin(), [make_move("open", 0)], PAPER, now=OPENS)
        assert refusal(lambda: model.check_accepts(attempt, 1, at=OPENS)) == "item_not_open"

    def test_a_pause_has_no_end_until_it_goes_on(self):
        attempt = moved(begin(), [make_move("open", 0)], PAPER, now=OPENS)
        standing = paused(attempt, at=OPENS + timedelta(minutes=5))
        later = attempt.deadline_at + model.UPLOAD_GRACE + timedelta(days=3)
        assert standing.upload_until is None
        model.check_accepts(standing, 0, at=later)
        assert refusal(lambda: model.check_accepts(standing, 1, at=later)) == "item_not_open"
        going = resumed(standing, at=later)
        assert going.upload_until == later + timedelta(minutes=15) + model.UPLOAD_GRACE
        model.check_accepts(going, 0, at=later)

    def test_nothing_before_the_beginning(self):
        assert refusal(lambda: model.check_accepts(make_attempt(), 0, at=OPENS)) == "attempt_not_open"


class TestSettling:
    def test_once(self):
        over = model.expired(begin(), at=CLOSES)
        after = model.settled(over, at=CLOSES)
        assert model.settled(after, at=CLOSES + timedelta(days=1)) is after
        assert after.due_at is None

    def test_not_while_it_runs(self):
        assert refusal(lambda: model.settled(begin(), at=OPENS)) == "attempt_running"


steps = st.lists(
    st.tuples(
        st.sampled_from(["begin", "open", "close", "expire", "accept"]),
        st.integers(min_value=-1, max_value=TOTAL),
        st.integers(min_value=0, max_value=40 * 60_000),
    ),
    max_size=40,
)


@settings(max_examples=400, deadline=None)
@given(steps)
def test_whatever_a_client_sends_in_whatever_order(history):
    """Histories of requests at any time: the clock decides, positions never fall, there is one end."""
    attempt, at, ends = make_attempt(), OPENS - timedelta(minutes=5), []
    for action, position, later_ms in history:
        at += timedelta(milliseconds=later_ms)
        before = attempt
        try:
            attempt = act(action, before, position, at)
        except AppError:
            attempt = before
        check_step(before, attempt, at)
        if attempt.is_over and not before.is_over:
            ends.append(attempt.submitted_at)
    assert len(ends) <= 1


def act(action, attempt, position, at):
    if action == "begin":
        return begin(at=at, attempt=attempt)
    if action == "open":
        return moved(attempt, [make_move("open", position, at=at)], PAPER, now=at)
    if action == "close":
        return moved(attempt, [make_move("close", position, at=at)], PAPER, now=at)
    if action == "expire":
        return model.expired(attempt, at=at)
    model.check_accepts(attempt, position, at=at)
    # It did not refuse: then it must have been opened, and in time.
    assert attempt.was_opened(position)
    assert at < (attempt.submitted_at or attempt.deadline_at) + model.UPLOAD_GRACE
    return attempt


def check_step(before, after, at):
    assert after.position >= before.position
    assert after.revision - before.revision in (0, 1)
    assert before.settled_at is None
    if before.is_over:
        assert after is before, "moves dated now never come before a deadline that has passed"
    if after.deadline_at is not None:
        assert OPENS <= after.started_at < CLOSES
        assert after.deadline_at <= min(after.started_at + ALLOWED, CLOSES)
        assert before.deadline_at in (None, after.deadline_at)
        assert after.submitted_at is None or after.submitted_at <= after.deadline_at
    if after is not before and after.state is not AttemptState.EXPIRED and before.deadline_at is not None:
        assert at < before.deadline_at
