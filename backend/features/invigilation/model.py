"""What those who oversee a delivery do and keep. Nothing here is ever deleted or changed: a correction is a new note.

Nothing of this feature is read by scoring or settling; a signal, an incident or a message cannot move a score
(docs/adr/0096).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backend.core.actor import Actor
from backend.core.errors import Forbidden, RuleViolation
from backend.features.attempts.engine.controls import ControlKind

TEXT_MAX = 500
NOTE_MAX = 2000
NAMED_MAX = 1000
# A message or a note about a moment before the delivery, or after now, is a slip of the pen.
EARLIEST_NOTE = timedelta(days=31)


class Power(StrEnum):
    """What an invigilator may be given beyond watching, messages, notes and identity checks."""

    EXTEND = "extend"
    PAUSE = "pause"


# Reopening and voiding decide about a result: they stay with those who run the campus.
CONTROLS_OF = {
    Power.EXTEND: frozenset({ControlKind.EXTEND}),
    Power.PAUSE: frozenset({ControlKind.PAUSE, ControlKind.RESUME}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One invigilator's right to one delivery."""

    id: str
    delivery_id: str
    account_id: str
    campus_id: str
    powers: tuple[Power, ...]
    assigned_by: str
    assigned_at: datetime


def duty_id(delivery_id: str, account_id: str) -> str:
    return f"{delivery_id}:{account_id}"


def controls_of(powers: Sequence[Power]) -> frozenset[ControlKind]:
    return frozenset().union(*(CONTROLS_OF[power] for power in powers))


class IncidentKind(StrEnum):
    TECHNICAL = "technical"
    CONDUCT = "conduct"
    HEALTH = "health"
    IDENTITY = "identity"
    ROOM = "room"
    CORRECTION = "correction"
    OTHER = "other"
    # Written by Viva itself.
    NETWORK_REFUSED = "network_refused"
    BROWSER_REFUSED = "browser_refused"


KINDS_OF_PEOPLE = tuple(IncidentKind)[:-2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A note. `student_ids`: whom it is about, nobody for the whole room; `noted_by` None: Viva itself."""

    id: str
    delivery_id: str
    campus_id: str
    kind: IncidentKind
    text: str
    student_ids: tuple[str, ...]
    happened_at: datetime
    noted_at: datetime
    noted_by: str | None = None

    def concerns(self, student_id: str) -> bool:
        return not self.student_ids or student_id in self.student_ids


REFUSALS = {
    "network_not_allowed": (IncidentKind.NETWORK_REFUSED, "Refused: the device is outside the allowed networks."),
    "seb_required": (IncidentKind.BROWSER_REFUSED, "Refused: not Safe Exam Browser with this test's settings."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """To the named candidates, or, when none is named, to every candidate of the delivery."""

    id: str
    delivery_id: str
    campus_id: str
    text: str
    student_ids: tuple[str, ...]
    is_urgent: bool
    sent_by: str
    sent_at: datetime

    def is_for(self, student_id: str) -> bool:
        return not self.student_ids or student_id in self.student_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A candidate has seen a message."""

    id: str
    message_id: str
    delivery_id: str
    student_id: str
    seen_at: datetime


def receipt_id(message_id: str, student_id: str) -> str:
    return f"{message_id}:{student_id}"


class Means(StrEnum):
    """How somebody made sure who the candidate is."""

    CARD = "card"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityCheck:
    id: str
    delivery_id: str
    campus_id: str
    student_id: str
    means: Means
    checked_by: str
    checked_at: datetime


def identity_check_id(delivery_id: str, student_id: str) -> str:
    return f"{delivery_id}:{student_id}"


def check_text(text: str, *, longest: int, field: str = "text") -> str:
    """The text without spaces around it and without what does not print; refused when empty or too long."""
    cleaned = "".join(each for each in text if each.isprintable() or each == "\n").strip()
    if not cleaned:
        raise invalid(field, "Write something.")
    if len(cleaned) > longest:
        raise invalid(field, f"At most {longest} characters.")
    return cleaned


def check_happened(happened_at: datetime, *, now: datetime) -> datetime:
    if not now - EARLIEST_NOTE <= happened_at <= now + timedelta(minutes=1):
        raise invalid("happened_at", "Enter a time that has passed.")
    return min(happened_at, now)


def check_named(student_ids: Sequence[str], *, known: Sequence[str]) -> tuple[str, ...]:
    """Refuses anybody who is no candidate of the delivery."""
    named = tuple(dict.fromkeys(student_ids))
    if len(named) > NAMED_MAX or not set(named) <= set(known):
        raise invalid("student_ids", "Somebody you chose is not in this test. Load the page again.")
    return named


def check_may(actor: Actor, controls: frozenset[ControlKind], control: ControlKind) -> None:
    if control not in controls:
        who = "Only the campus admin may do this." if actor.is_invigilator else "This is not yours to do."
        raise Forbidden("control_not_given", who)


def invalid(field: str, message: str) -> RuleViolation:
    return RuleViolation("invalid_input", "Some of the input needs another look.", errors={field: [message]})
