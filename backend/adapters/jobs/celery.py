"""Jobs handed to Celery by name: the web never imports a task."""

from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

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


class CeleryJobs(Jobs):
    """Sends only. Workers have their own application (backend.worker)."""

    def __init__(self, broker_url: str) -> None:
        self._app = Celery("viva-sender", broker=broker_url)
        self._app.conf.update(
            task_serializer="json",
            accept_content=["json"],
            result_backend=None,
            task_ignore_result=True,
            # A kept connection that broke is opened again at once, and that is all: a candidate waits for this reply,
            # and the sweep finds what could not be handed over.
            broker_transport_options={
                "socket_timeout": 3,
                "socket_connect_timeout": 3,
                "max_retries": 1,
                "interval_start": 0,
            },
            broker_connection_timeout=3,
        )
        self._redis = Redis.from_url(broker_url, socket_timeout=3, socket_connect_timeout=3)

    def enqueue(self, job: str, *args: str, delay_s: float = 0) -> None:
        options: dict[str, Any] = {"countdown": delay_s} if delay_s else {}
        try:
            self._app.send_task(job, args=args, queue=QUEUES.get(job, DEFAULT_QUEUE), retry=False, **options)
        except (OperationalError, RedisError, OSError):
            raise TemporaryFailure("queue_unreachable") from None

    def waiting(self, job: str) -> int:
        try:
            return int(self._redis.llen(QUEUES.get(job, DEFAULT_QUEUE)))
        except RedisError:
            raise TemporaryFailure("queue_unreachable") from None
