"""The real worker: a stored recording is taken from the queue, listened to and scored, and the news reaches Redis."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from backend.adapters.realtime.socketio import CHANNEL
from backend.core.clock import utc_now
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.responses import Recording, Response, ResponseState
from backend.features.items.forms import Form, FormDemonstration, FormItem, FormSection
from backend.features.items.model import ItemVersion, StoredKey, version_id
from backend.features.items.mongo import MongoForms, MongoItems
from backend.schema import COLLECTIONS
from backend.storage import ensure_collections
from backend.wiring import build_services
from config.settings import Settings
from tests.support.source import ROOT
from tests.support.speech import AUDIO

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(280)]

SAID = "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country"


@pytest.fixture
def settings(mongo_database, mongodb_uri, redis_url, s3_addresses, s3_bucket):
    ensure_collections(mongo_database, COLLECTIONS)
    Redis.from_url(redis_url).flushall()
    return Settings(
        viva_env="local",
        viva_data=ROOT / ".viva",
        mongodb_uri=mongodb_uri,
        mongodb_database=mongo_database.name,
        redis_url=redis_url,
        s3_endpoint=s3_addresses["s3_endpoint"],
        s3_access_key=s3_addresses["s3_access_key"],
        s3_secret_key=s3_addresses["s3_secret_key"],
        s3_bucket=s3_bucket,
        viva_secret_key="k" * 40,
    )


@pytest.fixture
def worker(settings):
    names = (
        "mongodb_uri",
        "mongodb_database",
        "redis_url",
        "s3_endpoint",
        "s3_access_key",
        "s3_secret_key",
        "s3_bucket",
    )
    environment = {name.upper(): str(getattr(settings, name)) for name in (*names, "viva_data", "viva_secret_key")}
    command = (sys.executable, "-m", "celery", "-A", "backend.worker:celery_app", "worker", "--concurrency", "1")
    process = subprocess.Popen(
        (*command, "--without-mingle", "--without-gossip", "--loglevel", "WARNING"),
        cwd=ROOT,
        env=os.environ | environment,
    )
    yield process
    process.terminate()
    process.wait(60)


def put_exam(services, database):
    """A form of one item, its key, and Asha's attempt with one stored recording."""
    now = utc_now()
    MongoItems(database).add_version(
        ItemVersion(
            id=version_id("i1", 1),
            item_id="i1",
            version=1,
            task="repeat",
            level="B1",
            pool="full",
            shown_text=None,
            heard=(SAID,),
            headline=SAID,
            created_at=now,
        ),
        StoredKey(id=version_id("i1", 1), item_id="i1", version=1, task="repeat", content={"text": SAID}),
    )
    MongoForms(database).add(make_form(now))
    attempt = Attempt(
        id="a1",
        delivery_id="d1",
        campus_id="north",
        student_id="asha",
        number=1,
        form_id="f1",
        state=AttemptState.SUBMITTED,
        created_at=now,
        position=1,
        started_at=now,
        deadline_at=now,
        submitted_at=now,
        due_at=now,
    )
    services.attempts.add(attempt)
    data = (AUDIO / "speech_jfk.ogg").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    services.blobs.put(f"recordings/north/{digest}", data, content_type="audio/ogg")
    recording = Recording(
        recording_id="rec-1",
        segment=0,
        blob_key=f"recordings/north/{digest}",
        sha256=digest,
        size=len(data),
        content_type="audio/ogg",
        duration_ms=11_000,
        stored_at=now,
    )
    services.responses.add(
        Response(
            id="a1:0",
            attempt_id="a1",
            campus_id="north",
            delivery_id="d1",
            position=0,
            task="repeat",
            item_id="i1",
            item_version=1,
            state=ResponseState.QUEUED,
            recordings=(recording,),
            not_before=now,
        )
    )


def make_form(now):
    item = FormItem(
        position=0,
        section_letter="B",
        number=1,
        of=1,
        task="repeat",
        practice=False,
        item_id="i1",
        item_version=1,
        level="B1",
        shown_text=None,
        prompt_blob_key="prompts/1",
        prompt_content_type="audio/ogg",
        prompt_ms=2_000,
        window_ms=15_000,
        begin_within_ms=6_000,
        silence_end_ms=2_000,
    )
    section = FormSection(
        letter="B",
        key="repeat",
        title="Repeat",
        task="repeat",
        instructions="Repeat.",
        example="",
        instructions_blob_key="prompts/2",
        instructions_ms=2_000,
        first_position=0,
        item_count=1,
        practice_count=0,
        traits=("sentence_mastery",),
    )
    return Form(
        id="f1",
        format_id="short",
        format_version="1",
        letter="A",
        title="Short",
        scale="scale",
        sections=(section,),
        items=(item,),
        demonstration=FormDemonstration(title="Demo", text="", blob_key="prompts/3", duration_ms=1_000),
        created_at=now,
    )


def niceness(pid):
    """Of the process's children, by pid."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    stats = [Path(f"/proc/{child}/stat").read_text() for child in children]
    return {int(stat.rsplit(")", 1)[1].split()[16]) for stat in stats}


@pytest.fixture
def services(settings):
    made: Any = build_services(settings)
    yield made
    made.attempts._records.collection.database.client.close()


def test_from_the_queue_to_a_score(settings, services, mongo_database, worker):
    put_exam(services, mongo_database)
    news = Redis.from_url(settings.redis_url_for("sockets")).pubsub(ignore_subscribe_messages=True)
    news.subscribe(CHANNEL)
    services.jobs.enqueue("ratings.score_response", "a1:0")
    deadline = time.monotonic() + 240
    while services.responses.find("a1:0").state in (ResponseState.QUEUED, ResponseState.CLAIMED):
        assert time.monotonic() < deadline, "not scored in time"
        time.sleep(0.2)
    response = services.responses.find("a1:0")
    assert response.state is ResponseState.SCORED, response.reason
    assert response.score["points"]["sentence_mastery"]["value"] > 0.9
    evidence = json.loads(services.blobs.get(response.evidence_key))
    assert "country" in " ".join(word["text"] for word in evidence["words"])
    assert min(19, os.nice(0) + 10) in niceness(worker.pid)
    event = json.loads(next(each for each in (news.get_message(timeout=2) for _ in range(10)) if each)["data"])
    assert event["event"] == "attempt_progressed"
    assert event["data"][0]["responses"]["scored"] == 1
    news.close()
