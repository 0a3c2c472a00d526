"""What staff do to an attempt while the exam goes on: extend, pause, resume, reopen, void.

A control has an id. It reaches an attempt once: applied again, it changes nothing (`Attempt.controls`), so it may be
repeated for a whole delivery after a broken reply or a crash. Each is one compare-and-set.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backend.core.errors import Conflict, RuleViolation
from backend.features.attempts.engine.pauses import paused, resumed, up_to_now
from backend.features.attempts.model import (
    Attempt,
    AttemptState,
    ControlMark,
    changed,
    not_open,
)
from backend.features.attempts.paper import Paper

LONGEST_EXTENSION_MINUTES = 480
REASON_MAX = 500
_MARKS_KEPT = 50
# A control for everybody that is under way for so long has lost the process that wrote it to the attempts.
STRANDED_AFTER = timedelta(seconds=30)


class ControlKind(StrEnum):
    EXTEND = "extend"
    PAUSE = "pause"
    RESUME = "resume"
    REOPEN = "reopen"
    VOID = "void"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """`minutes` of an extension; of a reopening the time until the new deadline, None for what was left at the end."""

    id: str
    kind: ControlKind
    by: str
    reason: str
    minutes: int | None = None


def check_control(control: Control) -> None:
    """Refuses what makes no sense whatever the attempt: RuleViolation by field."""
    errors: dict[str, list[str]] = {}
    needs_minutes = control.kind is ControlKind.EXTEND
    takes_minutes = control.kind in (ControlKind.EXTEND, ControlKind.REOPEN)
    if (needs_minutes and control.minutes is None) or (control.minutes is not None and not takes_minutes):
        errors["minutes"] = [
            "Say how many minutes." if needs_minutes else "Only an extension or a reopening has minutes."
        ]
    elif control.minutes is not None and not 1 <= control.minutes <= LONGEST_EXTENSION_MINUTES:
        errors["minutes"] = [f"Between 1 and {LONGEST_EXTENSION_MINUTES}."]
    if control.kind in (ControlKind.VOID, ControlKind.REOPEN) and not control.reason.strip():
        errors["reason"] = ["Say why: the student may ask."]
    if len(control.reason) > REASON_MAX:
        errors["reason"] = [f"At most {REASON_MAX} characters."]
    if errors:
        raise RuleViolation("invalid_input", "Some of the input needs another look.", errors=errors)


def has_reached(control: Control, attempt: Attempt) -> bool:
    """Whether it has done what it has to do here: applied again, it changes nothing."""
    return control.id in attempt.passed_over or any(mark.id == control.id for mark in attempt.controls)


def passing_over(attempt: Attempt, control_ids: Sequence[str]) -> Attempt:
    """Out of reach of these: they were given for everybody before what it has just become, and changed nothing."""
    return replace(attempt, passed_over=(*attempt.passed_over, *control_ids)[-_MARKS_KEPT:])


def reaches(control: Control, attempt: Attempt, *, at: datetime) -> bool:
    """Whether a control for everybody that was given at that moment is for this attempt too."""
    if control.kind is ControlKind.VOID:
        return attempt.created_at <= at
    if attempt.started_at is None or attempt.started_at > at:
        return False
    if control.kind is ControlKind.REOPEN:
        return attempt.is_over
    return attempt.is_running or _ran_out_after(attempt, at)


def holds_from(control: Control, *, given_at: datetime, now: datetime) -> datetime:
    """As of when a control for everybody is written to an attempt: as of when it was given, also if that is later.

    Only what starts a clock, and was left under way by a process that died, starts it now: the candidate was waiting.
    """
    starts_clock = control.kind in (ControlKind.RESUME, ControlKind.REOPEN)
    return now if starts_clock and now - given_at >= STRANDED_AFTER else given_at


def _ran_out_after(attempt: Attempt, at: datetime) -> bool:
    """Its deadline passed after that moment, and its result is not settled: what was given then still holds."""
    is_late = attempt.submitted_at is not None and attempt.submitted_at > at
    return attempt.state is AttemptState.EXPIRED and attempt.settled_at is None and is_late


def controlled(attempt: Attempt, control: Control, paper: Paper, *, is_released: bool, now: datetime) -> Attempt:
    """The attempt after the control, one revision on; the same attempt where it changes nothing.

    `now` is when the control was given. What the candidate did since then counts, and the end of the time does not.

    Refused: `attempt_not_open` (extend, pause, resume what is over or was never begun), `attempt_running` (reopen what
    is not over), `result_released` (reopen, void), `attempt_voided`.
    """
    if has_reached(control, attempt):
        return attempt
    if attempt.state is AttemptState.VOIDED:
        if control.kind is ControlKind.VOID:
            return attempt
        raise Conflict("attempt_voided", "This attempt was voided. The student can begin another.")
    seen = _as_of(up_to_now(attempt, now=now), control, now)
    at = max(now, seen.moved_at or now)
    after = _applied(seen, control, paper, is_released=is_released, now=at)
    if after is seen:
        return attempt
    mark = ControlMark(
        id=control.id,
        kind=control.kind.value,
        by=control.by,
        at=now,
        minutes=control.minutes,
        reason=control.reason.strip(),
    )
    return replace(after, controls=(*after.controls, mark)[-_MARKS_KEPT:], revision=attempt.revision + 1)


def _as_of(attempt: Attempt, control: Control, at: datetime) -> Attempt:
    """Still running, where its time ran out only after the control was given."""
    if control.kind in (ControlKind.REOPEN, ControlKind.VOID) or not _ran_out_after(attempt, at):
        return attempt
    return changed(attempt, state=AttemptState.IN_PROGRESS, submitted_at=None, due_at=attempt.deadline_at)


def _applied(attempt: Attempt, control: Control, paper: Paper, *, is_released: bool, now: datetime) -> Attempt:
    match control.kind:
        case ControlKind.EXTEND:
            return extended(attempt, timedelta(minutes=control.minutes or 0))
        case ControlKind.PAUSE:
            return paused(attempt, at=now)
        case ControlKind.RESUME:
            return resumed(attempt, at=now)
        case ControlKind.REOPEN:
            _check_not_released(is_released)
            return reopened(attempt, paper, minutes=control.minutes, at=now)
        case ControlKind.VOID:
            _check_not_released(is_released)
            return voided(attempt, reason=control.reason.strip())


def _check_not_released(is_released: bool) -> None:
    if is_released:
        raise Conflict("result_released", "The student already sees the result. Take the result back first.")


def extended(attempt: Attempt, by: timedelta) -> Attempt:
    """With a later deadline; before the start, with more time from the start on."""
    if attempt.is_over or attempt.state is AttemptState.VOIDED:
        raise not_open()
    extra_ms = attempt.extra_ms + round(by.total_seconds() * 1000)
    if attempt.deadline_at is None:
        return changed(attempt, extra_ms=extra_ms)
    deadline_at = attempt.deadline_at + by
    due_at = deadline_at if attempt.state is AttemptState.IN_PROGRESS else attempt.due_at
    return changed(attempt, extra_ms=extra_ms, deadline_at=deadline_at, due_at=due_at)


def reopening_position(attempt: Attempt, paper: Paper) -> int | None:
    """Where it would go on, if it were reopened; None while it is not over, and where nothing is left to go on with."""
    if not attempt.is_over:
        return None
    if attempt.state is AttemptState.EXPIRED and attempt.position >= paper.total_items:
        return None
    return min(attempt.position, paper.window_of(paper.total_items - 1).start)


def reopened(attempt: Attempt, paper: Paper, *, minutes: int | None, at: datetime) -> Attempt:
    """Going on, with the time that was left at the end, or with `minutes`; an open item goes on where it stood.

    Of an attempt that was handed in, the last item comes once more; a part with a time limit as a whole. Refused:
    `attempt_running`, `invalid_input` when no time was left and no minutes are given, `nothing_left` when every item
    was closed before the time ended.
    """
    if not attempt.is_over or attempt.submitted_at is None or attempt.deadline_at is None:
        raise Conflict("attempt_running", "This attempt is not over: extend it instead.")
    position = reopening_position(attempt, paper)
    if position is None:
        raise Conflict(
            "nothing_left", "Every question was passed before the time ended: there is nothing to go on with."
        )
    left = attempt.deadline_at - attempt.submitted_at if minutes is None else timedelta(minutes=minutes)
    if left <= timedelta(0):
        raise RuleViolation(
            "invalid_input",
            "No time was left. Say how many minutes the student gets.",
            errors={"minutes": ["Missing."]},
        )
    stood = at - attempt.submitted_at
    return changed(
        attempt,
        state=AttemptState.IN_PROGRESS,
        position=position,
        finished_parts=tuple(part for part in attempt.finished_parts if not part.holds(position)),
        window_ends=attempt.window_ends[:position],
        submission_heard_at=None,
        item_opened_at=None if attempt.item_opened_at is None else attempt.item_opened_at + stood,
        item_heard_at=None if attempt.item_heard_at is None else attempt.item_heard_at + stood,
        moved_at=at,
        deadline_at=at + left,
        due_at=at + left,
        submitted_at=None,
        settled_at=None,
    )


def voided(attempt: Attempt, *, reason: str) -> Attempt:
    """It does not count and is never settled; what was recorded is kept."""
    return changed(
        attempt,
        state=AttemptState.VOIDED,
        voided_reason=reason,
        settled_at=None,
        due_at=None,
        paused_at=None,
        break_until=None,
    )
