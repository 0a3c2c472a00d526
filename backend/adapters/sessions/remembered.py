"""Sessions kept at hand by a web process, so that a request asks Redis only for a session that is new.

Every change of a session is announced (`RedisSessions`); a listener forgets it at once. Whatever makes news uncertain
ends the remembering: a lost connection, or no sign of life from Redis for `DEAF_AFTER_S`. So a revoked session is
refused within milliseconds, and within `DEAF_AFTER_S` where the network to Redis silently fails.

While Redis cannot be reached at all, nobody can be signed out in it either: then what was known last is believed, for
`BELIEVED_S` at most, so that an exam goes on (docs/adr/0129). When it answers again everything is asked anew.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import redis
import structlog

from backend.adapters.sessions.redis import CHANGED, RedisSessions, read_news
from backend.core.ports import Session, Sessions

DEAF_AFTER_S = 6.0
ASKED_EVERY_S = 1.0
TRIED_EVERY_S = 1.0
BELIEVED_S = 2 * 3600.0
KEPT_S = 60.0  # a session that nobody uses ends in Redis without news
MOST = 20_000

log = structlog.get_logger()


class RememberedSessions(Sessions):
    """`url` names the database of `kept`. Listens from the first `find` on; before that, and in processes that never
    look for a session, nothing runs. `clock` counts seconds."""

    def __init__(self, kept: RedisSessions, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept = kept
        self._url = url
        self._clock = clock
        self._known: dict[str, tuple[Session, float]] = {}
        self._heard_at: float | None = None
        self._down_since: float | None = None
        self._changes = 0
        self._starting = threading.Lock()
        self._listener: threading.Thread | None = None
        self._ended = threading.Event()

    def find(self, session_id: str) -> Session | None:
        if not self._hears():
            self._listen()
            return self._believed(session_id) or self._kept.find(session_id)
        known = self._known.get(session_id)
        if known is not None and self._clock() < known[1]:
            return known[0]
        changes = self._changes
        session = self._kept.find(session_id)
        # Something changed while we asked: it may have been this one, so this answer is not kept.
        if session is not None and changes == self._changes and self._hears():
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[session_id] = session, self._clock() + KEPT_S
        return session

    def add(self, session: Session) -> None:
        self._kept.add(session)

    def confirm(self, session_id: str, refresh_id: str) -> None:
        self._kept.confirm(session_id, refresh_id)
        self._forget(session_id)

    def rotate(self, session_id: str, *, seen: str, successor: str, now: datetime) -> bool:
        # A failure forgets nothing: if it was done all the same, the news of it comes, or everything is asked anew.
        rotated = self._kept.rotate(session_id, seen=seen, successor=successor, now=now)
        self._forget(session_id)
        return rotated

    def revoke(self, session_id: str) -> None:
        try:
            self._kept.revoke(session_id)
        finally:
            self._forget(session_id)

    def revoke_account(self, account_id: str, *, but: str | None = None) -> None:
        try:
            self._kept.revoke_account(account_id, but=but)
        finally:
            for session, _ in list(self._known.values()):
                if session.account_id == account_id and session.id != but:
                    self._forget(session.id)

    def revoke_campus(self, campus_id: str) -> None:
        try:
            self._kept.revoke_campus(campus_id)
        finally:
            for session, _ in list(self._known.values()):
                if session.campus_id == campus_id:
                    self._forget(session.id)

    def hang_up(self, account_id: str) -> None:
        self._kept.hang_up(account_id)

    def list_gone(self, session_ids: Sequence[str]) -> Sequence[str]:
        return self._kept.list_gone(session_ids)

    def hear_endings(self, *, wait_s: float) -> Sequence[str]:
        return self._kept.hear_endings(wait_s=wait_s)

    def close(self) -> None:
        """Stops listening. Safe to repeat."""
        self._ended.set()
        if self._listener is not None:
            self._listener.join(timeout=2 * ASKED_EVERY_S)

    def _forget(self, session_id: str) -> None:
        self._changes += 1
        self._known.pop(session_id, None)

    def _believed(self, session_id: str) -> Session | None:
        """What was known last, while the listener cannot reach Redis; None where Redis has to be asked."""
        if self._down_since is None or self._clock() - self._down_since > BELIEVED_S:
            return None
        known = self._known.get(session_id)
        return known[0] if known is not None else None

    def _hears(self) -> bool:
        return self._heard_at is not None and self._clock() - self._heard_at < DEAF_AFTER_S

    def _start_anew(self) -> None:
        """News come again; what came meanwhile was missed."""
        self._changes += 1
        self._known.clear()
        self._down_since = None

    # -- the listener ------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        with self._starting:
            if self._listener is None:
                self._listener = threading.Thread(target=self._run, name="sessions", daemon=True)
                self._listener.start()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._hear()
            except (redis.RedisError, OSError) as error:
                if self._down_since is None:
                    log.warning("session_news_lost", kind=type(error).__name__)
                    self._down_since = self._clock()
            self._heard_at = None
            self._ended.wait(TRIED_EVERY_S)

    def _hear(self) -> None:
        client = redis.Redis.from_url(self._url, decode_responses=True, socket_timeout=5, socket_connect_timeout=3)
        with contextlib.closing(client), client.pubsub() as news:  # type: ignore[no-untyped-call] # redis leaves it untyped
            news.subscribe(CHANGED)
            while not self._ended.is_set():
                message = news.get_message(timeout=ASKED_EVERY_S)
                if message is None:
                    news.ping()
                    continue
                if not self._hears():
                    self._start_anew()
                if message["type"] == "message":
                    session_id, _ = read_news(str(message["data"]))
                    self._forget(session_id)
                self._heard_at = self._clock()
