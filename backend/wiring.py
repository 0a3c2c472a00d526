"""Which adapter serves which port: the one place that knows them all.

`Services` is everything a view, a socket event or a task may reach. Add a field with its type in the section of your
feature, and its real adapter in `build_services`; the memory one goes into tests/support/services_memory.py.
"""

from dataclasses import dataclass

from backend.adapters.blobs.s3 import S3Address, S3Blobs
from backend.adapters.jobs.celery import CeleryJobs
from backend.adapters.presence.redis import RedisPresence
from backend.adapters.realtime.socketio import SocketFeed
from backend.core.clock import Clock, utc_now
from backend.core.ids import IdSource, random_id
from backend.core.ports import Blobs, Feed, Jobs, Presence
from backend.features.assessments.memory import MemoryFormats, MemoryReleasedResults
from backend.features.assessments.mongo import MongoDeliveries
from backend.features.assessments.repository import AttemptMarks, Deliveries, Formats, ReleasedResults
from backend.features.attempts.marks import MarksFromAttempts
from backend.features.attempts.memory import MemoryCandidates, MemoryPapers
from backend.features.attempts.mongo import MongoAttempts, MongoResponses, MongoUploads
from backend.features.attempts.repository import Attempts, Candidates, Papers, Responses, Uploads
from backend.storage import MongoDatabase, connect
from config.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One process's repositories and ports. Frozen: made once, at start."""

    settings: Settings
    now: Clock
    new_id: IdSource
    # ports
    blobs: Blobs
    feed: Feed
    presence: Presence
    jobs: Jobs
    # assessments and attempts
    deliveries: Deliveries
    offered_formats: Formats
    released_results: ReleasedResults
    attempt_marks: AttemptMarks
    attempts: Attempts
    responses: Responses
    uploads: Uploads
    papers: Papers
    candidates: Candidates


def open_database(settings: Settings) -> MongoDatabase:
    """The database of these settings; connects on first use."""
    return connect(settings.mongodb_uri)[settings.mongodb_database]


def s3_address(settings: Settings) -> S3Address:
    """Where the object store is, for us and for browsers."""
    return S3Address(
        endpoint=settings.s3_endpoint,
        browser_endpoint=settings.s3_browser_endpoint,
        bucket=settings.s3_bucket,
        region=settings.s3_region,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
    )


def build_services(settings: Settings) -> Services:
    """The real wiring. Opens no connection by itself: each adapter connects on its first use."""
    database = open_database(settings)
    attempts = MongoAttempts(database)
    return Services(
        settings=settings,
        now=utc_now,
        new_id=random_id,
        blobs=S3Blobs(s3_address(settings)),
        feed=SocketFeed(settings.redis_url_for("sockets")),
        presence=RedisPresence(settings.redis_url_for("presence")),
        jobs=CeleryJobs(settings.redis_url_for("queue")),
        deliveries=MongoDeliveries(database),
        offered_formats=MemoryFormats(),
        released_results=MemoryReleasedResults(),
        attempt_marks=MarksFromAttempts(attempts),
        attempts=attempts,
        responses=MongoResponses(database),
        uploads=MongoUploads(database),
        papers=MemoryPapers(),
        candidates=MemoryCandidates(),
    )
