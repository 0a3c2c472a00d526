"""argon2id with OWASP's parameters, away from the event loop.

19 MiB, two passes, one lane: some 35 ms of one core, so that five hundred candidates who sign in within a minute keep
two cores busy for ten seconds, not for a minute and a half (docs/adr/0041).
"""

import os
from collections.abc import Callable

import argon2
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from backend.core.ports import Passwords


class Argon2idPasswords(Passwords):
    """`run` takes a function and its arguments and runs it where it may block; in place by default."""

    def __init__(self, *, run: Callable[..., bool | str] | None = None, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=argon2.Type.ID)
        self._run = run or _in_place
        # What an unknown login is compared with, so that it takes as long as a known one.
        self._nobody = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        return str(self._run(self._hasher.hash, password))

    def verify(self, password: str, password_hash: str | None) -> bool:
        matches = bool(self._run(self._matches, password_hash or self._nobody, password))
        return matches and password_hash is not None

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)


def _in_place(function: Callable[..., bool | str], *arguments: object) -> bool | str:
    return function(*arguments)


def thread_pool_runner() -> Callable[..., bool | str]:
    """Runs in gevent's own threads where gevent is at work, so that other requests go on meanwhile; else in place.

    As many threads as cores: more would only hold more memory.
    """
    from gevent import monkey

    if not monkey.is_module_patched("socket"):
        return _in_place
    from gevent.threadpool import ThreadPool

    pool = ThreadPool(max(2, os.cpu_count() or 1))

    def run(function: Callable[..., bool | str], *arguments: object) -> bool | str:
        outcome: bool | str = pool.apply(function, arguments)
        return outcome

    return run
