"""Those who oversee an exam, as the candidate's side needs them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backend.core.ports import Feed
from backend.features.assessments.model import Delivery
from backend.features.attempts.repository import Notice, Oversight
from backend.features.invigilation.model import Message, identity_check_id
from backend.features.invigilation.repository import IdentityChecks, Incidents, Messages
from backend.features.invigilation.usecases import note_refusal

# A thousand heartbeats in ten seconds ask for one delivery's messages: the database hears it once a second.
_FRESH = timedelta(seconds=1)
_DELIVERIES_MAX = 1000


class OversightFromInvigilation(Oversight):
    def __init__(self, messages: Messages, checks: IdentityChecks, incidents: Incidents, feed: Feed) -> None:
        self._messages = messages
        self._checks = checks
        self._incidents = incidents
        self._feed = feed
        self._read: dict[str, tuple[datetime, Sequence[Message]]] = {}

    def list_notices(self, delivery_id: str, student_id: str, *, now: datetime) -> Sequence[Notice]:
        mine = [message for message in self._of_delivery(delivery_id, now) if message.is_for(student_id)]
        if not mine:
            return []
        seen = {receipt.message_id for receipt in self._messages.list_receipts_of(delivery_id, student_id)}
        return [
            Notice(id=message.id, text=message.text, is_urgent=message.is_urgent, sent_at=message.sent_at)
            for message in mine
            if message.id not in seen
        ]

    def _of_delivery(self, delivery_id: str, now: datetime) -> Sequence[Message]:
        read_at, messages = self._read.get(delivery_id, (None, ()))
        if read_at is not None and timedelta() <= now - read_at < _FRESH:
            return messages
        if len(self._read) >= _DELIVERIES_MAX:
            self._read.clear()
        messages = self._messages.list_by_delivery(delivery_id)
        self._read[delivery_id] = now, messages
        return messages

    def is_identity_checked(self, delivery_id: str, student_id: str) -> bool:
        return self._checks.find(identity_check_id(delivery_id, student_id)) is not None

    def note_refusal(self, delivery: Delivery, student_id: str, code: str, *, now: datetime) -> None:
        note_refusal(
            delivery=delivery,
            student_id=student_id,
            code=code,
            incidents=self._incidents,
            feed=self._feed,
            now=now,
        )
