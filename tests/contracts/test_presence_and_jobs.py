"""Presence, tallies and the task queue: memory and Redis."""

import json
from datetime import UTC, datetime

import pytest
from redis import Redis

from backend.adapters.jobs.celery import CLOCK_QUEUE, QUEUES, CeleryJobs
from backend.adapters.presence.memory import MemoryPresence
from backend.adapters.presence.redis import RedisPresence
from backend.adapters.realtime.socketio import SocketFeed
from backend.adapters.tallies.memory import MemoryTallies
from backend.adapters.tallies.redis import KEPT_S, RedisTallies
from backend.core.errors import TemporaryFailure
from backend.core.ports import PresenceMark
from backend.worker import create_celery

AT = datetime(2026, 11, 23, 4, 30, 0, 123_000, tzinfo=UTC)
NOWHERE = "redis://127.0.0.1:9/0"


@pytest.fixture
def empty_redis(redis_url) -> str:
    url = f"{redis_url}/9"
    Redis.from_url(url).flushdb()
    return url


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.services)])
def presence(request):
    if request.param == "memory":
        return MemoryPresence()
    return RedisPresence(request.getfixturevalue("empty_redis"))


def test_the_last_mark_counts(presence):
    presence.mark("a1", PresenceMark(seen_at=AT, position=1, uploads_pending=0, microphone="ok"))
    last = PresenceMark(seen_at=AT, position=2, uploads_pending=3, microphone="trouble:muted")
    presence.mark("a1", last)
    assert dict(presence.read(["a1", "a2"])) == {"a1": last}
    assert dict(presence.read([])) == {}


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.services)])
def tallies(request):
    if request.param == "memory":
        return MemoryTallies()
    return RedisTallies(request.getfixturevalue("empty_redis"))


def test_the_last_count_of_each_attempt_is_told_and_none_of_others(tallies):
    tallies.keep("a1", {"queued": 3})
    tallies.keep("a1", {"queued": 1, "scored": 2})
    tallies.keep("a2", {})
    told = {attempt_id: dict(counts) for attempt_id, counts in tallies.read(["a3", "a2", "a1"]).items()}
    assert told == {"a1": {"queued": 1, "scored": 2}, "a2": {}}
    assert dict(tallies.read([])) == {}


@pytest.mark.services
def test_a_tally_goes_after_a_month(redis_url):
    url = f"{redis_url}/9"
    RedisTallies(url).keep("a1", {"scored": 1})
    left_s = Redis.from_url(url).ttl("tally:a1")
    assert 0 < KEPT_S - left_s + 1 <= 24 * 3600


def test_tallies_that_are_down_are_none_and_stop_nobody():
    tallies = RedisTallies(NOWHERE)
    tallies.keep("a1", {"scored": 1})
    assert dict(tallies.read(["a1"])) == {}


@pytest.mark.services
def test_scoring_has_its_own_queue(redis_url):
    url = f"{redis_url}/10"
    client = Redis.from_url(url, decode_responses=True)
    client.flushdb()
    jobs = CeleryJobs(url)
    jobs.enqueue("ratings.score_response", "a1:0")
    jobs.enqueue("ratings.review_attempt", "a1")
    assert jobs.waiting("ratings.score_response") == 1
    jobs.enqueue("mailings.send_dispatch", "a1")
    assert jobs.waiting("mailings.send_dispatch") == 2, "whoever waits behind it: the review too"
    message = json.loads(client.lrange("scoring", 0, -1)[0])
    assert message["headers"]["task"] == "ratings.score_response"
    assert message["content-type"] == "application/json"
    assert client.llen("celery") == 2


@pytest.mark.services
def test_what_a_clock_waits_for_has_its_own_queue_too(redis_url):
    url = f"{redis_url}/10"
    client = Redis.from_url(url, decode_responses=True)
    client.flushdb()
    app = create_celery(url)
    for entry in app.conf.beat_schedule.values():
        app.send_task(entry["task"])
    waiting = [json.loads(each)["headers"]["task"] for each in client.lrange(CLOCK_QUEUE, 0, -1)]
    assert sorted(waiting) == ["attempts.sweep_controls", "attempts.sweep_deadlines"]


def test_every_job_with_a_queue_of_its_own_is_there():
    assert set(QUEUES) <= set(create_celery(NOWHERE).tasks)
    assert set(QUEUES) <= set(create_celery(NOWHERE).tasks), "a second one has its own, not the first one's"


def test_a_queue_that_is_down_is_a_temporary_failure():
    jobs = CeleryJobs(NOWHERE)
    with pytest.raises(TemporaryFailure):
        jobs.enqueue("ratings.score_response", "a1:0")
    with pytest.raises(TemporaryFailure):
        jobs.waiting("ratings.score_response")


def test_presence_that_is_down_is_a_temporary_failure():
    with pytest.raises(TemporaryFailure):
        RedisPresence(NOWHERE).read(["a1"])


def test_a_feed_that_is_down_costs_only_the_event():
    SocketFeed(NOWHERE).publish("delivery:d", "attempt_progressed", {"attempt_id": "a1"})
