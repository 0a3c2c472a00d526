"""Mail that stays on this machine: what is kept of it for a person to open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAttachment:
    """`blob_key` is where its bytes are."""

    filename: str
    content_type: str
    size: int
    blob_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMail:
    """One message as it would have gone. `id` is made of its idempotency key: the same message is kept once."""

    id: str
    from_name: str
    from_address: str
    to_name: str
    to_address: str
    subject: str
    text: str
    html: str
    attachments: tuple[KeptAttachment, ...]
    sent_at: datetime
    order: str


class OutboxStore(Protocol):
    def add(self, mail: OutboxMail) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def find(self, mail_id: str) -> OutboxMail | None: ...

    def list_latest(self, *, before: str | None = None, limit: int = 50) -> Sequence[OutboxMail]:
        """The latest first; those before the one whose `order` is `before`."""

    def put_bytes(self, key: str, data: bytes, *, content_type: str) -> None: ...

    def get_bytes(self, key: str) -> bytes:
        """PermanentFailure("blob_missing") when there are none."""
