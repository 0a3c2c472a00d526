"""Mails about accounts: each is one function and one folder of templates."""

import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from backend.core.ports import Mail
from backend.features.accounts.model import Account

EMAILS = Path(__file__).resolve().parents[3] / "frontend_templates" / "emails"

_templates = Environment(
    loader=FileSystemLoader(EMAILS),
    undefined=StrictUndefined,
    autoescape=select_autoescape(enabled_extensions=("html",), default=False),
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_mail(folder: str, *, to_address: str, to_name: str, idempotency_key: str, **values: object) -> Mail:
    """The mail of emails/<folder>/{subject.txt,text.txt,page.html} with `values`. A subject is one line."""
    subject = " ".join(_render(folder, "subject.txt", values).split())
    return Mail(
        to_address=to_address,
        to_name=" ".join(to_name.split()),
        subject=subject,
        text=_render(folder, "text.txt", values),
        html=_render(folder, "page.html", {**values, "subject": subject}),
        idempotency_key=idempotency_key,
    )


def _render(folder: str, part: str, values: dict[str, object]) -> str:
    return _templates.get_template(f"{folder}/{part}").render(values)


def invitation(account: Account, *, link: str, campus_name: str | None, days: int) -> Mail:
    """The link with which a person chooses a password. `campus_name` is None for a superadmin."""
    return render_mail(
        "invitation",
        to_address=account.email or "",
        to_name=account.display_name,
        idempotency_key=_key("invitation", link),
        name=account.display_name,
        login=account.login,
        link=link,
        campus_name=campus_name,
        days=days,
        is_student=account.role == "student",
    )


def password_reset(account: Account, *, link: str, hours: int) -> Mail:
    """The link with which a person chooses a new password."""
    return render_mail(
        "password_reset",
        to_address=account.email or "",
        to_name=account.display_name,
        idempotency_key=_key("password_reset", link),
        name=account.display_name,
        login=account.login,
        link=link,
        hours=hours,
    )


def _key(kind: str, link: str) -> str:
    """The same for the same link, and nothing that the link could be read from."""
    return f"{kind}-{hashlib.sha256(link.encode()).hexdigest()[:32]}"
