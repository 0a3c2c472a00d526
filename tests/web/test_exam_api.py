"""The exam's API as the candidate's client meets it."""

import threading

import pytest

from backend.app import create_app
from backend.features.attempts.model import UPLOAD_GRACE
from tests.support.exam import (
    ALLOWED,
    CLOSES,
    OPENS,
    WEBM,
    Browser,
    announce,
    furnish,
    make_delivery,
    make_paper,
    sign_in_by_header,
)
from tests.support.services_memory import build_memory_services


@pytest.fixture
def services():
    return furnish(build_memory_services(), paper=make_paper(tasks=("read_aloud", "repeat", "repeat", "repeat")))


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


@pytest.fixture
def path(asha):
    """The address of Asha's attempt, begun."""
    address = f"/api/attempts/{enter(asha)['id']}"
    assert asha.post(f"{address}/begin").json["state"] == "in_progress"
    return address


def code_of(reply):
    assert reply.content_type == "application/problem+json"
    return reply.status_code, reply.json["code"]


def send(browser, services, path, data=WEBM, **changes):
    """Announces and uploads; the recording's id."""
    body = announce(data, **changes)
    upload = browser.post(f"{path}/recordings", body).json["upload"]
    assert services.blobs.receive(upload["url"], data, upload["headers"], at=services.now())
    return body["recording_id"]


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
    assert not [key for key in services.blobs.list_keys() if key.startswith("incoming/")]


class TestEntering:
    def test_again_resumes_the_same_attempt(self, asha, browse, services):
        first = enter(asha)
        services.now.move(minutes=3)
        assert enter(browse("asha"))["id"] == first["id"]
        assert enter(browse("ravi"))["id"] != first["id"]

    def test_half_an_hour_before_for_the_device_check_only(self, asha, services):
        services.now.moment = OPENS
        services.now.move(minutes=-30, seconds=-1)
        assert code_of(asha.post("/api/deliveries/delivery/attempts")) == (409, "delivery_not_open")
        services.now.move(seconds=1)
        attempt = enter(asha)
        assert code_of(asha.post(f"/api/attempts/{attempt['id']}/begin")) == (409, "delivery_not_open")

    def test_not_after_closing(self, asha, services):
        services.now.moment = CLOSES
        assert code_of(asha.post("/api/deliveries/delivery/attempts")) == (409, "delivery_not_open")

    def test_attempts_are_used_up(self, asha, path, services):
        services.now.moment = OPENS + ALLOWED
        assert code_of(asha.post("/api/deliveries/delivery/attempts")) == (409, "attempts_used_up")

    def test_a_second_attempt_gets_the_other_form(self, browse):
        services = furnish(build_memory_services(), delivery=make_delivery(attempts_allowed=2))
        app = create_app(services=services)
        sign_in_by_header(app)
        asha = Browser(http=app.test_client(), actor="asha")
        first = enter(asha)
        asha.post(f"/api/attempts/{first['id']}/begin")
        services.now.move(minutes=20)
        second = enter(asha)
        assert second["number"] == 2
        forms = {services.attempts.find(each["id"]).form_id for each in (first, second)}
        assert forms == {"form_one", "form_two"}

    def test_many_at_once_make_one_attempt(self, app, services):
        barrier, ids = threading.Barrier(8), []

        def run():
            browser = Browser(http=app.test_client(), actor="asha")
            barrier.wait()
            ids.append(browser.post("/api/deliveries/delivery/attempts").json["id"])

        run_threads([run] * 8)
        assert len(set(ids)) == 1


def run_threads(runs):
    threads = [threading.Thread(target=run) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class TestItems:
    def test_nothing_of_an_item_before_it_is_open(self, asha, path):
        body = asha.http.get(path, headers={"X-Actor": "asha"}).get_data(as_text=True)
        assert "secret-text" not in body
        assert "secret-prompt" not in body
        opened = asha.post(f"{path}/items/0/open")
        assert opened.json["text"] == "secret-text-0"
        assert "secret-prompt-0" in opened.json["prompt"]["url"]
        assert "secret-prompt-1" not in asha.get(path).get_data(as_text=True)

    def test_a_reload_goes_on_with_the_same_clock(self, asha, browse, path, services):
        opened = asha.post(f"{path}/items/0/open").json
        services.now.move(seconds=3.5)
        again = browse("asha").get(path).json["item"]
        assert again["elapsed_ms"] == 3_500
        assert again["opened_at"] == opened["opened_at"]
        assert asha.post(f"{path}/items/0/open").json["elapsed_ms"] == 3_500

    def test_no_way_back_and_no_skipping(self, asha, path):
        assert code_of(asha.post(f"{path}/items/1/open")) == (409, "item_not_current")
        assert code_of(asha.post(f"{path}/items/0/close")) == (409, "item_not_open")
        asha.post(f"{path}/items/0/open")
        assert asha.post(f"{path}/items/0/close").json["position"] == 1
        assert asha.post(f"{path}/items/0/close").json["position"] == 1
        assert code_of(asha.post(f"{path}/items/0/open")) == (409, "item_not_current")
        assert asha.post(f"{path}/items/99/open").status_code == 404

    def test_the_deadline_ends_it(self, asha, path, services):
        asha.post(f"{path}/items/0/open")
        services.now.moment = OPENS + ALLOWED
        assert code_of(asha.post(f"{path}/items/0/close")) == (409, "attempt_not_open")
        after = asha.get(path).json
        assert (after["state"], after["item"]) == ("expired", None)
        assert services.attempts.find(after["id"]).submitted_at == OPENS + ALLOWED

    def test_two_tabs_that_close_at_once_pass_one_item(self, app, asha, path):
        asha.post(f"{path}/items/0/open")
        barrier = threading.Barrier(6)

        def run():
            barrier.wait()
            Browser(http=app.test_client(), actor="asha").post(f"{path}/items/0/close")

        run_threads([run] * 6)
        assert asha.get(path).json["position"] == 1


class TestRecordings:
    @pytest.fixture
    def opened(self, asha, path):
        asha.post(f"{path}/items/0/open")
        return path

    def test_announcing_again_is_the_same_until_it_is_stored(self, asha, services, opened):
        recording_id = send(asha, services, opened)
        assert asha.post(f"{opened}/recordings", announce()).status_code == 201
        asha.post(f"{opened}/recordings/{recording_id}/confirm")
        again = asha.post(f"{opened}/recordings", announce())
        assert (again.status_code, again.json) == (200, {"recording_id": recording_id, "stored": True})
        confirmed = asha.post(f"{opened}/recordings/{recording_id}/confirm")
        assert confirmed.status_code == 202
        assert asha.get(opened).json["stored_recordings"] == [recording_id]

    def test_the_recording_is_kept_under_its_hash(self, asha, services, opened):
        recording_id = send(asha, services, opened)
        digest = asha.post(f"{opened}/recordings/{recording_id}/confirm").json["sha256"]
        assert services.blobs.get(f"recordings/north/{digest}") == WEBM

    def test_another_recording_under_the_same_id_is_refused(self, asha, services, opened):
        send(asha, services, opened)
        assert code_of(asha.post(f"{opened}/recordings", announce(b"\x1a\x45\xdf\xa3other"))) == (
            409,
            "recording_differs",
        )

    def test_what_did_not_arrive(self, asha, opened):
        asha.post(f"{opened}/recordings", announce())
        assert code_of(asha.post(f"{opened}/recordings/rec-00000001/confirm")) == (409, "upload_missing")
        assert code_of(asha.post(f"{opened}/recordings/rec-unknown/confirm")) == (409, "upload_missing")

    def test_what_arrived_damaged_is_sent_again(self, asha, services, opened):
        damaged = bytes([WEBM[0]]) + bytes(len(WEBM) - 1)
        upload = asha.post(f"{opened}/recordings", announce()).json["upload"]
        services.blobs.receive(upload["url"], damaged, upload["headers"], at=services.now())
        confirm = f"{opened}/recordings/rec-00000001/confirm"
        assert code_of(asha.post(confirm)) == (409, "upload_mismatch")
        assert services.responses.find(f"{opened.split('/')[-1]}:0") is None
        send(asha, services, opened)
        assert asha.post(confirm).status_code == 202

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"size": 0}, "empty_recording"),
            ({"size": 8_000_001}, "too_large"),
            ({"content_type": "text/html"}, "unsupported_type"),
            ({"duration_ms": 18_001}, "too_long"),
            ({"segment": 20}, "too_many_segments"),
        ],
    )
    def test_what_cannot_be_a_recording(self, asha, opened, changes, code):
        reply = asha.post(f"{opened}/recordings", announce() | changes)
        assert code_of(reply) == (422, code)
        assert reply.json["errors"]

    @pytest.mark.parametrize("data", [b"<html>not a voice</html>", b"#EXTM3U\nfile:///etc/passwd", b"%PDF-1.7"])
    def test_what_is_another_kind_of_file(self, asha, services, opened, data):
        recording_id = send(asha, services, opened, data)
        assert code_of(asha.post(f"{opened}/recordings/{recording_id}/confirm")) == (422, "not_audio")

    def test_an_item_that_was_never_opened_takes_none(self, asha, opened):
        assert code_of(asha.post(f"{opened}/recordings", announce(position=1))) == (409, "item_not_open")

    def test_recorded_off_line_and_sent_after_the_end(self, asha, services, opened):
        services.now.moment = OPENS + ALLOWED + UPLOAD_GRACE
        services.now.move(seconds=-1)
        recording_id = send(asha, services, opened)
        assert asha.post(f"{opened}/recordings/{recording_id}/confirm").status_code == 202
        services.now.move(seconds=1)
        later = announce(recording_id="rec-00000002", segment=1)
        assert code_of(asha.post(f"{opened}/recordings", later)) == (409, "attempt_not_open")

    def test_the_rest_after_a_reload_is_the_next_segment(self, asha, services, opened):
        for segment, data in ((1, WEBM + b"rest"), (0, WEBM)):
            recording_id = send(asha, services, opened, data, recording_id=f"rec-000000{segment}0", segment=segment)
            asha.post(f"{opened}/recordings/{recording_id}/confirm")
        response = services.responses.find(f"{opened.split('/')[-1]}:0")
        assert [recording.segment for recording in response.spoken_segments()] == [0, 1]
        assert response.state.value == "queued"

    def test_of_two_tabs_the_first_stored_is_scored_and_both_are_kept(self, asha, services, opened):
        for name in ("tab-one-rec", "tab-two-rec"):
            send(asha, services, opened, WEBM + name.encode(), recording_id=name)
            asha.post(f"{opened}/recordings/{name}/confirm")
        response = services.responses.find(f"{opened.split('/')[-1]}:0")
        assert len(response.recordings) == 2
        assert [recording.recording_id for recording in response.spoken_segments()] == ["tab-one-rec"]

    def test_confirming_at_once_stores_once(self, app, asha, services, opened):
        names = [f"rec-at-once-{number}" for number in range(4)]
        for number, name in enumerate(names):
            send(asha, services, opened, WEBM + name.encode(), recording_id=name, segment=number)
        barrier = threading.Barrier(8)

        def run(name):
            barrier.wait()
            Browser(http=app.test_client(), actor="asha").post(f"{opened}/recordings/{name}/confirm")

        run_threads([lambda name=name: run(name) for name in names * 2])
        response = services.responses.find(f"{opened.split('/')[-1]}:0")
        assert sorted(recording.recording_id for recording in response.recordings) == names


class TestNotYours:
    @pytest.mark.parametrize("actor", ["ravi", "salma", "meera", "omar", "sushma"])
    def test_an_attempt_of_others_is_not_there(self, browse, asha, path, actor):
        asha.post(f"{path}/items/0/open")
        other = browse(actor)
        heartbeat = {"position": 0, "uploads_pending": 0, "microphone": "ok"}
        check = dict.fromkeys(("browser", "microphone", "speaker", "connection"), "passed")
        replies = [
            other.get(path),
            other.post(f"{path}/begin"),
            other.post(f"{path}/check", check),
            other.post(f"{path}/items/0/open"),
            other.post(f"{path}/items/0/close"),
            other.post(f"{path}/recordings", announce()),
            other.post(f"{path}/recordings/rec-00000001/confirm"),
            other.post(f"{path}/heartbeat", heartbeat),
        ]
        assert [code_of(reply) for reply in replies] == [(404, "not_found")] * 8
        missing = other.get("/api/attempts/no-such-attempt")
        assert missing.json == replies[0].json

    @pytest.mark.parametrize("actor", ["salma", "meera", "omar", "sushma"])
    def test_nor_is_a_delivery_of_another_batch(self, browse, actor):
        assert code_of(browse(actor).post("/api/deliveries/delivery/attempts")) == (404, "not_found")
        assert browse(actor).get("/sit/delivery").status_code == 404

    def test_nobody_is_asked_to_sign_in(self, browse, path):
        assert code_of(browse(None).get(path)) == (401, "signed_out")
        assert code_of(browse(None).post(f"{path}/items/0/open")) == (401, "signed_out")


class TestInput:
    @pytest.mark.parametrize(
        ("route", "body"),
        [
            ("begin", {"started_at": "2020-01-01T00:00:00Z"}),
            ("items/0/open", {"window_ms": 1}),
            ("items/0/close", {"position": 3}),
            ("check", {"browser": "passed"}),
            ("check", dict.fromkeys(("browser", "microphone", "speaker", "connection"), "<b>")),
            ("heartbeat", {"position": 0, "uploads_pending": 0, "microphone": "ok", "state": "submitted"}),
            ("heartbeat", {"position": "0", "uploads_pending": 0, "microphone": "ok"}),
            ("heartbeat", {"position": -1, "uploads_pending": 0, "microphone": "ok"}),
            ("recordings", announce() | {"recording_id": "../../etc"}),
            ("recordings", announce() | {"recording_id": {"$ne": None}}),
            ("recordings", announce() | {"sha256": "AB" * 32}),
            ("recordings", announce() | {"campus_id": "south"}),
            ("recordings", announce() | {"size": 1.5}),
            ("recordings", announce() | {"content_type": "audio/webm\r\nX: y"}),
            ("recordings", []),
        ],
    )
    def test_what_is_not_understood_is_refused(self, asha, path, services, route, body):
        before = services.attempts.find(path.split("/")[-1])
        assert code_of(asha.post(f"{path}/{route}", body)) == (422, "invalid_input")
        assert services.attempts.find(before.id) == before

    def test_not_json(self, asha, path):
        reply = asha.http.post(
            f"{path}/heartbeat", data="{", content_type="application/json", headers={"X-Actor": "asha"}
        )
        assert reply.status_code in (400, 422)


def test_a_heartbeat_is_kept_and_told(asha, path, services):
    body = {"position": 0, "uploads_pending": 2, "microphone": "trouble:no_permission"}
    pulse = asha.post(f"{path}/heartbeat", body).json
    assert pulse["state"] == "in_progress"
    mark = services.presence.read([path.split("/")[-1]])[path.split("/")[-1]]
    assert (mark.uploads_pending, mark.microphone) == (2, "trouble:no_permission")
    room, event, payload = services.feed.events[-1]
    assert (room, event) == ("delivery:delivery", "attempt_progressed")
    assert payload["uploads_pending"] == 2


def test_one_account_that_asks_without_end_is_slowed_and_others_are_not(asha, browse, path):
    body = {"position": 0, "uploads_pending": 0, "microphone": "ok"}
    statuses = [asha.post(f"{path}/heartbeat", body).status_code for _ in range(620)]
    assert set(statuses[:590]) == {200}
    assert statuses[-1] == 429
    assert browse("ravi").post("/api/deliveries/delivery/attempts").status_code == 200
