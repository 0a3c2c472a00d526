"""One address a recording: whole in one request, or in parts that go on at any byte."""

import hashlib
import threading
from dataclasses import replace

import pytest

from backend.features.attempts.model import UPLOAD_GRACE, AttemptState
from backend.features.items.model import AnswerKind
from tests.support.exam import (
    ALLOWED,
    OPENS,
    WEBM,
    Browser,
    announce,
    furnish,
    recording_headers,
)
from tests.support.services_memory import build_memory_services

LONG = WEBM * 3
ID = "rec-00000001"


@pytest.fixture
def services():
    return furnish(build_memory_services())


@pytest.fixture
def path(asha):
    """The address of Asha's attempt, its first item open."""
    attempt = asha.post("/api/deliveries/delivery/attempts").json
    address = f"/api/attempts/{attempt['id']}"
    asha.post(f"{address}/begin")
    asha.move(address, "open", 0)
    return address


def code_of(reply):
    assert reply.content_type == "application/problem+json", reply.data
    return reply.status_code, reply.json["code"]


def response_of(services, path):
    return services.responses.find(f"{path.split('/')[-1]}:0")


def incoming(services):
    return [key for key in services.blobs.list_keys() if key.startswith("incoming/")]


class TestWhole:
    def test_one_request_stores_it_under_its_hash(self, asha, services, path):
        reply = asha.send(path)
        digest = hashlib.sha256(WEBM).hexdigest()
        assert (reply.status_code, reply.json) == (202, {"recording_id": ID, "stored": True, "sha256": digest})
        assert services.blobs.get(f"recordings/north/{digest}") == WEBM
        assert asha.get(path).json["stored_recordings"] == [ID]
        assert services.jobs.take() == [("ratings.score_response", (response_of(services, path).id,))]

    def test_what_ended_it_is_kept_with_it(self, asha, services, path):
        wrong = asha.send(path, ended_by="boredom")
        assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["X-Ended-By"])
        asha.send(path, LONG, until=1000, ended_by="interrupted")
        asha.send(path, LONG, offset=1000, ended_by="interrupted")
        assert response_of(services, path).is_cut_off

    def test_sent_again_it_is_stored_once(self, asha, services, path):
        assert asha.send(path).json == asha.send(path).json
        assert len(response_of(services, path).recordings) == 1

    def test_it_leaves_nothing_behind(self, asha, services, path):
        asha.send(path)
        assert not incoming(services)
        assert not list(services.uploads.list_by_attempt(path.split("/")[-1]))

    def test_another_recording_under_the_same_id_is_refused(self, asha, path):
        asha.send(path)
        assert code_of(asha.send(path, b"\x1a\x45\xdf\xa3other")) == (409, "recording_differs")

    def test_what_arrived_damaged_is_sent_again(self, asha, services, path):
        damaged = bytes([WEBM[0]]) + bytes(len(WEBM) - 1)
        headers = recording_headers(announce()) | {"X-Actor": "asha"}
        reply = asha.http.put(f"{path}/recordings/{ID}", data=damaged, headers=headers)
        assert code_of(reply) == (409, "upload_mismatch")
        assert response_of(services, path) is None
        assert asha.send(path).status_code == 202

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"size": 0}, "empty_recording"),
            ({"size": 8_000_001}, "too_large"),
            ({"content_type": "text/html"}, "unsupported_type"),
            ({"segment": 20}, "too_many_segments"),
            ({"size": len(WEBM) - 1}, "too_large"),
        ],
    )
    def test_what_cannot_be_a_recording(self, asha, path, changes, code):
        reply = asha.send(path, **changes)
        assert code_of(reply) == (422, code)
        assert reply.json["errors"]

    @pytest.mark.parametrize(
        ("header", "value"),
        [
            ("Upload-Offset", "-1"),
            ("Upload-Digest", "00"),
            ("X-Position", ""),
            ("Upload-Length", "a"),
            ("X-Segment", ""),
        ],
    )
    def test_headers_that_cannot_be_read_are_named(self, asha, path, header, value):
        headers = recording_headers(announce()) | {"X-Actor": "asha", header: value}
        reply = asha.http.put(f"{path}/recordings/{ID}", data=WEBM, headers=headers)
        assert code_of(reply) == (422, "invalid_input")
        assert list(reply.json["errors"]) == [header]

    @pytest.mark.parametrize("data", [b"<html>not a voice</html>", b"#EXTM3U\nfile:///etc/passwd", b"%PDF-1.7"])
    def test_what_is_another_kind_of_file(self, asha, path, data):
        assert code_of(asha.send(path, data)) == (422, "not_audio")

    def test_an_item_that_was_never_opened_takes_none(self, asha, path):
        assert code_of(asha.send(path, position=1)) == (409, "item_not_open")
        assert asha.send(path, position=99).status_code == 404

    def test_an_item_that_is_typed_takes_none(self, asha, services, path):
        paper = services.papers.get(services.attempts.find(path.split("/")[-1]).form_id)
        typed = tuple(replace(item, answer_kind=AnswerKind.TEXT) for item in paper.items)
        services.papers.add(replace(paper, items=typed))
        assert code_of(asha.send(path)) == (422, "not_spoken")

    def test_recorded_off_line_and_sent_after_the_end(self, asha, services, path):
        services.now.moment = OPENS + ALLOWED + UPLOAD_GRACE
        services.now.move(seconds=-1)
        assert asha.send(path).status_code == 202
        services.now.move(seconds=1)
        assert code_of(asha.send(path, recording_id="rec-00000002", segment=1)) == (409, "attempt_not_open")
        assert asha.send(path).status_code == 202, "stored in time, and asked about again too late"

    def test_sent_while_it_is_paused_for_days(self, asha, meera, services, path):
        services.now.move(seconds=20)
        order = {"control_id": "control-1", "action": "pause", "attempt_ids": "all", "reason": "Fire alarm"}
        assert meera.post("/api/deliveries/delivery/controls", order).status_code == 200
        services.now.moment = OPENS + ALLOWED + UPLOAD_GRACE * 3
        assert asha.send(path).status_code == 202
        assert code_of(asha.send(path, recording_id="rec-00000002", position=1)) == (409, "item_not_open")

    def test_after_a_break_that_was_used_up_the_time_for_it_is_over_as_ever(self, asha, services, path):
        """Nobody has noticed yet that the break ended, and the time after it."""
        attempt = services.attempts.find(path.split("/")[-1])
        resting = replace(attempt, state=AttemptState.PAUSED, paused_at=OPENS, break_until=OPENS + ALLOWED, revision=9)
        assert services.attempts.save(resting, seen=attempt)
        services.now.moment = OPENS + ALLOWED * 2 + UPLOAD_GRACE
        assert code_of(asha.send(path)) == (409, "attempt_not_open")

    def test_the_rest_after_a_reload_is_the_next_segment(self, asha, services, path):
        for segment, data in ((1, WEBM + b"rest"), (0, WEBM)):
            asha.send(path, data, recording_id=f"rec-000000{segment}0", segment=segment)
        response = response_of(services, path)
        assert [recording.segment for recording in response.spoken_segments()] == [0, 1]
        assert response.state.value == "queued"

    def test_two_takes_that_say_they_are_the_same_segment_both_count(self, asha, services, path):
        for name in ("take-one-rec", "take-two-rec"):
            asha.send(path, WEBM + name.encode(), recording_id=name)
        response = response_of(services, path)
        assert [recording.recording_id for recording in response.spoken_segments()] == ["take-one-rec", "take-two-rec"]

    @pytest.mark.parametrize(("claimed", "kept"), [(60_802, 18_000), (4_000_000_000, 18_000), (2_900, 2_900)])
    def test_a_page_that_slept_counts_the_sleep_and_is_not_refused_for_it(self, asha, services, path, claimed, kept):
        assert asha.send(path, duration_ms=claimed).status_code == 202
        assert [recording.duration_ms for recording in response_of(services, path).recordings] == [kept]

    def test_many_at_once_are_stored_once_each(self, app, services, path):
        names = [f"rec-at-once-{number}" for number in range(4)]
        barrier = threading.Barrier(8)

        def run(number, name):
            barrier.wait()
            browser = Browser(http=app.test_client(), actor="asha")
            browser.send(path, WEBM + name.encode(), recording_id=name, segment=number)

        run_threads([lambda pair=pair: run(*pair) for pair in [*enumerate(names)] * 2])
        assert sorted(recording.recording_id for recording in response_of(services, path).recordings) == names


def run_threads(runs):
    threads = [threading.Thread(target=run) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class TestInParts:
    def test_goes_on_at_any_byte(self, asha, services, path):
        ends = [1, 700, 701, 2000, len(LONG)]
        for start, end in zip([0, *ends], ends, strict=False):
            reply = asha.send(path, LONG, offset=start, until=end)
        assert reply.status_code == 202
        digest = hashlib.sha256(LONG).hexdigest()
        assert services.blobs.get(f"recordings/north/{digest}") == LONG
        assert not incoming(services)
        assert not list(services.uploads.list_by_attempt(path.split("/")[-1]))

    def test_each_part_is_acknowledged_with_where_to_go_on(self, asha, path):
        assert asha.get(f"{path}/recordings/{ID}").json == {"recording_id": ID, "stored": False, "offset": 0}
        reply = asha.send(path, LONG, until=1000)
        assert (reply.status_code, reply.json) == (200, {"recording_id": ID, "stored": False, "offset": 1000})
        assert asha.get(f"{path}/recordings/{ID}").json["offset"] == 1000
        asha.send(path, LONG, offset=1000)
        assert asha.get(f"{path}/recordings/{ID}").json["stored"] is True

    @pytest.mark.parametrize("offset", [0, 999, 1001])
    def test_a_wrong_offset_is_told_the_right_one(self, asha, path, offset):
        asha.send(path, LONG, until=1000)
        reply = asha.send(path, LONG, offset=offset, until=offset + 500)
        assert code_of(reply) == (409, "upload_offset")
        assert reply.json["offset"] == 1000

    def test_the_last_part_sent_again_after_a_lost_reply(self, asha, services, path):
        asha.send(path, LONG, until=1000)
        first = asha.send(path, LONG, offset=1000)
        assert asha.send(path, LONG, offset=1000).json == first.json
        assert len(response_of(services, path).recordings) == 1

    def test_a_line_that_breaks_inside_a_part_keeps_what_came(self, app, services, path):
        """The browser promised more bytes than came: the server sees its end of the line close."""
        headers = recording_headers(announce(LONG)) | {"X-Actor": "asha", "Content-Length": "2000"}
        environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
        environ |= {"CONTENT_LENGTH": "2000", "CONTENT_TYPE": headers["Content-Type"]}
        app.test_client().put(f"{path}/recordings/{ID}", data=LONG[:1234], environ_overrides=environ)
        browser = Browser(http=app.test_client(), actor="asha")
        assert browser.get(f"{path}/recordings/{ID}").json["offset"] == 1234
        assert browser.send(path, LONG, offset=1234).status_code == 202

    def test_another_recording_cannot_go_on_with_it(self, asha, path):
        asha.send(path, LONG, until=1000)
        assert code_of(asha.send(path, LONG[::-1], offset=1000)) == (409, "recording_differs")

    def test_damaged_parts_are_forgotten_and_it_begins_again(self, asha, services, path):
        headers = recording_headers(announce(LONG)) | {"X-Actor": "asha"}
        asha.http.put(f"{path}/recordings/{ID}", data=bytes(1000), headers=headers)
        assert code_of(asha.send(path, LONG, offset=1000)) == (409, "upload_mismatch")
        assert asha.get(f"{path}/recordings/{ID}").json["offset"] == 0
        assert not incoming(services)
        assert asha.send(path, LONG).status_code == 202

    def test_one_request_after_a_broken_try_in_parts(self, asha, services, path):
        asha.send(path, LONG, until=1000)
        assert asha.send(path, LONG).status_code == 202
        assert len(response_of(services, path).recordings) == 1

    def test_of_two_senders_of_the_same_part_one_is_told_to_go_on(self, app, services, path):
        barrier, codes = threading.Barrier(4), []

        def run():
            browser = Browser(http=app.test_client(), actor="asha")
            barrier.wait()
            codes.append(browser.send(path, LONG, until=1000).status_code)

        run_threads([run] * 4)
        assert set(codes) <= {200, 409}
        assert Browser(http=app.test_client(), actor="asha").get(f"{path}/recordings/{ID}").json["offset"] == 1000
