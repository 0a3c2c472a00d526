"""Brevo by its former client, sib-api-v3-sdk. Its own default host is the provider's old name: ours is always set."""

import base64
from datetime import datetime

import sib_api_v3_sdk
import urllib3.exceptions
from sib_api_v3_sdk.rest import ApiException

from backend.adapters.mail.brevo_replies import ALREADY_ACCEPTED, KEY_LIFETIME, TIMEOUT_S, failure_of, is_repeat
from backend.adapters.mail.checks import Sender, check_mail, provider_key, unreachable
from backend.core.errors import OutcomeUnknown
from backend.core.ports import Mail, Mailer

_NEVER_ARRIVED = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NameResolutionError,
)


class SibMailer(Mailer):
    key_lifetime = KEY_LIFETIME

    def __init__(self, *, api_key: str, base_url: str, sender: Sender) -> None:
        configuration = sib_api_v3_sdk.Configuration()
        configuration.host = base_url.rstrip("/")
        configuration.api_key = {"api-key": api_key}
        self._api = sib_api_v3_sdk.TransactionalEmailsApi(sib_api_v3_sdk.ApiClient(configuration))
        # The client would try a broken connection again by itself; the mailing decides that, and says so to people.
        pool = self._api.api_client.rest_client.pool_manager
        pool.connection_pool_kw["retries"] = urllib3.Retry(total=0, redirect=False, raise_on_redirect=False)
        self._sender = sender

    def send(self, mail: Mail, *, now: datetime) -> str:  # noqa: ARG002 - Brevo has its own clock
        check_mail(mail)
        try:
            # Without the HTTP details: what the client makes of them no longer fits today's urllib3.
            sent = self._api.send_transac_email(_message(mail, self._sender), _request_timeout=TIMEOUT_S)
        except ApiException as refused:
            if is_repeat(refused.status, refused.body):
                return ALREADY_ACCEPTED
            raise failure_of(refused.status or None, refused.body, refused.headers) from None
        except urllib3.exceptions.MaxRetryError as gave_up:
            if isinstance(gave_up.reason, _NEVER_ARRIVED):
                raise unreachable() from None
            raise OutcomeUnknown("provider_silent") from None
        except urllib3.exceptions.HTTPError:
            raise OutcomeUnknown("provider_silent") from None
        return str(sent.message_id or "")


def _message(mail: Mail, sender: Sender) -> sib_api_v3_sdk.SendSmtpEmail:
    attachments = [
        sib_api_v3_sdk.SendSmtpEmailAttachment(name=each.filename, content=base64.b64encode(each.data).decode())
        for each in mail.attachments
    ]
    return sib_api_v3_sdk.SendSmtpEmail(
        sender=sib_api_v3_sdk.SendSmtpEmailSender(name=sender.name, email=sender.address),
        to=[sib_api_v3_sdk.SendSmtpEmailTo(email=mail.to_address, name=mail.to_name)],
        subject=mail.subject,
        html_content=mail.html,
        text_content=mail.text,
        headers={"idempotencyKey": provider_key(mail)},
        attachment=attachments or None,
    )
