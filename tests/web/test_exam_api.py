"""The exam's API as the candidate's client meets it."""

import pytest

from backend.app import create_app
from tests.support.exam import WEBM, Browser, announce, furnish, sign_in_by_header
from tests.support.services_memory import build_memory_services


@pytest.fixture
def services():
    return furnish(build_memory_services())


@pytest.fixture
def app(services):
    app = create_app(services=services)
    sign_in_by_header(app)
    return app


@pytest.fixture
def browse(app):
    return lambda actor: Browser(http=app.test_client(), actor=actor)


@pytest.fixture
def asha(browse):
    return browse("asha")


def enter(browser):
    reply = browser.post("/api/deliveries/delivery/attempts")
    assert reply.status_code == 200, reply.json
    return reply.json


def begin(browser):
    attempt = enter(browser)
    return browser.post(f"/api/attempts/{attempt['id']}/begin").json


def test_a_whole_attempt(asha, services):
    attempt = enter(asha)
    assert attempt["state"] == "checking"
    assert attempt["total_items"] == 4
    path = f"/api/attempts/{attempt['id']}"
    check = {"browser": "passed", "microphone": "passed", "speaker": "passed", "connection": "failed:slow"}
    assert asha.post(f"{path}/check", check).status_code == 200
    assert asha.post(f"{path}/begin").json["state"] == "in_progress"
    for position in range(4):
        item = asha.post(f"{path}/items/{position}/open").json
        assert item["position"] == position
        assert item["prompt"]["duration_ms"] == 2_000
        services.now.move(seconds=6)
        body = announce(recording_id=f"rec-0000000{position}", position=position)
        registered = asha.post(f"{path}/recordings", body)
        assert registered.status_code == 201
        upload = registered.json["upload"]
        assert upload["method"] == "PUT"
        assert services.blobs.receive(upload["url"], WEBM, upload["headers"], at=services.now())
        confirmed = asha.post(f"{path}/recordings/{body['recording_id']}/confirm")
        assert confirmed.status_code == 202
        assert confirmed.json == {"recording_id": body["recording_id"], "stored": True, "sha256": body["sha256"]}
        after = asha.post(f"{path}/items/{position}/close").json
    assert after["state"] == "submitted"
    assert len(after["stored_recordings"]) == 4
    assert [job for job, _ in services.jobs.waiting_jobs] == ["ratings.score_response"] * 4
