"""Accounts and the one-time codes that open them.

    invited -> active <-> disabled

An account becomes active when its holder chooses a password. `disabled` signs out at once and stays signed out;
enabling leads back to active, or to invited where no password was ever chosen.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backend.core.actor import Actor, Role
from backend.core.errors import RuleViolation

LOGIN_MAX = 254
NAME_MAX = 120
_EMAIL = re.compile(r"[^@\s,;<>\"()\[\]\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class AccountState(StrEnum):
    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


class CodePurpose(StrEnum):
    """What a one-time code opens. Cards are short and belong to a login; the others are links with 128 random bits."""

    SETUP = "setup"
    INVITATION = "invitation"
    LOGIN_CARD = "login_card"
    RESET = "reset"


LIFETIMES = {
    CodePurpose.SETUP: timedelta(days=1),
    CodePurpose.INVITATION: timedelta(days=14),
    CodePurpose.LOGIN_CARD: timedelta(days=30),
    CodePurpose.RESET: timedelta(hours=2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`login` is case-folded and unique in all of Viva; `campus_id` is None for a superadmin only."""

    id: str
    login: str
    email: str | None
    display_name: str
    role: Role
    campus_id: str | None
    state: AccountState
    password_hash: str | None
    created_at: datetime
    last_sign_in_at: datetime | None = None

    @property
    def may_sign_in(self) -> bool:
        return self.state is not AccountState.DISABLED

    def as_actor(self) -> Actor:
        return Actor(account_id=self.id, role=self.role, campus_id=self.campus_id, display_name=self.display_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeCode:
    """`id` is a keyed hash of the code: who reads the database cannot use it. `account_id` is "" for setup."""

    id: str
    account_id: str
    purpose: CodePurpose
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None

    def is_usable(self, purpose: CodePurpose, *, at: datetime) -> bool:
        return self.purpose is purpose and self.used_at is None and at < self.expires_at


def enabled(account: Account) -> Account:
    """Active again, or invited where no password was ever chosen."""
    if account.state is not AccountState.DISABLED:
        return account
    return replace(account, state=AccountState.ACTIVE if account.password_hash else AccountState.INVITED)


def with_password(account: Account, password_hash: str) -> Account:
    """Active, with this password."""
    return replace(account, password_hash=password_hash, state=AccountState.ACTIVE)


def clean_text(text: str) -> str:
    """As people mean it: composed (NFC), ordinary single spaces, nothing invisible at the ends."""
    composed = unicodedata.normalize("NFC", text).replace("\ufeff", "").replace("\u200b", "")
    return " ".join(composed.split())


def normal_password(typed: str) -> str:
    """As it is hashed: composed (NFC), else untouched, so that every keyboard gives the same."""
    return unicodedata.normalize("NFC", typed)


def fold(text: str) -> str:
    """For comparing without case."""
    return unicodedata.normalize("NFC", clean_text(text).casefold())


def check_name(name: str) -> str:
    cleaned = clean_text(name)
    if not cleaned:
        raise invalid("name", "Enter a name.")
    if len(cleaned) > NAME_MAX or not cleaned.isprintable():
        raise invalid("name", f"At most {NAME_MAX} ordinary characters.")
    return cleaned


def is_email(text: str) -> bool:
    """Whether it looks like one address that mail could reach; control characters never pass."""
    return len(text) <= LOGIN_MAX and text.isprintable() and _EMAIL.fullmatch(text) is not None


def check_email(email: str) -> str:
    cleaned = clean_text(email)
    if not is_email(cleaned):
        raise invalid("email", "Enter one e-mail address, such as asha@example.edu.")
    return cleaned


def is_login(text: str) -> bool:
    """3 to 254 characters without spaces, commas, or anything that does not print."""
    return 3 <= len(text) <= LOGIN_MAX and text.isprintable() and not re.search(r"[\s,;<>\"]", text)


def invalid(field: str, message: str) -> RuleViolation:
    return RuleViolation("invalid_input", "Some of the input needs another look.", errors={field: [message]})
