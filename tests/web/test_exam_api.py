"""The exam's API as the candidate's client meets it."""

import hashlib
import threading
import time

import pytest

from backend.app import create_app
from tests.support.exam import (
    ALLOWED,
    CLOSES,
    LATER,
    OPENS,
    WEBM,
    Browser,
    furnish,
    make_delivery,
    make_paper,
    sign_in_by_header,
)
from tests.support.services_memory import build_memory_services


@pytest.fixture
def services():
    return furnish(build_memory_services(), paper=make_paper(tasks=("read_aloud", "repeat", "repeat", "repeat")))


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


def test_a_whole_attempt(asha, services):
    attempt = enter(asha)
    assert attempt["state"] == "checking"
    assert attempt["total_items"] == 4
    path = f"/api/attempts/{attempt['id']}"
    check = {"browser": "passed", "microphone": "passed", "speaker": "passed", "connection": "failed:slow"}
    assert asha.post(f"{path}/check", check).status_code == 200
    assert asha.post(f"{path}/begin").json["state"] == "in_progress"
    for position in range(4):
        item = asha.move(path, "open", position).json["item"]
        assert item["position"] == position
        assert item["prompt"]["duration_ms"] == 2_000
        services.now.move(seconds=6)
        stored = asha.send(path, recording_id=f"rec-0000000{position}", position=position)
        assert stored.status_code == 202
        digest = hashlib.sha256(WEBM).hexdigest()
        assert stored.json == {"recording_id": f"rec-0000000{position}", "stored": True, "sha256": digest}
        after = asha.move(path, "close", position).json
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
        opened = asha.move(path, "open", 0)
        assert opened.json["item"]["text"] == "secret-text-0"
        assert "secret-prompt-0" in opened.json["item"]["prompt"]["url"]
        assert "secret-prompt-1" not in asha.get(path).get_data(as_text=True)

    def test_a_reload_goes_on_with_the_same_clock(self, asha, browse, path, services):
        opened = asha.move(path, "open", 0).json["item"]
        services.now.move(seconds=3.5)
        again = browse("asha").get(path).json["item"]
        assert again["elapsed_ms"] == 3_500
        assert again["opened_at"] == opened["opened_at"]
        assert asha.move(path, "open", 0).json["item"]["elapsed_ms"] == 3_500

    def test_no_way_back_and_no_skipping(self, asha, path):
        assert code_of(asha.move(path, "open", 1)) == (409, "item_not_current")
        assert code_of(asha.move(path, "close", 0)) == (409, "item_not_open")
        asha.move(path, "open", 0)
        assert asha.move(path, "close", 0).json["position"] == 1
        assert asha.move(path, "close", 0).json["position"] == 1
        again = asha.move(path, "open", 0).json
        assert (again["position"], again["item"]) == (1, None)
        assert asha.move(path, "open", 99).status_code == 404

    def test_the_deadline_ends_it(self, asha, path, services):
        asha.move(path, "open", 0)
        services.now.moment = OPENS + ALLOWED
        assert code_of(asha.move(path, "close", 0)) == (409, "attempt_not_open")
        after = asha.get(path).json
        assert (after["state"], after["item"]) == ("expired", None)
        assert services.attempts.find(after["id"]).submitted_at == OPENS + ALLOWED

    def test_two_tabs_that_close_at_once_pass_one_item(self, app, asha, path):
        asha.move(path, "open", 0)
        barrier = threading.Barrier(6)

        def run():
            barrier.wait()
            Browser(http=app.test_client(), actor="asha").move(path, "close", 0)

        run_threads([run] * 6)
        assert asha.get(path).json["position"] == 1


class TestSayingWhichPage:
    """Whatever changes an attempt says which page asks; recordings and answers are taken from any."""

    HEARTBEAT = {"position": 0, "uploads_pending": 0, "microphone": "ok"}  # noqa: RUF012 - never changed
    CHECK = dict.fromkeys(("browser", "microphone", "speaker", "connection"), "passed")
    MOVES = {"moves": [{"kind": "open", "position": 0, "at": LATER}]}  # noqa: RUF012 - never changed

    @pytest.mark.parametrize(
        ("call", "body"),
        [
            ("check", CHECK),
            ("begin", {}),
            ("moves", MOVES),
            ("heartbeat", HEARTBEAT),
            ("break", {}),
            ("break/end", {}),
            ("hearings", {"position": 0, "number": 1}),
        ],
    )
    def test_who_does_not_say_which_page_it_is_is_told_so(self, app, services, path, call, body):
        before = services.attempts.find(path.rsplit("/", 1)[-1])
        reply = app.test_client().post(f"{path}/{call}", json=body, headers={"X-Actor": "asha"})
        assert code_of(reply) == (428, "epoch_missing")
        assert "X-Attempt-Epoch" in reply.json["detail"]
        assert reply.content_type == "application/problem+json"
        assert services.attempts.find(before.id) == before


class TestNotYours:
    @pytest.mark.parametrize("actor", ["ravi", "salma", "meera", "omar", "sushma"])
    def test_an_attempt_of_others_is_not_there(self, browse, asha, path, actor):
        asha.move(path, "open", 0)
        other = browse(actor)
        heartbeat = {"position": 0, "uploads_pending": 0, "microphone": "ok"}
        check = dict.fromkeys(("browser", "microphone", "speaker", "connection"), "passed")
        replies = [
            other.get(path),
            other.post(f"{path}/begin"),
            other.post(f"{path}/check", check),
            other.move(path, "open", 0),
            other.move(path, "close", 0),
            other.send(path),
            other.get(f"{path}/recordings/rec-00000001"),
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
        assert code_of(browse(None).move(path, "open", 0)) == (401, "signed_out")


class TestInput:
    @pytest.mark.parametrize(
        ("route", "body"),
        [
            ("begin", {"started_at": "2020-01-01T00:00:00Z"}),
            ("moves", {"moves": []}),
            ("moves", {"moves": [{"kind": "open", "position": 0}]}),
            ("moves", {"moves": [{"kind": "reopen", "position": 0, "at": LATER}]}),
            ("moves", {"moves": [{"kind": "open", "position": 0, "at": "2026-11-23T04:30:00"}]}),
            ("moves", {"moves": [{"kind": "open", "position": 0, "at": LATER, "window_ms": 1}]}),
            ("moves", {"moves": [{"kind": "open", "position": 0, "at": LATER}] * 401}),
            ("check", {"browser": "passed"}),
            ("check", dict.fromkeys(("browser", "microphone", "speaker", "connection"), "<b>")),
            ("heartbeat", {"position": 0, "uploads_pending": 0, "microphone": "ok", "state": "submitted"}),
            ("heartbeat", {"position": "0", "uploads_pending": 0, "microphone": "ok"}),
            ("heartbeat", {"position": -1, "uploads_pending": 0, "microphone": "ok"}),
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


def test_one_account_that_asks_without_end_is_slowed_and_others_are_not(asha, browse, path, monkeypatch):
    moment = time.time()  # however slow this machine is, all of them come within the limiter's minute
    monkeypatch.setattr("limits.storage.memory.time.time", lambda: moment)
    body = {"position": 0, "uploads_pending": 0, "microphone": "ok"}
    statuses = [asha.post(f"{path}/heartbeat", body).status_code for _ in range(620)]
    assert set(statuses[:590]) == {200}
    assert statuses[-1] == 429
    assert browse("ravi").post("/api/deliveries/delivery/attempts").status_code == 200


class TestLease:
    def enter(self, browser, page):
        return browser.post("/api/deliveries/delivery/attempts", {"client_id": page}).json

    def test_a_new_page_takes_it_and_the_older_one_may_only_read(self, asha):
        first = self.enter(asha, "page-one-1")
        path = f"/api/attempts/{first['id']}"
        asha.epoch = first["epoch"]
        assert asha.post(f"{path}/begin").status_code == 200
        assert self.enter(asha, "page-one-1")["epoch"] == first["epoch"]
        second = self.enter(asha, "page-two-2")
        assert second["epoch"] == first["epoch"] + 1
        heartbeat = {"position": 0, "uploads_pending": 0, "microphone": "ok"}
        check = dict.fromkeys(("browser", "microphone", "speaker", "connection"), "passed")
        refused = [
            asha.move(path, "open", 0),
            asha.post(f"{path}/begin"),
            asha.post(f"{path}/check", check),
            asha.post(f"{path}/heartbeat", heartbeat),
        ]
        assert [code_of(reply) for reply in refused] == [(409, "attempt_elsewhere")] * 4
        assert asha.get(path).json["position"] == 0
        asha.epoch = second["epoch"]
        assert asha.move(path, "open", 0).json["item"]["position"] == 0

    def test_the_older_page_still_hands_in_what_it_recorded(self, asha):
        first = self.enter(asha, "page-one-1")
        path = f"/api/attempts/{first['id']}"
        asha.post(f"{path}/begin")
        asha.move(path, "open", 0)
        self.enter(asha, "page-two-2")
        asha.epoch = first["epoch"]
        assert asha.send(path).status_code == 202

    @pytest.mark.parametrize("epoch", ["", "-1", "one", "1.5", "9" * 12])
    def test_an_epoch_that_is_none(self, asha, path, epoch):
        asha.epoch = epoch
        assert code_of(asha.move(path, "open", 0)) == (422, "invalid_input")

    def test_of_many_pages_at_once_the_last_one_moves(self, app, asha, path):
        asha.move(path, "open", 0)
        barrier, held = threading.Barrier(6), []

        def run(number):
            browser = Browser(http=app.test_client(), actor="asha")
            barrier.wait()
            held.append(self.enter(browser, f"page-number-{number}")["epoch"])

        run_threads([lambda number=number: run(number) for number in range(6)])
        assert sorted(held) == list(range(1, 7))
