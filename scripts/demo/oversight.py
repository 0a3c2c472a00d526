"""What happens around the demonstration's running test: an invigilator, messages, notes, signals, an accommodation."""

from collections.abc import Sequence
from datetime import timedelta

from backend.core.actor import Actor, Role
from backend.features.accommodations.model import Measures
from backend.features.accommodations.usecases import grant_accommodation
from backend.features.accounts import usecases as account_usecases
from backend.features.accounts.model import Account, fold
from backend.features.assessments.model import Delivery
from backend.features.invigilation import usecases
from backend.features.invigilation.model import IncidentKind, Power
from backend.features.invigilation.signals import Signal, SignalKind
from backend.features.invigilation.usecases import Acting
from backend.features.students.model import Student
from backend.wiring import Services

INVIGILATOR = "Ravi Menon"


def oversee(services: Services, admin: Actor, delivery: Delivery, students: Sequence[Student]) -> Account:
    """The invigilator of the test. What was said and noted once is there for good, so it is done once only."""
    account = _invigilator(services, admin, delivery.campus_id)
    acting = Acting(actor_id=admin.account_id, audit_log=services.audit_log, now=services.now(), new_id=services.new_id)
    usecases.assign_invigilator(
        delivery=delivery,
        account=account,
        powers=(Power.EXTEND, Power.PAUSE),
        duties=services.duties,
        acting=acting,
    )
    if not services.messages.list_by_delivery(delivery.id):
        _say(services, delivery, students, acting)
        _note(services, delivery, students, acting)
        _notice(services, delivery)
    return account


def _invigilator(services: Services, admin: Actor, campus_id: str) -> Account:
    email = "ravi.menon.demo@example.edu"
    return services.accounts.find_by_login(fold(email)) or account_usecases.create_staff(
        role=Role.INVIGILATOR,
        actor=admin,
        campus_id=campus_id,
        name=INVIGILATOR,
        email=email,
        accounts=services.accounts,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )


def _say(services: Services, delivery: Delivery, students: Sequence[Student], acting: Acting) -> None:
    told: tuple[tuple[str, tuple[str, ...], bool], ...] = (
        ("Good morning. Please keep your headset on until the page says that you are done.", (), False),
        ("Please move your microphone a little closer to your mouth.", (students[1].id,), False),
        ("The noise outside is over; the next part begins when you press Continue.", (), True),
    )
    for text, named, is_urgent in told:
        usecases.send_message(
            delivery=delivery,
            text=text,
            student_ids=named,
            is_urgent=is_urgent,
            known=[student.id for student in students],
            messages=services.messages,
            attempts=services.attempts,
            feed=services.feed,
            acting=acting,
        )


def _note(services: Services, delivery: Delivery, students: Sequence[Student], acting: Acting) -> None:
    noted: tuple[tuple[IncidentKind, str, tuple[str, ...]], ...] = (
        (IncidentKind.TECHNICAL, "The headset at desk 7 was changed before the second part.", (students[2].id,)),
        (IncidentKind.ROOM, "Building work in the next room for about two minutes; it was stopped.", ()),
    )
    for kind, text, named in noted:
        usecases.note_incident(
            delivery=delivery,
            kind=kind,
            text=text,
            student_ids=named,
            happened_at=acting.now,
            known=[student.id for student in students],
            incidents=services.incidents,
            acting=acting,
        )


def _notice(services: Services, delivery: Delivery) -> None:
    """The page of one candidate was left for some seconds."""
    running = [each for each in services.attempts.list_by_delivery(delivery.id) if each.started_at is not None]
    if not running:
        return
    now = services.now()
    at = now - timedelta(minutes=1)
    heard = [
        Signal(signal_id="demo-signal-1", kind=SignalKind.TAB_LEFT, at=at, received_at=now, duration_ms=6_000),
        Signal(signal_id="demo-signal-2", kind=SignalKind.PASTE_TRIED, at=now, received_at=now),
    ]
    usecases.record_signals(
        attempt=min(running, key=lambda each: each.id),
        heard=heard,
        records=services.signal_records,
        feed=services.feed,
        now=now,
    )


GRANTED = {3: Measures(extra_time=1.25, break_minutes=10, larger_text=True), 7: Measures(extra_time=1.5)}
"""By the student's place in the batch: one of those inside the test, one at the device check."""


def grant(services: Services, admin: Actor, students: Sequence[Student]) -> None:
    """Before the test begins, as it is fixed then. Safe to repeat."""
    for place, measures in GRANTED.items():
        grant_accommodation(
            actor=admin,
            student=students[place],
            accommodation_id=f"demo-{students[place].id}",
            measures=measures,
            reason="Approved by the examinations office, 3 November 2026.",
            accommodations=services.accommodations,
            audit_log=services.audit_log,
            now=services.now(),
            new_id=services.new_id,
        )
