"""What happened to one candidate in one delivery, the latest first. Pure: made of what the parts have kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.features.attempts.model import Attempt, AttemptState, ControlMark, OfflineStretch
from backend.features.attempts.paper import Paper
from backend.features.attempts.responses import Response
from backend.features.invigilation.model import IdentityCheck, Incident, Message, Receipt
from backend.features.invigilation.signals import Finding, Signal, SignalKind, SignalRecord

SIGNAL_TEXTS = {
    SignalKind.TAB_LEFT: "Left the test's page",
    SignalKind.WINDOW_BLURRED: "Used another window",
    SignalKind.FULLSCREEN_LEFT: "Left full screen",
    SignalKind.PASTE_TRIED: "Tried to paste",
    SignalKind.CLOCK_SKEW: "The device's clock is wrong",
    SignalKind.TAKEN_OVER: "Went on in another window or on another device",
}
INCIDENT_TEXTS = {
    "technical": "Technical",
    "conduct": "Conduct",
    "health": "Health",
    "identity": "Identity",
    "room": "Room",
    "correction": "Correction of an earlier note",
    "other": "Other",
    "network_refused": "Outside the network",
    "browser_refused": "Not in the safe browser",
}
FINDING_TEXTS = {
    Finding.NEW: "Not reviewed yet",
    Finding.NO_CONCERN: "Reviewed: no concern",
    Finding.NOTED: "Reviewed: noted",
}
_ENDS = {
    AttemptState.SUBMITTED: "Finished the test",
    AttemptState.EXPIRED: "The time was over",
    AttemptState.VOIDED: "Voided",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """`kind`: move, signal, incident, message, identity or control. `by` is an account id, then a name; None: nobody
    of the staff."""

    at: datetime
    kind: str
    text: str
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Everything that is kept of one candidate in one delivery."""

    attempts: Sequence[Attempt]
    papers: Mapping[str, Paper]
    responses: Sequence[Response]
    records: Sequence[SignalRecord]
    incidents: Sequence[Incident]
    messages: Sequence[Message]
    receipts: Sequence[Receipt]
    check: IdentityCheck | None


def tell(kept: Kept) -> list[Happening]:
    parts = (
        _moves(kept),
        (_signal(signal) for record in kept.records for signal in record.signals),
        (_offline(stretch) for attempt in kept.attempts for stretch in attempt.offline_stretches),
        _reviews(kept.records),
        (_incident(incident) for incident in kept.incidents),
        _messages(kept),
        _identity(kept.check),
        (_control(mark) for attempt in kept.attempts for mark in attempt.controls),
    )
    return sorted((each for part in parts for each in part), key=lambda each: each.at, reverse=True)


def _moves(kept: Kept) -> Iterable[Happening]:
    numbers = {attempt.id: attempt.number for attempt in kept.attempts}
    for attempt in kept.attempts:
        which = f" (attempt {attempt.number})" if len(kept.attempts) > 1 else ""
        yield Happening(at=attempt.created_at, kind="move", text=f"Entered{which}")
        if attempt.started_at is not None:
            yield Happening(at=attempt.started_at, kind="move", text=f"Began the test{which}")
        if attempt.submitted_at is not None:
            yield Happening(at=attempt.submitted_at, kind="move", text=f"{_ENDS.get(attempt.state, 'Over')}{which}")
    for response in kept.responses:
        stored = [recording.stored_at for recording in response.recordings]
        moment = max(stored) if stored else response.answered_at
        paper = kept.papers.get(response.attempt_id)
        if moment is not None and response.attempt_id in numbers and paper is not None:
            item = paper.get_item(response.position)
            yield Happening(at=moment, kind="move", text=f"Answer to {item.section_letter}{item.number} arrived")


def signal_text(signal: Signal) -> str:
    text = SIGNAL_TEXTS[signal.kind]
    if signal.duration_ms is None:
        return text
    return f"{text} for {spoken(timedelta(milliseconds=signal.duration_ms))}"


def spoken(length: timedelta) -> str:
    seconds = max(1, round(length.total_seconds()))
    return f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"


def offline_text(stretch: OfflineStretch) -> str:
    return f"Went on without a connection for {spoken(stretch.ended_at - stretch.began_at)}"


def _offline(stretch: OfflineStretch) -> Happening:
    return Happening(at=stretch.began_at, kind="signal", text=offline_text(stretch))


def _signal(signal: Signal) -> Happening:
    return Happening(at=signal.at, kind="signal", text=signal_text(signal))


def _reviews(records: Sequence[SignalRecord]) -> Iterable[Happening]:
    for record in records:
        for review in record.reviews:
            text = f"Signals: {FINDING_TEXTS[review.finding].lower()}. {review.reason}"
            yield Happening(at=review.at, kind="signal", text=text, by=review.by)
        for appeal in record.appeals:
            yield Happening(at=appeal.at, kind="signal", text=f"Appealed against the signals: {appeal.text}")


def _incident(incident: Incident) -> Happening:
    text = f"{INCIDENT_TEXTS[incident.kind]}: {incident.text}"
    return Happening(at=incident.happened_at, kind="incident", text=text, by=incident.noted_by)


def _messages(kept: Kept) -> Iterable[Happening]:
    seen = {receipt.message_id: receipt.seen_at for receipt in kept.receipts}
    for message in kept.messages:
        to = "" if message.student_ids else " to everybody"
        yield Happening(at=message.sent_at, kind="message", text=f"Message{to}: {message.text}", by=message.sent_by)
        if message.id in seen:
            yield Happening(at=seen[message.id], kind="message", text=f"Has seen: {message.text}")


def _identity(check: IdentityCheck | None) -> Iterable[Happening]:
    if check is not None:
        how = "by the code on the card" if check.means == "card" else "by other means"
        text = f"Identity checked {how}"
        yield Happening(at=check.checked_at, kind="identity", text=text, by=check.checked_by)


_CONTROL_TEXTS = {
    "extend": "More time",
    "pause": "Paused",
    "resume": "Let go on",
    "reopen": "Reopened",
    "void": "Voided",
}


def _control(mark: ControlMark) -> Happening:
    minutes = f", {mark.minutes} min" if mark.minutes else ""
    reason = f": {mark.reason}" if mark.reason else ""
    text = f"{_CONTROL_TEXTS.get(mark.kind, mark.kind)}{minutes}{reason}"
    return Happening(at=mark.at, kind="control", text=text, by=mark.by)
