"""Accounts and codes as documents."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from backend.core.actor import Role
from backend.features.accounts.model import Account, CodePurpose, OneTimeCode, fold
from backend.features.accounts.repository import Accounts, OneTimeCodes
from backend.storage import (
    CollectionSpec,
    IndexSpec,
    MongoDatabase,
    Records,
    from_document,
    storage_errors,
    to_document,
    to_value,
)

T = TypeVar("T")
CHUNK = 500

COLLECTIONS = (
    CollectionSpec(
        name="accounts",
        indexes=(
            IndexSpec(keys=(("login", 1),), unique=True),
            IndexSpec(keys=(("role", 1), ("campus_id", 1), ("login", 1))),
            IndexSpec(keys=(("email_key", 1),)),
        ),
    ),
    CollectionSpec(name="one_time_codes", indexes=(IndexSpec(keys=(("account_id", 1), ("purpose", 1))),)),
)


def _document(account: Account) -> dict[str, Any]:
    return {**to_document(account), "email_key": _email_key(account.email)}


def _email_key(email: str | None) -> str | None:
    return None if email is None else fold(email)


class MongoAccounts(Accounts):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "accounts", Account)

    def find(self, account_id: str) -> Account | None:
        return self._records.find(account_id)

    def find_many(self, account_ids: Iterable[str]) -> Mapping[str, Account]:
        found: dict[str, Account] = {}
        for chunk in _chunks(account_ids):
            found |= self._records.find_many(chunk)
        return found

    def find_by_login(self, login: str) -> Account | None:
        return self._records.find_by({"login": login})

    def find_by_logins(self, logins: Iterable[str]) -> Mapping[str, Account]:
        found: dict[str, Account] = {}
        for chunk in _chunks(logins):
            found |= {account.login: account for account in self._records.list_by({"login": {"$in": chunk}})}
        return found

    def list_by_email(self, email_key: str, *, limit: int = 5) -> Sequence[Account]:
        found = self._records.list_by({"email_key": email_key}, limit=limit)
        return sorted(found, key=lambda account: account.id)

    @storage_errors()
    def add(self, account: Account) -> None:
        self._records.collection.insert_one(_document(account))

    @storage_errors()
    def add_many(self, accounts: Sequence[Account]) -> None:
        for chunk in _chunks(accounts):
            self._records.collection.insert_many([_document(account) for account in chunk])

    @storage_errors()
    def change(self, account_id: str, **changes: Any) -> None:
        values = to_value(changes)
        if "email" in changes:
            values["email_key"] = _email_key(changes["email"])
        self._records.collection.update_one({"_id": account_id}, {"$set": values})

    def list_by_role(self, role: Role, *, campus_id: str | None, limit: int = 200) -> Sequence[Account]:
        return self._records.list_by({"role": role, "campus_id": campus_id}, sort=[("login", 1)], limit=limit)

    def has_role(self, role: Role) -> bool:
        return self._records.find_by({"role": role}) is not None


class MongoOneTimeCodes(OneTimeCodes):
    def __init__(self, database: MongoDatabase) -> None:
        self._records = Records(database, "one_time_codes", OneTimeCode)

    def add_only(self, code: OneTimeCode) -> None:
        self.add_only_many([code])

    @storage_errors()
    def add_only_many(self, codes: Sequence[OneTimeCode]) -> None:
        for chunk in _chunks(codes):
            for code in chunk:
                self.remove(code.account_id, code.purpose)
            self._records.collection.insert_many([to_document(code) for code in chunk])

    @storage_errors()
    def find(self, code_id: str) -> OneTimeCode | None:
        document = self._records.collection.find_one({"_id": code_id})
        return None if document is None else from_document(OneTimeCode, document)

    def use(self, code_id: str, *, at: datetime) -> bool:
        return self._records.change(code_id, {"used_at": None}, {"used_at": at})

    @storage_errors()
    def remove(self, account_id: str, purpose: CodePurpose) -> None:
        self._records.collection.delete_many({"account_id": account_id, "purpose": purpose.value})


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
