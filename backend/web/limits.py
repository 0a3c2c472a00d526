"""How often: slow-down, never lock-out, and five hundred candidates may share one address.

- One login: five wrong tries a minute from one address and twenty from all, then a moment's wait. A browser that has
  signed in with this login before counts by itself: nobody can keep a candidate out by failing with their login.
- One address: a thousand honest sign-ins within minutes pass; what is counted are failures, and all tries at a rate
  that no college reaches.

The counters are in Redis (shared by all web processes); when it cannot be reached, signing in goes on
uncounted, which the log says.
"""

import hashlib
import hmac
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import redis
import structlog
from flask import Flask, Response, current_app, request
from limits import RateLimitItem, parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from backend.core.errors import TooManyRequests

log = structlog.get_logger()

BY_LOGIN_AND_ADDRESS = parse("5 per minute")
BY_LOGIN = parse("20 per minute")
FAILURES_BY_ADDRESS = parse("600 per 10 minutes")
TRIES_BY_ADDRESS = parse("4000 per 10 minutes")
MAILS_BY_LOGIN = parse("3 per 15 minutes")
MAILS_BY_ADDRESS = parse("300 per 10 minutes")
CODES_BY_ADDRESS = parse("300 per 10 minutes")
UPLOADS_BY_ACCOUNT = parse("30 per 5 minutes")

_COOKIE = "viva_known"
_COOKIE_AGE_S = 180 * 24 * 3600


class TooOften(TooManyRequests):
    """`retry_after_s` goes into the header Retry-After."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too_many_requests", f"Too many tries. Wait {_spoken(retry_after_s)} and try again.")
        self.retry_after_s = retry_after_s


def _spoken(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 90 else f"{-(-seconds // 60)} minutes"


class _Flood:
    """Requests of one sender within this minute, counted by this process alone: a look at a dictionary, not at Redis.

    For calls that come many times a minute from everybody, where the point is that nobody keeps a process busy.
    """

    def __init__(self) -> None:
        self._minute = 0
        self._counts: Counter[str] = Counter()

    def count(self, sender: str, *, most: int) -> None:
        """Counts one request; raises TooOften when there were `most` in this minute."""
        now = time.time()
        if int(now // 60) != self._minute:
            self._minute = int(now // 60)
            self._counts.clear()
        self._counts[sender] += 1
        if self._counts[sender] > most:
            raise TooOften(60 - int(now % 60))


def init_limits(app: Flask) -> None:
    settings = app.extensions["viva"].settings
    store = settings.redis_url_for("limits") if settings.redis_url else "memory://"
    # One for each application, so that tests do not share counters.
    app.extensions["viva_flood"] = _Flood()
    app.extensions["viva_limits"] = MovingWindowRateLimiter(storage_from_string(store))


def client_address() -> str:
    """The sender's network: the address, or for IPv6 the /64 of one household. Proxies: `backend.web.security`."""
    address = request.remote_addr or "unknown"
    return ":".join(address.split(":")[:4]) if ":" in address and "." not in address else address


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One counter: `item` says how many in which time, `key` of whom."""

    item: RateLimitItem
    key: str


def spend(*counts: Count) -> None:
    """Counts one try in each; raises TooOften, before any work is done, when one is used up."""
    with _carry_on():
        for count in counts:
            if not _limits().hit(count.item, count.key):
                raise TooOften(_wait_s(count))


def check(*counts: Count) -> None:
    """Raises TooOften when one is used up; counts nothing."""
    with _carry_on():
        for count in counts:
            if not _limits().test(count.item, count.key):
                raise TooOften(_wait_s(count))


def give_back(*counts: Count) -> None:
    """Forgets what was counted: the try was an honest one."""
    with _carry_on():
        for count in counts:
            _limits().clear(count.item, count.key)


def slow_down(sender: str, *, most_a_minute: int) -> None:
    """Counts a request of `sender` in this process; raises TooOften."""
    flood: _Flood = current_app.extensions["viva_flood"]
    flood.count(sender, most=most_a_minute)


@contextmanager
def _carry_on() -> Iterator[None]:
    """Without its store, counting stops; what it guards does not."""
    try:
        yield
    except redis.RedisError:
        log.warning("limits_unreachable", endpoint=request.endpoint)


def by_login(login: str) -> tuple[Count, ...]:
    """Tries with one login: this browser's own where it is known to have signed in with it."""
    known, name = _known_browser(login), _digest(login)
    if known:
        return (Count(item=BY_LOGIN_AND_ADDRESS, key=f"login:{name}:browser:{known}"),)
    return (
        Count(item=BY_LOGIN_AND_ADDRESS, key=f"login:{name}:{client_address()}"),
        Count(item=BY_LOGIN, key=f"login:{name}"),
    )


def mails_to(login: str) -> Count:
    """Mails that anybody may have sent to one login's holder."""
    return Count(item=MAILS_BY_LOGIN, key=f"mails:{_digest(login)}")


def by_address(item: RateLimitItem, what: str) -> Count:
    return Count(item=item, key=f"{what}:{client_address()}")


def remember_browser(reply: Response, login: str) -> None:
    """Lets this browser count its tries with this login by itself from now on."""
    nonce = hashlib.sha256(f"{time.time_ns()}{login}".encode()).hexdigest()[:16]
    reply.set_cookie(
        _COOKIE,
        f"{nonce}.{_sign(login, nonce)}",
        max_age=_COOKIE_AGE_S,
        secure=bool(current_app.config["JWT_COOKIE_SECURE"]),
        httponly=True,
        samesite="Lax",
    )


def _known_browser(login: str) -> str:
    nonce, _, signature = request.cookies.get(_COOKIE, "").partition(".")
    return nonce if nonce and hmac.compare_digest(signature.encode(), _sign(login, nonce).encode()) else ""


def _sign(login: str, nonce: str) -> str:
    secret = str(current_app.config["JWT_SECRET_KEY"])
    return hmac.new(secret.encode(), f"known\n{login}\n{nonce}".encode(), hashlib.sha256).hexdigest()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _wait_s(count: Count) -> int:
    reset_at = _limits().get_window_stats(count.item, count.key).reset_time
    return max(1, int(reset_at - time.time()) + 1)


def _limits() -> MovingWindowRateLimiter:
    return cast("MovingWindowRateLimiter", current_app.extensions["viva_limits"])
