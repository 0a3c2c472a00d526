"""Jobs handed to Celery by name: the web never imports a task.

A job is one LPUSH of the message that Celery's workers read (its protocol 2, in kombu's envelope for Redis).
Celery's own `send_task` makes the same message at several times the CPU, for every answer of an exam; a contract test
compares the two.
"""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from backend.core.errors import TemporaryFailure
from backend.core.ports import Jobs

DEFAULT_QUEUE = "celery"
SCORING_QUEUE = "scoring"
CLOCK_QUEUE = "clock"
# Scoring is long work: it has its own queue, so that sweeps and mails never wait behind a batch. What a candidate's
# clock waits for has one too, and a process that does nothing else: a mailing takes minutes, a mail provider may hang.
QUEUES = {
    "ratings.score_response": SCORING_QUEUE,
    "attempts.sweep_deadlines": CLOCK_QUEUE,
    "attempts.sweep_controls": CLOCK_QUEUE,
}
_PERSISTENT = 2


class CeleryJobs(Jobs):
    """Sends only. Workers have their own application (backend.worker)."""

    def __init__(self, broker_url: str) -> None:
        # A kept connection that broke is opened again at once, and that is all: a candidate waits for this reply, and
        # the sweep finds what could not be handed over.
        once_more = Retry(NoBackoff(), 1)
        self._redis = Redis.from_url(broker_url, socket_timeout=3, socket_connect_timeout=3, retry=once_more)

    def enqueue(self, job: str, *args: str, delay_s: float = 0) -> None:
        queue = QUEUES.get(job, DEFAULT_QUEUE)
        due_at = datetime.now(UTC) + timedelta(seconds=delay_s) if delay_s else None
        try:
            self._redis.lpush(queue, json.dumps(_message(job, args, queue, due_at)))
        except RedisError:
            raise TemporaryFailure("queue_unreachable") from None

    def waiting(self) -> int:
        try:
            return int(self._redis.llen(SCORING_QUEUE))
        except RedisError:
            raise TemporaryFailure("queue_unreachable") from None


def _message(job: str, args: tuple[str, ...], queue: str, due_at: datetime | None) -> dict[str, object]:
    """One call of a task. It belongs to no group, chain or chord, has no limits of its own and no result."""
    task_id = str(uuid.uuid4())
    options = dict.fromkeys(("callbacks", "errbacks", "chain", "chord"))
    return {
        "body": base64.b64encode(json.dumps([args, {}, options]).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            **dict.fromkeys(
                ("shadow", "expires", "group", "group_index", "parent_id", "ignore_result", "stamped_headers")
            ),
            "lang": "py",
            "task": job,
            "id": task_id,
            "root_id": task_id,
            "eta": None if due_at is None else due_at.isoformat(),
            "retries": 0,
            "timelimit": [None, None],
            "argsrepr": repr(args),
            "kwargsrepr": "{}",
            "origin": "viva-sender",
            "replaced_task_nesting": 0,
            "stamps": {},
        },
        "properties": {
            "correlation_id": task_id,
            "reply_to": "",
            "delivery_mode": _PERSISTENT,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }
