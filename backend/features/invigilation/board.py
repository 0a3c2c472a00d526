"""The live monitor's rows: one a candidate. A join answers with all of them; then small events say what moved.

A row is what attempts' monitor tells of the attempt, and what those who oversee it know: identity, signals, refusals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.core.ports import Feed, Presence, PresenceMark
from backend.features.assessments.model import Delivery
from backend.features.attempts import monitor
from backend.features.attempts.model import USUAL, Attempt, Conditions
from backend.features.attempts.monitor import Counts, Json
from backend.features.attempts.repository import Attempts, Candidate, GrantedConditions, Papers, Responses
from backend.features.invigilation.model import REFUSALS, IdentityCheck, Incident
from backend.features.invigilation.repository import IdentityChecks, Incidents, SignalRecords
from backend.features.invigilation.signals import Finding, SignalRecord

_REFUSED = {kind: code for code, (kind, _) in REFUSALS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the rows are read from."""

    attempts: Attempts
    responses: Responses
    papers: Papers
    presence: Presence
    checks: IdentityChecks
    incidents: Incidents
    records: SignalRecords
    granted: GrantedConditions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """The same, read for one delivery."""

    latest: Mapping[str, Attempt]
    marks: Mapping[str, PresenceMark]
    counts: Mapping[str, Counts]
    checks: Mapping[str, IdentityCheck]
    refusals: Mapping[str, Incident]
    records: Mapping[str, SignalRecord]
    granted: Mapping[str, Conditions]


def list_rows(delivery: Delivery, candidates: Sequence[Candidate], *, watched: Watched, now: datetime) -> list[Json]:
    """A row for each candidate, in the order given, from each one's latest attempt."""
    read = _read(delivery, watched)
    return [
        {
            "student_id": candidate.student_id,
            "student_name": candidate.name,
            "roll_number": candidate.roll_number,
            "version": monitor.version_at(now),
            **_describe(candidate.student_id, read, watched.papers),
        }
        for candidate in candidates
    ]


def _read(delivery: Delivery, watched: Watched) -> _Read:
    delivery_id = delivery.id
    latest = monitor.latest_attempts(watched.attempts.list_by_delivery(delivery_id))
    ids = [attempt.id for attempt in latest.values()]
    return _Read(
        latest=latest,
        marks=watched.presence.read(ids),
        counts=monitor.recall_counts(delivery_id, latest.values(), responses=watched.responses),
        checks={check.student_id: check for check in watched.checks.list_by_delivery(delivery_id)},
        refusals={
            student_id: incident
            for incident in watched.incidents.list_by_delivery(delivery_id)
            if incident.kind in _REFUSED
            for student_id in incident.student_ids
        },
        records={record.id: record for record in watched.records.list_by_delivery(delivery_id)},
        granted=watched.granted.list_by_campus(delivery.campus_id),
    )


def _describe(student_id: str, read: _Read, papers: Papers) -> Json:
    attempt = read.latest.get(student_id)
    check = read.checks.get(student_id)
    overseen: Json = {
        "identity": check.means.value if check is not None else "",
        "refused": _refusal(read.refusals.get(student_id), attempt),
    }
    # What was granted counts until the clock starts; from then on what was fixed with it.
    granted: Json = {"conditions": monitor.describe_conditions(read.granted.get(student_id, USUAL))}
    if attempt is None:
        return overseen | monitor.NOWHERE | granted | describe_signals(None)
    return (
        overseen
        | {"attempt_id": attempt.id}
        | monitor.describe_progress(attempt, papers.get(attempt.form_id))
        | (granted if attempt.started_at is None else {})
        | monitor.describe_presence(read.marks.get(attempt.id))
        | monitor.describe_responses(read.counts.get(attempt.id, {}))
        | describe_signals(read.records.get(attempt.id))
    )


def _refusal(incident: Incident | None, attempt: Attempt | None) -> str:
    """The code of a refusal that still keeps the candidate out: one who entered after it is in."""
    if incident is None or (attempt is not None and attempt.created_at >= incident.noted_at):
        return ""
    return _REFUSED[incident.kind]


def describe_signals(record: SignalRecord | None) -> Json:
    """How many signals, and whether a person should look at them."""
    if record is None:
        return {"signals": {"total": 0, "finding": "", "appealed": False}}
    finding = record.finding if record.total else Finding.NO_CONCERN
    return {"signals": {"total": record.total, "finding": finding.value, "appealed": record.is_appealed}}


def announce(delivery_id: str, student_id: str, parts: Json, *, feed: Feed, now: datetime) -> None:
    """Tells those who watch what is known newly of one candidate."""
    event: Json = {"student_id": student_id, "version": monitor.version_at(now), **parts}
    feed.publish(monitor.room_of(delivery_id), monitor.PROGRESSED, event)
