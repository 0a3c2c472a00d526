"""Counts in Redis: one short JSON value an attempt, gone after a month. Without Redis, whoever asks has to count."""

import json
from collections.abc import Mapping, Sequence

import structlog
from redis import Redis
from redis.exceptions import RedisError

from backend.core.ports import Tallies

KEPT_S = 30 * 24 * 3600

log = structlog.get_logger()


class RedisTallies(Tallies):
    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True, max_connections=50
        )

    def keep(self, attempt_id: str, counts: Mapping[str, int]) -> None:
        try:
            self._redis.set(_key(attempt_id), json.dumps(dict(counts)), ex=KEPT_S)
        except RedisError:
            log.warning("tally_not_kept", attempt_id=attempt_id)

    def read(self, attempt_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        if not attempt_ids:
            return {}
        try:
            values = self._redis.mget([_key(attempt_id) for attempt_id in attempt_ids])
        except RedisError:
            return {}
        return {
            attempt_id: json.loads(str(value))
            for attempt_id, value in zip(attempt_ids, values, strict=True)
            if value is not None
        }


def _key(attempt_id: str) -> str:
    return f"tally:{attempt_id}"
