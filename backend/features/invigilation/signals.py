"""What a candidate's page noticed during the test: kept, shown, reviewed by people, open to appeal; never a penalty.

    new -> no_concern | noted      by staff, with a reason
    no_concern | noted -> new      further signals came, or the candidate appealed

One record an attempt. Everything is kept: a review is added, it replaces none. At most `KEPT_MAX` signals are kept
whole; those beyond are counted (`beyond`). Signals of pages can be faked and missed: they are hints, nothing else.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from backend.core.errors import Conflict

KEPT_MAX = 300
BATCH_MAX = 50
APPEALS_MAX = 3
LONGEST_MS = 24 * 3600 * 1000


class SignalKind(StrEnum):
    TAB_LEFT = "tab_left"
    WINDOW_BLURRED = "window_blurred"
    FULLSCREEN_LEFT = "fullscreen_left"
    PASTE_TRIED = "paste_tried"
    CLOCK_SKEW = "clock_skew"
    # Of a page that was open when another page or device took the attempt over; a reload leaves none behind.
    TAKEN_OVER = "taken_over"


class Finding(StrEnum):
    NEW = "new"
    NO_CONCERN = "no_concern"
    NOTED = "noted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """`at` is when it began, by the server's clock as the page knew it; `received_at` when we heard of it."""

    signal_id: str
    kind: SignalKind
    at: datetime
    received_at: datetime
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReview:
    """`covers` is how many signals, kept and beyond, the reviewer had before them."""

    finding: Finding
    reason: str
    by: str
    at: datetime
    covers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """`reviews` is how many reviews there were before it: it is answered once there are more."""

    text: str
    at: datetime
    reviews: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRecord:
    """Everything noticed in one attempt; `id` is the attempt's."""

    id: str
    delivery_id: str
    campus_id: str
    student_id: str
    signals: tuple[Signal, ...] = ()
    beyond: int = 0
    reviews: tuple[SignalReview, ...] = ()
    appeals: tuple[Appeal, ...] = ()
    revision: int = 0

    @property
    def total(self) -> int:
        return len(self.signals) + self.beyond

    @property
    def last_review(self) -> SignalReview | None:
        return self.reviews[-1] if self.reviews else None

    @property
    def finding(self) -> Finding:
        last = self.last_review
        if last is None or last.covers < self.total or self.is_appealed:
            return Finding.NEW
        return last.finding

    @property
    def is_appealed(self) -> bool:
        """Whether an appeal waits for an answer."""
        return bool(self.appeals) and self.appeals[-1].reviews >= len(self.reviews)

    @property
    def counts(self) -> Mapping[SignalKind, int]:
        return Counter(signal.kind for signal in self.signals)

    @property
    def away_ms(self) -> int:
        """How long the page was left, in all."""
        return sum(signal.duration_ms or 0 for signal in self.signals if signal.kind is SignalKind.TAB_LEFT)


def recorded(record: SignalRecord, signals: Sequence[Signal], *, earliest: datetime, now: datetime) -> SignalRecord:
    """With these signals; those known by their id are passed over. Moments are clamped to the attempt and to now."""
    known = {signal.signal_id for signal in record.signals}
    fresh = {signal.signal_id: signal for signal in signals if signal.signal_id not in known}
    if not fresh:
        return record
    room = max(0, KEPT_MAX - len(record.signals))
    kept = [replace(signal, at=min(max(signal.at, earliest), now)) for signal in list(fresh.values())[:room]]
    return replace(
        record,
        signals=(*record.signals, *kept),
        beyond=record.beyond + len(fresh) - len(kept),
        revision=record.revision + 1,
    )


def reviewed(record: SignalRecord, *, finding: Finding, reason: str, by: str, at: datetime) -> SignalRecord:
    if finding is Finding.NEW:
        raise Conflict("no_finding", "Choose one of the two findings.")
    review = SignalReview(finding=finding, reason=reason, by=by, at=at, covers=record.total)
    return replace(record, reviews=(*record.reviews, review), revision=record.revision + 1)


def appealed(record: SignalRecord, *, text: str, at: datetime) -> SignalRecord:
    """With the candidate's side. Refused while one waits for its answer, and beyond a few."""
    if record.is_appealed:
        raise Conflict("appeal_waits", "Your appeal is with your college. You hear of its answer here.")
    if len(record.appeals) >= APPEALS_MAX:
        raise Conflict("appeals_used_up", "This has been answered several times. Speak to your college directly.")
    appeal = Appeal(text=text, at=at, reviews=len(record.reviews))
    return replace(record, appeals=(*record.appeals, appeal), revision=record.revision + 1)
