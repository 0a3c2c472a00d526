"""Presence in Redis: one short JSON value an attempt, gone after an hour."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from redis import Redis
from redis.exceptions import RedisError

from backend.core.errors import TemporaryFailure
from backend.core.ports import Presence, PresenceMark

KEPT_S = 3600


class RedisPresence(Presence):
    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True, max_connections=50
        )

    def mark(self, attempt_id: str, mark: PresenceMark) -> None:
        value = json.dumps([mark.seen_at.isoformat(), mark.position, mark.uploads_pending, mark.microphone])
        with _redis_errors():
            self._redis.set(_key(attempt_id), value, ex=KEPT_S)

    def read(self, attempt_ids: Sequence[str]) -> Mapping[str, PresenceMark]:
        if not attempt_ids:
            return {}
        with _redis_errors():
            values = self._redis.mget([_key(attempt_id) for attempt_id in attempt_ids])
        return {
            attempt_id: _read(str(value))
            for attempt_id, value in zip(attempt_ids, values, strict=True)
            if value is not None
        }


def _key(attempt_id: str) -> str:
    return f"presence:{attempt_id}"


def _read(value: str) -> PresenceMark:
    seen_at, position, uploads_pending, microphone = json.loads(value)
    return PresenceMark(
        seen_at=datetime.fromisoformat(seen_at),
        position=int(position),
        uploads_pending=int(uploads_pending),
        microphone=str(microphone),
    )


@contextmanager
def _redis_errors() -> Iterator[None]:
    try:
        yield
    except RedisError:
        raise TemporaryFailure("presence_unreachable") from None
