"""Accounts and codes in memory."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from backend.core.actor import Role
from backend.core.errors import Conflict
from backend.features.accounts.model import Account, CodePurpose, OneTimeCode, fold
from backend.features.accounts.repository import Accounts, OneTimeCodes


class MemoryAccounts(Accounts):
    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._lock = threading.RLock()

    def find(self, account_id: str) -> Account | None:
        return self._accounts.get(account_id)

    def find_many(self, account_ids: Iterable[str]) -> Mapping[str, Account]:
        return {key: self._accounts[key] for key in account_ids if key in self._accounts}

    def find_by_login(self, login: str) -> Account | None:
        return self.find_by_logins([login]).get(login)

    def find_by_logins(self, logins: Iterable[str]) -> Mapping[str, Account]:
        wanted = set(logins)
        return {account.login: account for account in list(self._accounts.values()) if account.login in wanted}

    def list_by_email(self, email_key: str, *, limit: int = 5) -> Sequence[Account]:
        found = [a for a in list(self._accounts.values()) if a.email is not None and fold(a.email) == email_key]
        return sorted(found, key=lambda account: account.id)[:limit]

    def add(self, account: Account) -> None:
        with self._lock:
            if account.id in self._accounts or self.find_by_login(account.login) is not None:
                raise Conflict("already_exists", "This exists already.")
            self._accounts[account.id] = account

    def add_many(self, accounts: Sequence[Account]) -> None:
        for account in accounts:
            self.add(account)

    def change(self, account_id: str, **changes: Any) -> None:
        with self._lock:
            if account_id in self._accounts:
                self._accounts[account_id] = replace(self._accounts[account_id], **changes)

    def list_by_role(self, role: Role, *, campus_id: str | None, limit: int = 200) -> Sequence[Account]:
        found = [a for a in list(self._accounts.values()) if a.role is role and a.campus_id == campus_id]
        return sorted(found, key=lambda account: account.login)[:limit]

    def has_role(self, role: Role) -> bool:
        return any(account.role is role for account in list(self._accounts.values()))


class MemoryOneTimeCodes(OneTimeCodes):
    def __init__(self) -> None:
        self._codes: dict[str, OneTimeCode] = {}
        self._lock = threading.RLock()

    def add_only(self, code: OneTimeCode) -> None:
        with self._lock:
            self.remove(code.account_id, code.purpose)
            self._codes[code.id] = code

    def add_only_many(self, codes: Sequence[OneTimeCode]) -> None:
        for code in codes:
            self.add_only(code)

    def find(self, code_id: str) -> OneTimeCode | None:
        return self._codes.get(code_id)

    def use(self, code_id: str, *, at: datetime) -> bool:
        with self._lock:
            code = self._codes.get(code_id)
            if code is None or code.used_at is not None:
                return False
            self._codes[code_id] = replace(code, used_at=at)
            return True

    def remove(self, account_id: str, purpose: CodePurpose) -> None:
        with self._lock:
            for code in list(self._codes.values()):
                if (code.account_id, code.purpose) == (account_id, purpose):
                    del self._codes[code.id]
