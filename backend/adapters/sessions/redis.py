"""Sessions in Redis: one hash each, and one set of session ids for each account.

A session expires `lifetime` after its last rotation. Rotation and confirmation are scripts: Redis runs each as one
step. Every change is announced on the channel CHANGED by the session's id: one that ended, or whose live connections
are to be cut, after a mark of its own (`read_news`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import redis
from redis.client import PubSub

from backend.core.errors import PermanentFailure, TemporaryFailure
from backend.core.ports import Session, Sessions

CHANGED = "sessions_changed"
_CUT = "cut:"
_PIECE = 500

_ROTATE = """
local now = redis.call('HMGET', KEYS[1], 'refresh_id', 'previous_refresh_id', 'is_confirmed')
if not now[1] then return 0 end
local unconfirmed = ARGV[1] == now[2] and now[3] ~= '1'
if ARGV[1] ~= now[1] and not unconfirmed then return 0 end
redis.call('HSET', KEYS[1], 'refresh_id', ARGV[2], 'previous_refresh_id', ARGV[1], 'is_confirmed', '0',
    'rotated_at', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call('PUBLISH', ARGV[5], ARGV[6])
return 1
"""

_CONFIRM = """
if redis.call('HGET', KEYS[1], 'refresh_id') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'is_confirmed', '1')
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
"""


@contextmanager
def _redis_errors() -> Iterator[None]:
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError):
        raise TemporaryFailure("sessions_unreachable") from None
    except redis.RedisError:
        raise PermanentFailure("sessions_refused") from None


class RedisSessions(Sessions):
    """`url` names the database; `lifetime` is how long an unused session lasts. Connects on first use."""

    def __init__(self, url: str, *, lifetime: timedelta) -> None:
        self._redis = redis.Redis.from_url(
            url, decode_responses=True, socket_timeout=3, socket_connect_timeout=3, health_check_interval=30
        )
        self._url = url
        self._heard: PubSub | None = None
        self._lifetime_s = int(lifetime.total_seconds())
        self._rotate: Callable[..., object] = self._redis.register_script(_ROTATE)
        self._confirm: Callable[..., object] = self._redis.register_script(_CONFIRM)

    def add(self, session: Session) -> None:
        with _redis_errors(), self._redis.pipeline(transaction=True) as steps:
            steps.hset(_session_key(session.id), items=_flat(_to_hash(session)))
            steps.expire(_session_key(session.id), self._lifetime_s)
            steps.sadd(_account_key(session.account_id), session.id)
            steps.expire(_account_key(session.account_id), self._lifetime_s)
            steps.execute()

    def find(self, session_id: str) -> Session | None:
        with _redis_errors():
            found = self._redis.hgetall(_session_key(session_id))
        return _from_hash(session_id, {str(name): str(value) for name, value in found.items()}) if found else None

    def confirm(self, session_id: str, refresh_id: str) -> None:
        with _redis_errors():
            self._confirm(keys=[_session_key(session_id)], args=[refresh_id, CHANGED, session_id])

    def rotate(self, session_id: str, *, seen: str, successor: str, now: datetime) -> bool:
        with _redis_errors():
            account_id = self._redis.hget(_session_key(session_id), "account_id")
            if account_id is None:
                return False
            keys = [_session_key(session_id), _account_key(str(account_id))]
            news = [CHANGED, session_id]
            return self._rotate(keys=keys, args=[seen, successor, now.timestamp(), self._lifetime_s, *news]) == 1

    def revoke(self, session_id: str) -> None:
        with _redis_errors():
            account_id = self._redis.hget(_session_key(session_id), "account_id")
            self._redis.delete(_session_key(session_id))
            if account_id is not None:
                self._redis.srem(_account_key(str(account_id)), session_id)
            self._cut([session_id])

    def revoke_account(self, account_id: str, *, but: str | None = None) -> None:
        with _redis_errors():
            session_ids = self._redis.smembers(_account_key(account_id)) - {but}
            if session_ids:
                self._redis.delete(*(_session_key(str(session_id)) for session_id in session_ids))
                self._redis.srem(_account_key(account_id), *session_ids)
                self._cut([str(session_id) for session_id in session_ids])

    def revoke_campus(self, campus_id: str) -> None:
        with _redis_errors():
            found = iter(self._redis.scan_iter(match=_session_key("*"), count=_PIECE))
            while keys := [str(key) for key in islice(found, _PIECE)]:
                self._revoke_of(campus_id, keys)

    def _revoke_of(self, campus_id: str, keys: Sequence[str]) -> None:
        with self._redis.pipeline(transaction=False) as steps:
            for key in keys:
                steps.hmget(key, ["campus_id", "account_id"])
            owners = zip(keys, steps.execute(), strict=True)
        ended = [
            (key.removeprefix(_session_key("")), account) for key, (campus, account) in owners if campus == campus_id
        ]
        with self._redis.pipeline(transaction=False) as steps:
            for session_id, account_id in ended:
                steps.delete(_session_key(session_id))
                steps.srem(_account_key(account_id), session_id)
            steps.execute()
        self._cut([session_id for session_id, _ in ended])

    def hang_up(self, account_id: str) -> None:
        with _redis_errors():
            self._cut([str(session_id) for session_id in self._redis.smembers(_account_key(account_id))])

    def list_gone(self, session_ids: Sequence[str]) -> Sequence[str]:
        with _redis_errors(), self._redis.pipeline(transaction=False) as steps:
            for session_id in session_ids:
                steps.exists(_session_key(session_id))
            found = steps.execute()
        return [session_id for session_id, there in zip(session_ids, found, strict=True) if not there]

    def hear_endings(self, *, wait_s: float) -> Sequence[str]:
        """One listener a process: a call beside another would take from it what it waits for."""
        with _redis_errors():
            if self._heard is None:
                # No socket timeout: this connection waits, and is asked whether it lives by `health_check_interval`.
                listening = redis.Redis.from_url(self._url, decode_responses=True, health_check_interval=10)
                self._heard = listening.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call] # redis
                self._heard.subscribe(CHANGED)
            try:
                ended = _cuts(self._heard.get_message(timeout=wait_s))
                while more := self._heard.get_message(timeout=0):
                    ended += _cuts(more)
            except redis.RedisError:
                self._heard = None
                raise
        return ended

    def _cut(self, session_ids: Sequence[str]) -> None:
        with self._redis.pipeline(transaction=False) as steps:
            for session_id in session_ids:
                steps.publish(CHANGED, f"{_CUT}{session_id}")
            steps.execute()


def read_news(data: str) -> tuple[str, bool]:
    """The session that a message on CHANGED is about, and whether its live connections are to be cut."""
    return data.removeprefix(_CUT), data.startswith(_CUT)


def _cuts(message: Mapping[str, Any] | None) -> list[str]:
    session_id, is_cut = read_news(str(message["data"])) if message else ("", False)
    return [session_id] if is_cut else []


def _flat(mapping: dict[str, str]) -> list[str]:
    return [part for pair in mapping.items() for part in pair]


def _session_key(session_id: str) -> str:
    return f"session:{session_id}"


def _account_key(account_id: str) -> str:
    return f"account_sessions:{account_id}"


def _to_hash(session: Session) -> dict[str, str]:
    return {
        "account_id": session.account_id,
        "role": session.role,
        "campus_id": session.campus_id or "",
        "display_name": session.display_name,
        "csrf": session.csrf,
        "client": session.client,
        "refresh_id": session.refresh_id,
        "previous_refresh_id": session.previous_refresh_id,
        "is_confirmed": "1" if session.is_confirmed else "0",
        "rotated_at": str(session.rotated_at.timestamp()),
        "started_at": str(session.started_at.timestamp()),
        "limited_to": session.limited_to,
    }


def _from_hash(session_id: str, found: dict[str, str]) -> Session:
    return Session(
        id=session_id,
        account_id=found["account_id"],
        role=found["role"],
        campus_id=found["campus_id"] or None,
        display_name=found["display_name"],
        csrf=found["csrf"],
        client=found["client"],
        refresh_id=found["refresh_id"],
        previous_refresh_id=found["previous_refresh_id"],
        is_confirmed=found["is_confirmed"] == "1",
        rotated_at=_moment(found["rotated_at"]),
        started_at=_moment(found["started_at"]),
        limited_to=found["limited_to"],
    )


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(float(text), UTC)
