"""What we need from storage."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from backend.core.actor import Role
from backend.features.accounts.model import Account, CodePurpose, OneTimeCode


class Accounts(Protocol):
    def find(self, account_id: str) -> Account | None: ...

    def find_many(self, account_ids: Iterable[str]) -> Mapping[str, Account]:
        """Those that exist, by id."""

    def find_by_login(self, login: str) -> Account | None:
        """`login` is folded."""

    def find_by_logins(self, logins: Iterable[str]) -> Mapping[str, Account]:
        """Those that exist, by login."""

    def list_by_email(self, email_key: str, *, limit: int = 5) -> Sequence[Account]:
        """`email_key` is folded."""

    def add(self, account: Account) -> None:
        """Raises Conflict when the login is taken."""

    def add_many(self, accounts: Sequence[Account]) -> None:
        """All of them, or Conflict with some of them added."""

    def change(self, account_id: str, **changes: object) -> None:
        """Sets fields of one account; its login and role never change."""

    def list_by_role(self, role: Role, *, campus_id: str | None, limit: int = 200) -> Sequence[Account]:
        """In the order of logins. For campus admins and superadmins; students are listed by the feature students."""

    def has_role(self, role: Role) -> bool:
        """Whether anybody has the role."""


class OneTimeCodes(Protocol):
    def add_only(self, code: OneTimeCode) -> None:
        """Adds the code; others of its account and purpose are gone."""

    def add_only_many(self, codes: Sequence[OneTimeCode]) -> None: ...

    def find(self, code_id: str) -> OneTimeCode | None: ...

    def use(self, code_id: str, *, at: datetime) -> bool:
        """Marks it used. Whether it was unused until now: of two at once, one is told yes."""

    def remove(self, account_id: str, purpose: CodePurpose) -> None:
        """Safe to repeat."""
