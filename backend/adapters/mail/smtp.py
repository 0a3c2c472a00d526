"""A mail server over SMTP: `smtp://` with STARTTLS where it is offered, `smtps://` with TLS from the first byte.

SMTP knows no idempotency: a connection that breaks after the message was handed over leaves its outcome unknown.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from urllib.parse import SplitResult, unquote, urlsplit

from backend.adapters.mail.checks import Sender, check_mail, provider_key, unreachable
from backend.core.errors import AdapterError, OutcomeUnknown, OverQuota, PermanentFailure, TemporaryFailure
from backend.core.ports import Mail, Mailer

_TIMEOUT_S = 20
# Replies that mean "no more for now", whoever the mail is for: RFC 5321 and what large servers answer.
_BUSY = frozenset({421, 450, 451, 452, 454})


class SmtpMailer(Mailer):
    key_lifetime = timedelta(0)

    def __init__(self, *, url: str, sender: Sender) -> None:
        self._server = urlsplit(url)
        self._sender = sender

    def send(self, mail: Mail, *, now: datetime) -> str:
        check_mail(mail)
        message = _message(mail, self._sender, now)
        with _leaving_quietly(_connect(self._server)) as connection:
            _hand_over(connection, message, mail.to_address)
        return str(message["Message-ID"])


@contextmanager
def _leaving_quietly(connection: smtplib.SMTP) -> Iterator[smtplib.SMTP]:
    """Whatever happens while saying goodbye changes nothing any more."""
    try:
        yield connection
    finally:
        with suppress(OSError, smtplib.SMTPException):
            connection.quit()
        connection.close()


def _connect(server: SplitResult) -> smtplib.SMTP:
    host = server.hostname or "localhost"
    connection: smtplib.SMTP | None = None
    try:
        if server.scheme == "smtps":
            connection = smtplib.SMTP_SSL(
                host, server.port or 465, timeout=_TIMEOUT_S, context=ssl.create_default_context()
            )
        else:
            connection = smtplib.SMTP(host, server.port or 587, timeout=_TIMEOUT_S)
            connection.ehlo()
            if connection.has_extn("starttls"):
                connection.starttls(context=ssl.create_default_context())
                connection.ehlo()
        if server.username:
            connection.login(unquote(server.username), unquote(server.password or ""))
    except (OSError, smtplib.SMTPException) as error:
        if connection is not None:
            connection.close()
        raise _refused_at_the_door(error) from None
    return connection


def _refused_at_the_door(error: Exception) -> AdapterError:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return OverQuota("provider_refused_key")
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code in _BUSY:
        return OverQuota("provider_busy")
    return unreachable()


def _hand_over(connection: smtplib.SMTP, message: EmailMessage, to_address: str) -> None:
    try:
        connection.send_message(message, to_addrs=[to_address])
    except smtplib.SMTPRecipientsRefused as refused:
        code = next(iter(refused.recipients.values()))[0]
        raise _refusal(code, "address_refused") from None
    except smtplib.SMTPResponseException as refused:
        raise _refusal(refused.smtp_code, "message_refused") from None
    except smtplib.SMTPNotSupportedError:
        raise PermanentFailure("address_refused") from None
    except (OSError, smtplib.SMTPException):
        # Broken while the message was on its way: the server may have it.
        raise OutcomeUnknown("provider_silent") from None


def _refusal(code: int, permanent: str) -> AdapterError:
    if code in _BUSY:
        return OverQuota("provider_busy")
    return TemporaryFailure("provider_failed") if 400 <= code < 500 else PermanentFailure(permanent)


def _message(mail: Mail, sender: Sender, now: datetime) -> EmailMessage:
    message = EmailMessage()
    message["From"] = formataddr((sender.name, sender.address))
    message["To"] = formataddr((mail.to_name, mail.to_address))
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{provider_key(mail)}@{sender.address.rpartition('@')[2]}>"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    for each in mail.attachments:
        kind, _, subtype = each.content_type.partition("/")
        message.add_attachment(each.data, maintype=kind, subtype=subtype, filename=each.filename)
    return message
