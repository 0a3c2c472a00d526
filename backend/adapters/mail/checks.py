"""What every mailer refuses before a byte leaves, and how each makes a provider's key of ours."""

import uuid
from dataclasses import dataclass

from backend.core.errors import OverQuota, PermanentFailure
from backend.core.ports import Mail

_ASKED_AGAIN_AFTER_S = 30
_BREAKS_HEADERS = ("\r", "\n", "\0")
_KEY_SPACE = uuid.UUID("5f2a6a3c-58c1-4f0e-9d0a-6a0c7a3f9b11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who the mail is from."""

    name: str
    address: str


def check_mail(mail: Mail) -> None:
    """Refuses what could smuggle in a header, or cannot be an address: PermanentFailure `header_refused`,
    `address_refused`."""
    values = [mail.to_address, mail.to_name, mail.subject, mail.idempotency_key]
    values += [text for each in mail.attachments for text in (each.filename, each.content_type)]
    if any(mark in value for value in values for mark in _BREAKS_HEADERS):
        raise PermanentFailure("header_refused")
    local, at, domain = mail.to_address.rpartition("@")
    if not at or not local or not domain or any(each.isspace() or each in '<>,;"' for each in mail.to_address):
        raise PermanentFailure("address_refused")


def provider_key(mail: Mail) -> str:
    """The same UUID for the same message: Brevo takes nothing else as a key."""
    return str(uuid.uuid5(_KEY_SPACE, mail.idempotency_key))


def unreachable() -> OverQuota:
    """The provider did not get it, nor would it get another's: everything waits, and one mail asks twice a minute."""
    return OverQuota("provider_unreachable", retry_after_s=_ASKED_AGAIN_AFTER_S)
