"""The clock of an attempt standing still: by staff, as a candidate's break, and while a prompt is heard again.

Whatever is shifted is shifted by exactly the time that the clock stood: nobody gains or loses a millisecond.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from backend.core.errors import Conflict
from backend.features.attempts.model import (
    HEAR_AGAIN_MS,
    Attempt,
    AttemptState,
    changed,
    check_open,
    expired,
    not_open,
)
from backend.features.attempts.paper import Paper

_SLOW_ASKING = timedelta(seconds=2)


def up_to_now(attempt: Attempt, *, now: datetime) -> Attempt:
    """With what the clock alone has done: a break that was used up has ended, a deadline that passed has ended all."""
    after = attempt
    if after.break_until is not None and now >= after.break_until:
        after = _gone_on(after, at=after.break_until)
    after = expired(after, at=now)
    return after if after is attempt else replace(after, revision=attempt.revision + 1)


def paused(attempt: Attempt, *, at: datetime) -> Attempt:
    """The clock stands until staff let it go on; a break becomes such a pause. Paused already: the same attempt.

    Refused: `attempt_not_open` before the start and after the end.
    """
    if attempt.state is AttemptState.PAUSED and attempt.break_until is None:
        return attempt
    running = _gone_on(attempt, at=at) if attempt.state is AttemptState.PAUSED else attempt
    check_open(running, at=at)
    after = changed(running, state=AttemptState.PAUSED, paused_at=at, due_at=None)
    return replace(after, revision=attempt.revision + 1)


def resumed(attempt: Attempt, *, at: datetime) -> Attempt:
    """The clock goes on. Running already: the same attempt. Refused: `attempt_not_open`."""
    if attempt.state is AttemptState.PAUSED:
        return _gone_on(attempt, at=at)
    check_open(attempt, at=at)
    return attempt


def _gone_on(attempt: Attempt, *, at: datetime) -> Attempt:
    since, deadline_at = attempt.paused_at, attempt.deadline_at
    if since is None or deadline_at is None:
        raise not_open()
    stood = max(at - since, timedelta(0))
    stood_ms = round(stood.total_seconds() * 1000)
    is_break = attempt.break_until is not None
    return changed(
        attempt,
        state=AttemptState.IN_PROGRESS,
        paused_at=None,
        break_until=None,
        paused_ms=attempt.paused_ms + stood_ms,
        break_used_ms=attempt.break_used_ms + (stood_ms if is_break else 0),
        item_opened_at=None if attempt.item_opened_at is None else attempt.item_opened_at + stood,
        item_heard_at=None if attempt.item_heard_at is None else attempt.item_heard_at + stood,
        moved_at=max(at, since),
        deadline_at=deadline_at + stood,
        due_at=deadline_at + stood,
    )


# -- the candidate's break -------------------------------------------------------------------------------------------


def break_left_ms(attempt: Attempt) -> int:
    return max(0, attempt.conditions.break_ms - attempt.break_used_ms)


def may_rest(attempt: Attempt, paper: Paper) -> bool:
    """Whether the candidate may take a break now: between two parts, with some of it left."""
    between = attempt.position > 0 and any(part.first_position == attempt.position for part in paper.sections)
    return (
        attempt.state is AttemptState.IN_PROGRESS
        and between
        and not attempt.is_item_open
        and break_left_ms(attempt) > 0
    )


def rested(attempt: Attempt, paper: Paper, *, at: datetime) -> Attempt:
    """On a break until the candidate goes on, at the latest until it is used up. On one already: the same attempt.

    Refused: `attempt_not_open`, `attempt_paused` (by staff), `no_break_now`.
    """
    if attempt.state is AttemptState.PAUSED and attempt.break_until is not None:
        return attempt
    check_open(attempt, at=at)
    if not may_rest(attempt, paper):
        raise Conflict("no_break_now", "A break is possible between two parts, as long as some of it is left.")
    until = at + timedelta(milliseconds=break_left_ms(attempt))
    return changed(attempt, state=AttemptState.PAUSED, paused_at=at, break_until=until, due_at=until)


def rest_ended(attempt: Attempt, *, at: datetime) -> Attempt:
    """The break is over because the candidate says so. Not on one: the same attempt; `attempt_paused` by staff."""
    if attempt.break_until is not None:
        return _gone_on(attempt, at=at)
    check_open(attempt, at=at)
    return attempt


# -- hearing a prompt again ------------------------------------------------------------------------------------------


def heard_again(attempt: Attempt, position: int, paper: Paper, *, number: int, at: datetime) -> Attempt:
    """The open item's prompt begins once more, the `number`-th time (from 1), and the deadline moves by what it takes.

    Begun so often already: the same attempt. Refused: `item_not_current`, `no_replay_left`, `answering_began` once the
    prompt's time is over.
    """
    check_open(attempt, at=at)
    if position != attempt.position or not attempt.is_item_open or attempt.item_opened_at is None:
        raise Conflict("item_not_current", "This item is not open.")
    if number <= attempt.item_replays:
        return attempt
    left = attempt.conditions.replays - attempt.item_replays
    prompt_ms, before_ms = paper.get_item(position).prompt_ms, attempt.item_prompt_ms or 0
    if left <= 0 or prompt_ms <= 0:
        raise Conflict("no_replay_left", "This prompt cannot be heard again.")
    elapsed_ms = attempt.elapsed_ms(at)
    if elapsed_ms > before_ms + round(_SLOW_ASKING.total_seconds() * 1000):
        raise Conflict("answering_began", "The answer has begun: the prompt cannot be heard again.")
    after_ms = elapsed_ms + prompt_ms + (HEAR_AGAIN_MS if left > 1 else 0)
    longer = timedelta(milliseconds=max(0, after_ms - before_ms))
    deadline_at = (attempt.deadline_at or at) + longer
    return changed(
        attempt,
        item_replays=attempt.item_replays + 1,
        item_heard_at=at,
        item_prompt_ms=max(after_ms, before_ms),
        extra_ms=attempt.extra_ms + round(longer.total_seconds() * 1000),
        deadline_at=deadline_at,
        due_at=deadline_at,
        moved_at=at,
    )
