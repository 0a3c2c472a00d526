"""The candidate's own room: gated, an answer that says how the attempt stands, and news of what staff change."""

import pytest

from tests.realtime.test_join_delivery import LocalFeed
from tests.support.exam import Browser, furnish
from tests.support.services_memory import build_memory_services


@pytest.fixture
def services():
    return furnish(build_memory_services(feed=LocalFeed()))


@pytest.fixture
def attempt_id(app):
    asha = Browser(http=app.test_client(), actor="asha")
    attempt_id = asha.post("/api/deliveries/delivery/attempts", {"client_id": "page-one-1"}).json["id"]
    asha.post(f"/api/attempts/{attempt_id}/begin")
    return attempt_id


def connect(app, actor):
    headers = {} if actor is None else {"X-Actor": actor}
    return app.extensions["socketio"].test_client(app, namespace="/exam", headers=headers)


def join(client, attempt_id):
    return client.emit("join_attempt", {"attempt_id": attempt_id}, namespace="/exam", callback=True)


def test_nobody_connects_without_signing_in(app):
    assert not connect(app, None).is_connected("/exam")


@pytest.mark.parametrize("actor", ["ravi", "salma", "meera", "omar", "sushma"])
def test_an_attempt_of_others_is_not_there(app, attempt_id, actor):
    client = connect(app, actor)
    assert join(client, attempt_id)["problem"]["code"] == "not_found"
    assert join(client, attempt_id) == join(client, "no-such-attempt")


def test_joining_answers_with_how_the_attempt_stands(app, attempt_id, services):
    answer = join(connect(app, "asha"), attempt_id)
    attempt = services.attempts.find(attempt_id)
    assert answer["snapshot"]["state"] == "in_progress"
    assert (answer["snapshot"]["version"], answer["snapshot"]["epoch"]) == (attempt.revision, 1)


def test_a_control_is_heard_and_so_is_a_newer_page(app, attempt_id):
    client = connect(app, "asha")
    join(client, attempt_id)
    body = {"control_id": "control-one-1", "action": "pause", "attempt_ids": "all"}
    Browser(http=app.test_client(), actor="meera").post("/api/deliveries/delivery/controls", body)
    asha = Browser(http=app.test_client(), actor="asha")
    asha.post("/api/deliveries/delivery/attempts", {"client_id": "page-two-2"})
    events = client.get_received("/exam")
    assert [event["name"] for event in events] == ["attempt_changed"] * 2
    told = [event["args"][0] for event in events]
    assert [each["state"] for each in told] == ["paused", "paused"]
    assert all(each["paused_at"] and each["deadline_at"] for each in told)
    assert {key for each in told for key in each} == set(join(client, attempt_id)["snapshot"])
