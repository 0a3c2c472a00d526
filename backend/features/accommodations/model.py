"""Accommodations: approved changes of conditions for one student, campus-wide, until somebody ends them.

    in force -> ended

Each names its reason and who granted it. Where several are in force, the student has the best of each. An attempt takes
over what is in force when its clock starts; what is granted or ended later changes nothing there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from backend.core.errors import RuleViolation

MOST_EXTRA_TIME = 3.0
MOST_BREAK_MINUTES = 120
MOST_REPLAYS = 5
REASON_MAX = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """`extra_time` multiplies the test's time and every window, 1.0 to 3.0; `replays` is further hearings a prompt.
    `no_silence_end`: a recorded answer is ended by the candidate or its window, never by silence."""

    extra_time: float = 1.0
    break_minutes: int = 0
    replays: int = 0
    larger_text: bool = False
    no_silence_end: bool = False

    @property
    def are_none(self) -> bool:
        return self == Measures()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accommodation:
    """One grant. `reason` is for staff: what was approved, by which decision; not a diagnosis."""

    id: str
    campus_id: str
    student_id: str
    measures: Measures
    reason: str
    granted_by: str
    granted_at: datetime
    ended_by: str | None = None
    ended_at: datetime | None = None

    @property
    def is_in_force(self) -> bool:
        return self.ended_at is None


def check_measures(measures: Measures) -> Measures:
    """Refused, by field: outside the bounds, or nothing at all."""
    errors: dict[str, list[str]] = {}
    if not 1.0 <= measures.extra_time <= MOST_EXTRA_TIME:
        errors["extra_time"] = [f"Between 1 and {MOST_EXTRA_TIME:g} times."]
    if not 0 <= measures.break_minutes <= MOST_BREAK_MINUTES:
        errors["break_minutes"] = [f"Up to {MOST_BREAK_MINUTES} minutes."]
    if not 0 <= measures.replays <= MOST_REPLAYS:
        errors["replays"] = [f"Up to {MOST_REPLAYS}."]
    if not errors and measures.are_none:
        errors[""] = ["Choose at least one thing that is different for this student."]
    if errors:
        raise RuleViolation("invalid_input", "Some of the input needs another look.", errors=errors)
    return measures


def check_reason(text: str) -> str:
    reason = " ".join(text.split())
    if not reason or len(reason) > REASON_MAX or not reason.isprintable():
        raise RuleViolation(
            "invalid_input",
            "Some of the input needs another look.",
            errors={"reason": ["Say in a few words what was approved, and by which decision."]},
        )
    return reason


def ended(accommodation: Accommodation, *, by: str, at: datetime) -> Accommodation:
    """No longer in force. Safe to repeat."""
    return accommodation if accommodation.ended_at is not None else replace(accommodation, ended_by=by, ended_at=at)


def in_force(accommodations: Iterable[Accommodation]) -> Measures:
    """What the student has, of all that is in force the best of each."""
    measures = [each.measures for each in accommodations if each.is_in_force]
    return Measures(
        extra_time=max((each.extra_time for each in measures), default=1.0),
        break_minutes=max((each.break_minutes for each in measures), default=0),
        replays=max((each.replays for each in measures), default=0),
        larger_text=any(each.larger_text for each in measures),
        no_silence_end=any(each.no_silence_end for each in measures),
    )
