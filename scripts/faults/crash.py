"""Crash points: the process dies by kill -9 before or after its n-th call to database, Redis or HTTP service.

Only the programme's own process wrappers (`web`, `jobs`) install this; the product knows nothing of it. Points count
within one request or job: before the call leaves, and after its reply came.
"""

import contextlib
import contextvars
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pymongo.monitoring
import redis
import redis.client
from urllib3.connectionpool import HTTPConnectionPool

HEADER, POINTS_HEADER = "X-Fault-Crash", "X-Fault-Points"


class Count:
    """How many points were passed, and at which to die (0: never)."""

    def __init__(self, die_at: int) -> None:
        self.passed, self.die_at = 0, die_at


_count: contextvars.ContextVar[Count | None] = contextvars.ContextVar("count", default=None)


@contextlib.contextmanager
def armed(die_at: int) -> Iterator[Count]:
    """Counts the points passed inside; dies at the `die_at`-th."""
    count = Count(die_at)
    token = _count.set(count)
    try:
        yield count
    finally:
        _count.reset(token)


def point() -> None:
    count = _count.get()
    if count is None:
        return
    count.passed += 1
    if count.passed == count.die_at:
        os.kill(os.getpid(), signal.SIGKILL)


class Listener(pymongo.monitoring.CommandListener):
    def started(self, event: pymongo.monitoring.CommandStartedEvent) -> None:  # noqa: ARG002 - the driver's signature
        point()

    def succeeded(self, event: pymongo.monitoring.CommandSucceededEvent) -> None:  # noqa: ARG002
        point()

    def failed(self, event: pymongo.monitoring.CommandFailedEvent) -> None:  # noqa: ARG002
        point()


def install() -> None:
    """Before any client is made."""
    pymongo.monitoring.register(Listener())
    for owner, name in (
        (HTTPConnectionPool, "urlopen"),
        (httpx.Client, "send"),
        (redis.Redis, "execute_command"),
        (redis.client.Pipeline, "execute"),
    ):
        setattr(owner, name, _pointed(getattr(owner, name)))


def _pointed(call: Callable[..., Any]) -> Callable[..., Any]:
    def around(*args: Any, **named: Any) -> Any:
        point()
        outcome = call(*args, **named)
        point()
        return outcome

    return around


def guarded(application: Callable[..., Any]) -> Callable[..., Any]:
    """A WSGI application that obeys the header: "3" dies at the third point of that request, "0" counts them."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        wanted = environ.get("HTTP_X_FAULT_CRASH")
        if wanted is None:
            return application(environ, start_response)
        with armed(int(wanted)) as count:

            def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
                return start_response(status, [*headers, (POINTS_HEADER, str(count.passed))], *rest)

            return application(environ, start)

    return serve
