"""Mail: one module a provider behind the `Mailer` port, and MAILERS, which knows them by the setting's word.

Each driver is imported when it is built: two of them bring large clients that an installation without them never loads.
"""

from collections.abc import Callable

from backend.adapters.mail.checks import Sender
from backend.core.outbox import OutboxStore
from backend.core.ports import Mailer
from config.settings import Settings


def _build_brevo(settings: Settings, store: OutboxStore) -> Mailer:  # noqa: ARG001 - every builder takes the same
    from backend.adapters.mail.brevo import BrevoMailer

    return BrevoMailer(api_key=settings.brevo_api_key, base_url=settings.brevo_base_url, sender=_sender(settings))


def _build_sib(settings: Settings, store: OutboxStore) -> Mailer:  # noqa: ARG001 - every builder takes the same
    from backend.adapters.mail.sib import SibMailer

    return SibMailer(api_key=settings.brevo_api_key, base_url=settings.brevo_base_url, sender=_sender(settings))


def _build_smtp(settings: Settings, store: OutboxStore) -> Mailer:  # noqa: ARG001 - every builder takes the same
    from backend.adapters.mail.smtp import SmtpMailer

    return SmtpMailer(url=settings.smtp_url, sender=_sender(settings))


def _build_outbox(settings: Settings, store: OutboxStore) -> Mailer:
    from backend.adapters.mail.outbox import OutboxMailer

    return OutboxMailer(store=store, sender=_sender(settings))


MAILERS: dict[str, Callable[[Settings, OutboxStore], Mailer]] = {
    "brevo": _build_brevo,
    "sib": _build_sib,
    "smtp": _build_smtp,
    "outbox": _build_outbox,
}


def choose_driver(settings: Settings) -> str:
    """The driver's word; `auto` is Brevo where there is a key for it, else the local outbox."""
    if settings.mail_driver != "auto":
        return settings.mail_driver
    return "brevo" if settings.brevo_api_key else "outbox"


def build_mailer(settings: Settings, store: OutboxStore) -> Mailer:
    """The mailer of these settings. Connects to nothing by itself."""
    return MAILERS[choose_driver(settings)](settings, store)


def _sender(settings: Settings) -> Sender:
    return Sender(name=settings.mail_sender_name, address=settings.mail_sender_address)
