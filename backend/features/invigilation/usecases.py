"""Messages, incidents, identity, signals, and who may oversee what. Everything that people do is in the audit log."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from backend.core.actor import Role
from backend.core.errors import Conflict, NotFound
from backend.core.ids import IdSource
from backend.core.ports import Feed, Sessions
from backend.features.accounts.model import Account, AccountState
from backend.features.assessments.conditions import Conditions
from backend.features.assessments.model import Delivery
from backend.features.assessments.repository import Deliveries
from backend.features.assessments.usecases import replace_conditions
from backend.features.attempts.engine.news import NAMESPACE, room_of_attempt
from backend.features.attempts.model import Attempt
from backend.features.attempts.repository import Attempts
from backend.features.audit.repository import AuditLog
from backend.features.audit.usecases import record
from backend.features.invigilation import board, model, signals
from backend.features.invigilation.model import (
    Duty,
    IdentityCheck,
    Incident,
    IncidentKind,
    Means,
    Message,
    Power,
    Receipt,
)
from backend.features.invigilation.repository import Duties, IdentityChecks, Incidents, Messages, SignalRecords
from backend.features.invigilation.signals import Finding, Signal, SignalRecord
from backend.features.students.identity import identity_code, normal_code

_RACES = 8
MESSAGE_SENT = "invigilation_message"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Who does it, when, and where it is written down."""

    actor_id: str
    audit_log: AuditLog
    now: datetime
    new_id: IdSource

    def note(
        self, action: str, delivery: Delivery, *, kind: str = "delivery", subject_id: str = "", **more: str | int
    ) -> None:
        record(
            actor_id=self.actor_id,
            campus_id=delivery.campus_id,
            action=action,
            subject_kind=kind,
            subject_id=subject_id or delivery.id,
            audit_log=self.audit_log,
            now=self.now,
            new_id=self.new_id,
            **more,
        )


# -- who oversees ----------------------------------------------------------------------------------------------------


def assign_invigilator(
    *, delivery: Delivery, account: Account, powers: Sequence[Power], duties: Duties, acting: Acting
) -> Duty:
    """Gives one invigilator of the campus the right to one delivery, or other powers in it."""
    if account.role is not Role.INVIGILATOR or account.campus_id != delivery.campus_id:
        raise NotFound()
    if account.state is AccountState.DISABLED:
        raise Conflict("account_disabled", "This invigilator is disabled. Let them sign in again first.")
    duty = Duty(
        id=model.duty_id(delivery.id, account.id),
        delivery_id=delivery.id,
        account_id=account.id,
        campus_id=delivery.campus_id,
        powers=tuple(dict.fromkeys(powers)),
        assigned_by=acting.actor_id,
        assigned_at=acting.now,
    )
    duties.put(duty)
    acting.note("invigilator_assigned", delivery, account_id=account.id, powers=" ".join(duty.powers))
    return duty


def release_invigilator(
    *, delivery: Delivery, account_id: str, duties: Duties, sessions: Sessions, acting: Acting
) -> None:
    """Takes the right back; live pages of it are cut off at once. Safe to repeat."""
    if duties.remove(model.duty_id(delivery.id, account_id)):
        sessions.hang_up(account_id)
        acting.note("invigilator_released", delivery, account_id=account_id)


def set_conditions(*, delivery: Delivery, conditions: Conditions, deliveries: Deliveries, acting: Acting) -> Delivery:
    """Effective at once, also while the test is open."""
    if conditions == delivery.conditions:
        return delivery
    after = replace_conditions(delivery=delivery, conditions=conditions, deliveries=deliveries)
    acting.note(
        "conditions_changed",
        delivery,
        identity_check=conditions.identity_check,
        browser_keys=len(conditions.seb_config_keys),
        networks=len(conditions.networks),
        full_screen=conditions.full_screen,
    )
    return after


# -- messages --------------------------------------------------------------------------------------------------------


def send_message(
    *,
    delivery: Delivery,
    text: str,
    student_ids: Sequence[str],
    is_urgent: bool,
    known: Sequence[str],
    messages: Messages,
    attempts: Attempts,
    feed: Feed,
    acting: Acting,
) -> Message:
    """To the named candidates; nobody named: to all. Kept first; then the pages that are there hear that there is one:
    they ask for it by their next heartbeat, at once.
    """
    message = Message(
        id=acting.new_id(),
        delivery_id=delivery.id,
        campus_id=delivery.campus_id,
        text=model.check_text(text, longest=model.TEXT_MAX),
        student_ids=model.check_named(student_ids, known=known),
        is_urgent=is_urgent,
        sent_by=acting.actor_id,
        sent_at=acting.now,
    )
    messages.add(message)
    acting.note("message_sent", delivery, message_id=message.id, named=len(message.student_ids))
    for attempt in attempts.list_by_delivery(delivery.id):
        if not attempt.is_over and message.is_for(attempt.student_id):
            event = {"attempt_id": attempt.id, "message_id": message.id}
            feed.publish(room_of_attempt(attempt.id), MESSAGE_SENT, event, namespace=NAMESPACE)
    return message


def acknowledge_message(*, attempt: Attempt, message_id: str, messages: Messages, now: datetime) -> Receipt:
    """The candidate has seen it. Safe to repeat: the first time counts."""
    message = messages.find(message_id)
    if message is None or message.delivery_id != attempt.delivery_id or not message.is_for(attempt.student_id):
        raise NotFound()
    receipt = Receipt(
        id=model.receipt_id(message.id, attempt.student_id),
        message_id=message.id,
        delivery_id=attempt.delivery_id,
        student_id=attempt.student_id,
        seen_at=now,
    )
    messages.add_receipt(receipt)
    return receipt


# -- incidents -------------------------------------------------------------------------------------------------------


def note_incident(
    *,
    delivery: Delivery,
    kind: IncidentKind,
    text: str,
    student_ids: Sequence[str],
    happened_at: datetime,
    known: Sequence[str],
    incidents: Incidents,
    acting: Acting,
) -> Incident:
    """Writes a note down, for good."""
    if kind not in model.KINDS_OF_PEOPLE:
        raise model.invalid("kind", "Choose a kind from the list.")
    incident = Incident(
        id=acting.new_id(),
        delivery_id=delivery.id,
        campus_id=delivery.campus_id,
        kind=kind,
        text=model.check_text(text, longest=model.NOTE_MAX),
        student_ids=model.check_named(student_ids, known=known),
        happened_at=model.check_happened(happened_at, now=acting.now),
        noted_at=acting.now,
        noted_by=acting.actor_id,
    )
    incidents.add(incident)
    acting.note("incident_noted", delivery, incident_id=incident.id, kind_of=kind)
    return incident


def note_refusal(
    *, delivery: Delivery, student_id: str, code: str, incidents: Incidents, feed: Feed, now: datetime
) -> None:
    """A candidate was turned away by the conditions: one note for each kind and day, and a line in the monitor."""
    kind, text = model.REFUSALS[code]
    incidents.add(
        Incident(
            id=f"{delivery.id}:{student_id}:{code}:{now:%Y%m%d}",
            delivery_id=delivery.id,
            campus_id=delivery.campus_id,
            kind=kind,
            text=text,
            student_ids=(student_id,),
            happened_at=now,
            noted_at=now,
        )
    )
    board.announce(delivery.id, student_id, {"refused": code}, feed=feed, now=now)


# -- identity --------------------------------------------------------------------------------------------------------


def find_by_code(typed: str, *, student_ids: Sequence[str], secret: str) -> str:
    """Whose card it is; RuleViolation when it is nobody's here, or (very rarely) two people's."""
    wanted = normal_code(typed).encode()
    found = [
        student_id
        for student_id in student_ids
        if hmac.compare_digest(normal_code(identity_code(student_id, secret=secret)).encode(), wanted)
    ]
    if len(found) == 1:
        return found[0]
    raise model.invalid("code", "No candidate of this test has this code. Look at the card again.")


def check_identity(
    *,
    delivery: Delivery,
    student_id: str,
    means: Means,
    known: Sequence[str],
    checks: IdentityChecks,
    feed: Feed,
    acting: Acting,
) -> IdentityCheck:
    """Notes that somebody made sure who the candidate is. Safe to repeat: the first time counts."""
    model.check_named([student_id], known=known)
    check = IdentityCheck(
        id=model.identity_check_id(delivery.id, student_id),
        delivery_id=delivery.id,
        campus_id=delivery.campus_id,
        student_id=student_id,
        means=means,
        checked_by=acting.actor_id,
        checked_at=acting.now,
    )
    if not checks.add(check):
        return checks.find(check.id) or check
    acting.note(
        "identity_checked", delivery, kind="student", subject_id=student_id, means=means, delivery_id=delivery.id
    )
    board.announce(delivery.id, student_id, {"identity": means.value}, feed=feed, now=acting.now)
    return check


# -- signals ---------------------------------------------------------------------------------------------------------


def record_signals(
    *, attempt: Attempt, heard: Sequence[Signal], records: SignalRecords, feed: Feed, now: datetime
) -> int:
    """Keeps what the page noticed while the clock ran; how many are known now. Safe to repeat.

    What comes before the start is passed over in silence: nothing could have been gained by it. So is what is said to
    have happened after the end.
    """
    started, end = attempt.started_at, attempt.submitted_at
    if started is None:
        return 0
    wanted = [each for each in heard if end is None or each.at <= end]
    latest = now if end is None else end

    def add(seen: SignalRecord) -> SignalRecord:
        return signals.recorded(seen, wanted, earliest=started, now=latest)

    before = records.find(attempt.id) or _fresh(attempt, records)
    after = _change(before, add, records)
    if after is not before:
        announce_signals(after, feed=feed, now=now)
    return after.total


def announce_signals(record_of: SignalRecord, *, feed: Feed, now: datetime) -> None:
    board.announce(record_of.delivery_id, record_of.student_id, board.describe_signals(record_of), feed=feed, now=now)


def _fresh(attempt: Attempt, records: SignalRecords) -> SignalRecord:
    fresh = SignalRecord(
        id=attempt.id, delivery_id=attempt.delivery_id, campus_id=attempt.campus_id, student_id=attempt.student_id
    )
    if records.add(fresh):
        return fresh
    found = records.find(attempt.id)
    return found or fresh


def review_signals(
    *,
    delivery: Delivery,
    attempt_id: str,
    finding: Finding,
    reason: str,
    records: SignalRecords,
    feed: Feed,
    acting: Acting,
) -> SignalRecord:
    """What a person makes of them; the candidate reads finding and reason. Changes nothing else."""
    seen = _record_of(delivery, attempt_id, records)
    why = model.check_text(reason, longest=model.TEXT_MAX, field="reason")

    def review(seen: SignalRecord) -> SignalRecord:
        return signals.reviewed(seen, finding=finding, reason=why, by=acting.actor_id, at=acting.now)

    after = _change(seen, review, records)
    acting.note("signals_reviewed", delivery, kind="attempt", subject_id=attempt_id, finding=finding)
    announce_signals(after, feed=feed, now=acting.now)
    return after


def appeal_signals(*, seen: SignalRecord, text: str, records: SignalRecords, feed: Feed, now: datetime) -> SignalRecord:
    """The candidate's side of it: staff look again and answer."""
    said = model.check_text(text, longest=model.TEXT_MAX)
    after = _change(seen, lambda seen: signals.appealed(seen, text=said, at=now), records)
    announce_signals(after, feed=feed, now=now)
    return after


def _record_of(delivery: Delivery, attempt_id: str, records: SignalRecords) -> SignalRecord:
    found = records.find(attempt_id)
    if found is None or found.delivery_id != delivery.id:
        raise NotFound()
    return found


def _change(first: SignalRecord, step: Callable[[SignalRecord], SignalRecord], records: SignalRecords) -> SignalRecord:
    seen: SignalRecord | None = first
    for _ in range(_RACES):
        if seen is None:
            raise NotFound()
        after = step(seen)
        if after is seen or records.save(after, seen=seen):
            return after
        seen = records.find(first.id)
    raise Conflict("changed_meanwhile", "Somebody else has just changed this. Load the page again.")
