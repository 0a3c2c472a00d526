"""Mails about results: pure, from a released result to a message."""

from dataclasses import replace

from backend.core.ports import Attachment, Mail
from backend.features.accounts.messages import render_mail
from backend.features.reports.model import completion_text
from backend.features.results.model import Result
from backend.features.results.repository import Person


def results_ready(
    result: Result, recipient: Person, *, campus_name: str, link: str, verify_url: str, report: Attachment, key: str
) -> Mail:
    """The result is released; its report is attached. `key` is the dispatch's idempotency key."""
    mail = render_mail(
        "results_ready",
        to_address=recipient.email or "",
        to_name=recipient.name,
        idempotency_key=key,
        name=recipient.name,
        campus_name=campus_name,
        title=result.title,
        completed=completion_text(result),
        overall=result.outcome.overall,
        band=result.outcome.band,
        number=result.number,
        link=link,
        verify_url=verify_url,
    )
    return replace(mail, attachments=(report,))
