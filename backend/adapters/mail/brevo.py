"""Brevo by its maintained client. The idempotency key travels in the body's `headers`, and lives 30 minutes there."""

import base64
from datetime import datetime

import httpx
from brevo import Brevo
from brevo.core.api_error import ApiError
from brevo.transactional_emails import (
    SendTransacEmailRequestAttachmentItem,
    SendTransacEmailRequestSender,
    SendTransacEmailRequestToItem,
)

from backend.adapters.mail.brevo_replies import ALREADY_ACCEPTED, KEY_LIFETIME, TIMEOUT_S, failure_of, is_repeat
from backend.adapters.mail.checks import Sender, check_mail, provider_key, unreachable
from backend.core.errors import OutcomeUnknown
from backend.core.ports import Mail, Mailer


class BrevoMailer(Mailer):
    key_lifetime = KEY_LIFETIME

    def __init__(self, *, api_key: str, base_url: str, sender: Sender) -> None:
        # Its own retries are off: the mailing decides when to try again, and says so to people.
        self._client = Brevo(
            api_key=api_key, base_url=base_url, max_retries=0, timeout=TIMEOUT_S, follow_redirects=False
        )
        self._sender = sender

    def send(self, mail: Mail, *, now: datetime) -> str:  # noqa: ARG002 - Brevo has its own clock
        check_mail(mail)
        try:
            sent = self._client.transactional_emails.send_transac_email(
                sender=SendTransacEmailRequestSender(name=self._sender.name, email=self._sender.address),
                to=[SendTransacEmailRequestToItem(email=mail.to_address, name=mail.to_name)],
                subject=mail.subject,
                html_content=mail.html,
                text_content=mail.text,
                headers={"idempotencyKey": provider_key(mail)},
                **_attachments(mail),
            )
        except ApiError as refused:
            if is_repeat(refused.status_code, refused.body):
                return ALREADY_ACCEPTED
            raise failure_of(refused.status_code, refused.body, refused.headers) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise unreachable() from None
        except httpx.HTTPError:
            raise OutcomeUnknown("provider_silent") from None
        return sent.message_id or ""


def _attachments(mail: Mail) -> dict[str, list[SendTransacEmailRequestAttachmentItem]]:
    """Left out where there are none: Brevo refuses an empty list."""
    items = [
        SendTransacEmailRequestAttachmentItem(name=each.filename, content=base64.b64encode(each.data).decode())
        for each in mail.attachments
    ]
    return {"attachment": items} if items else {}
