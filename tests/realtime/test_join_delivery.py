"""The monitor's room: gated, a full snapshot on join, then events without names."""

import time

import pytest

from backend.adapters.realtime.memory import MemoryFeed
from backend.app import create_app
from backend.core.ports import PresenceMark
from backend.features.accommodations.model import Accommodation, Measures
from tests.support.exam import Browser, furnish
from tests.support.matrix import build_full_services
from tests.support.people import World
from tests.support.services_memory import build_memory_services


class LocalFeed(MemoryFeed):
    """A feed that speaks to this process's sockets."""

    def __init__(self):
        super().__init__()
        self.socketio = None

    def publish(self, room, event, payload, *, namespace="/live"):
        super().publish(room, event, payload)
        self.socketio.emit(event, dict(payload), namespace=namespace, to=room)


@pytest.fixture
def services():
    return furnish(build_memory_services(feed=LocalFeed()))


def connect(app, actor):
    headers = {} if actor is None else {"X-Actor": actor}
    return app.extensions["socketio"].test_client(app, namespace="/live", headers=headers)


def join(client, delivery_id="delivery"):
    return client.emit("join_delivery", {"delivery_id": delivery_id}, namespace="/live", callback=True)


def test_nobody_connects_without_signing_in(app):
    assert not connect(app, None).is_connected("/live")


@pytest.mark.parametrize("actor", ["omar", "asha", "salma"])
def test_a_delivery_of_others_is_not_there(app, actor):
    client = connect(app, actor)
    assert join(client)["problem"]["code"] == "not_found"
    assert join(client) == join(client, "no-such-delivery")


def test_refused_means_no_events(app, services):
    client = connect(app, "omar")
    join(client)
    Browser(http=app.test_client(), actor="asha").post("/api/deliveries/delivery/attempts")
    assert services.feed.events
    assert client.get_received("/live") == []


@pytest.mark.parametrize(
    "message", [None, "delivery", {}, {"delivery_id": {"$ne": None}}, {"delivery_id": "delivery", "more": 1}, [1]]
)
def test_other_messages_are_refused(app, message):
    client = connect(app, "meera")
    reply = client.emit("join_delivery", message, namespace="/live", callback=True)
    assert reply["problem"]["code"] == "invalid_input"


def test_joining_answers_with_every_candidate(app, services):
    asha = Browser(http=app.test_client(), actor="asha")
    attempt = asha.post("/api/deliveries/delivery/attempts").json
    asha.post(f"/api/attempts/{attempt['id']}/begin")
    mark = PresenceMark(seen_at=services.now(), position=0, uploads_pending=2, microphone="ok")
    services.presence.mark(attempt["id"], mark)
    answer = join(connect(app, "meera"))
    assert answer["room"] == "delivery:delivery"
    rows = {row["student_id"]: row for row in answer["snapshot"]["rows"]}
    assert set(rows) == {"asha", "ravi"}
    assert rows["ravi"]["state"] == "not_started"
    assert rows["ravi"]["attempt_id"] is None
    assert rows["asha"] | {"version": 0} == {
        "student_id": "asha",
        "student_name": "Asha Rao",
        "roll_number": "N-01",
        "attempt_id": attempt["id"],
        "revision": 1,
        "state": "in_progress",
        "section_letter": "A",
        "position": 0,
        "items_open": 1,
        "total_items": 4,
        "last_seen_at": "2026-11-23T04:30:00.000+00:00",
        "uploads_pending": 2,
        "microphone": "ok",
        "responses": {"queued": 0, "scored": 0, "failed": 0, "needs_rater": 0},
        "identity": "",
        "refused": "",
        "signals": {"total": 0, "finding": "", "appealed": False},
        "offline": False,
        "reopens_at": None,
        "conditions": None,
        "version": 0,
    }


def test_accommodations_are_told_without_their_reason(app, services):
    """Before the start what is granted now; from the start on what was fixed with it."""
    grant(services, "asha", Measures(extra_time=1.25, break_minutes=10, no_silence_end=True))
    client, asha = connect(app, "meera"), Browser(http=app.test_client(), actor="asha")
    fixed = {"extra_time": 1.25, "break_ms": 600_000, "replays": 0, "larger_text": False, "no_silence_end": True}
    assert conditions_of(client) == {"asha": fixed, "ravi": None}
    attempt = asha.post("/api/deliveries/delivery/attempts").json
    grant(services, "asha", Measures(extra_time=1.5))
    assert conditions_of(client)["asha"]["extra_time"] == 1.5
    asha.post(f"/api/attempts/{attempt['id']}/begin")
    grant(services, "asha", Measures(extra_time=2.0, larger_text=True))
    shown = conditions_of(client)["asha"]
    assert shown == fixed | {"extra_time": 1.5}
    events = client.get_received("/live")
    assert events[-1]["args"][0]["conditions"] == shown
    assert "office" not in str((events, join(client)))


def conditions_of(client):
    return {row["student_id"]: row["conditions"] for row in join(client)["snapshot"]["rows"]}


def grant(services, student_id, measures):
    services.accommodations.add(
        Accommodation(
            id=services.new_id(),
            campus_id="north",
            student_id=student_id,
            measures=measures,
            reason="Approved by the office",
            granted_by="meera",
            granted_at=services.now(),
        )
    )


def test_events_follow_without_names(app, services):
    client = connect(app, "meera")
    join(client)
    asha = Browser(http=app.test_client(), actor="asha")
    attempt = asha.post("/api/deliveries/delivery/attempts").json
    path = f"/api/attempts/{attempt['id']}"
    asha.post(f"{path}/begin")
    asha.move(path, "open", 0)
    asha.post(f"{path}/heartbeat", {"position": 0, "uploads_pending": 1, "microphone": "trouble:muted"})
    events = client.get_received("/live")
    assert [event["name"] for event in events] == ["attempt_progressed"] * 4
    assert [event["args"][0].get("state") for event in events] == ["checking", "in_progress", "in_progress", None]
    assert events[-1]["args"][0]["microphone"] == "trouble:muted"
    assert all("Asha" not in str(event) for event in events)


def test_leaving_ends_the_events(app):
    client = connect(app, "meera")
    room = join(client)["room"]
    assert client.emit("leave", {"room": room}, namespace="/live", callback=True) == {"left": True}
    Browser(http=app.test_client(), actor="asha").post("/api/deliveries/delivery/attempts")
    assert client.get_received("/live") == []


def test_a_joined_socket_closes_when_its_session_ends():
    services = build_full_services()
    app = create_app(services=services)
    world = World(services=services, app=app)
    for end in (
        lambda: services.sessions.revoke_account("ines"),
        lambda: services.sessions.hang_up("ines"),
        lambda: world.browser("meera").post("/tests/delivery/invigilators/ines/release"),
    ):
        browser = world.browser("ines")
        socket = app.extensions["socketio"].test_client(app, namespace="/live", flask_test_client=browser)
        assert join(socket)["room"] == "delivery:delivery"
        end()
        _wait_until(lambda socket=socket: not socket.is_connected("/live"))
    socket = app.extensions["socketio"].test_client(app, namespace="/live", flask_test_client=world.browser("ines"))
    assert join(socket)["problem"]["code"] == "not_found"  # taken back: connected, and let in nowhere


def test_others_stay_connected_when_a_session_ends():
    services = build_full_services()
    app = create_app(services=services)
    world = World(services=services, app=app)
    kept, gone = (
        app.extensions["socketio"].test_client(app, namespace="/live", flask_test_client=world.browser(name))
        for name in ("meera", "ines")
    )
    services.sessions.revoke_account("ines")
    _wait_until(lambda: not gone.is_connected("/live"))
    assert kept.is_connected("/live")


def _wait_until(holds, within_s=1.0):
    """Closing takes another thread a moment; longer than a second is a failure."""
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until, "the socket is still open"
        time.sleep(0.01)
