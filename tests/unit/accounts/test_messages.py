"""Mails about accounts: what they say, and that nothing typed becomes code or a header."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from backend.core.actor import Role
from backend.features.accounts import messages
from backend.features.accounts.model import Account, AccountState

LINK = "https://viva.example.edu/invitation/secret-token"
MEERA = Account(
    id="meera",
    login="meera@example.edu",
    email="meera@example.edu",
    display_name="Meera <b>Iyer</b>",
    role=Role.CAMPUS,
    campus_id="north",
    state=AccountState.INVITED,
    password_hash=None,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("campus", ["North & East College", None])
def test_an_invitation_has_the_link_and_the_login_in_both_forms(role: Role, campus: str | None) -> None:
    mail = messages.invitation(replace(MEERA, role=role), link=LINK, campus_name=campus, days=14)
    for body in (mail.text, mail.html):
        assert LINK in body
        assert "meera@example.edu" in body
        assert "14 days" in body
    assert "Meera <b>Iyer</b>" in mail.text
    assert "<b>" not in mail.html
    assert "Meera &lt;b&gt;Iyer" in mail.html


def test_a_subject_is_one_line() -> None:
    mail = messages.invitation(MEERA, link=LINK, campus_name="North\r\nBcc: all@example.edu", days=14)
    assert mail.subject == "Your access to Viva at North Bcc: all@example.edu"


def test_the_key_of_a_mail_is_stable_and_tells_nothing_of_the_link() -> None:
    first = messages.password_reset(MEERA, link=LINK, hours=2)
    again = messages.password_reset(MEERA, link=LINK, hours=2)
    other = messages.password_reset(MEERA, link=LINK + "2", hours=2)
    assert first.idempotency_key == again.idempotency_key != other.idempotency_key
    assert "secret" not in first.idempotency_key
    assert "2 hours" in first.text
