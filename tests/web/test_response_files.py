"""Answers saved as a file on a device without network, brought by staff."""

import hashlib
import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from backend.core.sealing import derive_key, seal
from backend.features.attempts.model import UPLOAD_GRACE, AttemptState
from backend.features.items.model import AnswerKind
from tests.support.exam import ALLOWED, OPENS, WEBM, furnish, make_paper, make_parts_paper
from tests.support.services_memory import build_memory_services

PAGE = "/tests/delivery/response-file"


@pytest.fixture
def services():
    paper = make_paper(tasks=("repeat", "repeat", "essay", "repeat"))
    items = tuple(replace(item, answer_kind=AnswerKind.TEXT) if item.task == "essay" else item for item in paper.items)
    return furnish(build_memory_services(), paper=replace(paper, items=items))


@pytest.fixture
def attempt_id(browse):
    """Asha's, begun, its first item open; then her network goes away."""
    asha = browse("asha")
    entered = asha.post("/api/deliveries/delivery/attempts").json
    asha.post(f"/api/attempts/{entered['id']}/begin")
    asha.post(f"/api/attempts/{entered['id']}/moves", {"moves": [move("open", 0, 0)]})
    return entered["id"]


def move(kind, position, seconds):
    return {"kind": kind, "position": position, "at": (OPENS + timedelta(seconds=seconds)).isoformat()}


def described(position, data, **changes):
    return {
        "recording_id": f"{position}-0-recording",
        "position": position,
        "segment": 0,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "content_type": "audio/webm",
        "duration_ms": 3_000,
    } | changes


def make_file(services, attempt_id, *, moves=(), drafts=(), recordings=(), data=None, secret=None):
    """`recordings`: (what is said of it, its bytes)."""
    head = {"moves": list(moves), "drafts": list(drafts), "recordings": [said for said, _ in recordings]}
    text = json.dumps(head).encode()
    inside = len(text).to_bytes(4, "big") + text + (data or b"".join(sound for _, sound in recordings))
    key = derive_key(secret or services.settings.viva_secret_key, "storage", attempt_id)
    sealed = seal(key, inside, label=f"answers:{attempt_id}", nonce=bytes(12))
    outside = json.dumps({"attempt_id": attempt_id, "made_at": "2026-11-23T05:00:00Z"}).encode()
    return b"VIVA-ANSWERS-1\n" + outside + b"\n" + sealed


@pytest.fixture
def bring(browse):
    def bring(data, *, actor="meera", page=PAGE):
        browser = browse(actor)
        form = {"file": (io.BytesIO(data), "answers.viva")}
        return browser.http.post(page, data=form, content_type="multipart/form-data", headers={"X-Actor": actor})

    return bring


OFF_LINE = (move("close", 0, 10), move("open", 1, 10), move("close", 1, 20), move("open", 2, 20))


def a_whole_file(services, attempt_id):
    first, second = WEBM + b"first", WEBM + b"second"
    return make_file(
        services,
        attempt_id,
        moves=OFF_LINE,
        drafts=[{"position": 2, "sequence": [1, 4], "content": {"text": "half an essay"}}],
        recordings=[(described(0, first), first), (described(1, second), second)],
    )


def test_after_the_end_what_the_device_had_reached_is_stored_and_scored(services, attempt_id, bring):
    services.now.moment = OPENS + ALLOWED + timedelta(hours=3)
    reply = bring(a_whole_file(services, attempt_id))
    assert reply.status_code == 200
    assert "Asha Rao" in reply.text
    assert "2 answers" in reply.text
    attempt = services.attempts.find(attempt_id)
    assert (attempt.state, attempt.position, attempt.is_item_open) == (AttemptState.EXPIRED, 2, True)
    stored = {each.position: each for each in services.responses.list_by_attempt(attempt_id)}
    assert {position: each.state.value for position, each in stored.items()} == {0: "queued", 1: "queued"}
    assert services.blobs.get(stored[1].recordings[0].blob_key) == WEBM + b"second"
    late = services.late_answers.find(f"{attempt_id}:2")
    assert late.answer.text == "half an essay", "typed answers that come late wait for a decision"


def test_a_missing_answer_is_scored_after_all_however_late(services, attempt_id, bring):
    services.now.moment = OPENS + ALLOWED + UPLOAD_GRACE + timedelta(days=2)
    assert "Stored, and scored" in bring(a_whole_file(services, attempt_id)).text
    assert services.responses.find(f"{attempt_id}:0").state.value == "queued"


def test_a_device_that_slept_in_the_middle_of_an_answer_is_no_damage(services, attempt_id, bring):
    slept = (described(0, WEBM, duration_ms=20 * 3_600_000), WEBM)
    assert "Stored, and scored" in bring(make_file(services, attempt_id, recordings=[slept])).text
    assert services.responses.find(f"{attempt_id}:0").state.value == "queued"


def test_while_the_test_runs_it_goes_the_way_of_the_candidates_own_page(services, attempt_id, bring):
    services.now.move(seconds=40)
    bring(a_whole_file(services, attempt_id))
    attempt = services.attempts.find(attempt_id)
    assert (attempt.state, attempt.position) == (AttemptState.IN_PROGRESS, 2)
    assert services.responses.find(f"{attempt_id}:2").answer.text == "half an essay"


def test_a_part_that_was_reached_off_line_takes_all_its_answers(services, browse, bring):
    paper = make_parts_paper()
    services.papers.add(paper)
    services.papers.add(replace(paper, form_id="form_two"))
    ravi = browse("ravi")
    entered = ravi.post("/api/deliveries/delivery/attempts").json
    ravi.post(f"/api/attempts/{entered['id']}/begin")
    ravi.post(f"/api/attempts/{entered['id']}/moves", {"moves": [move("open", 0, 0)]})
    drafts = [{"position": each, "sequence": [1, 4], "content": {"text": f"{each}"}} for each in (1, 3)]
    file = make_file(services, entered["id"], moves=[move("close", 0, 9), move("open", 1, 9)], drafts=drafts)
    services.now.moment = OPENS + ALLOWED + timedelta(hours=3)
    assert bring(file).status_code == 200
    attempt = services.attempts.find(entered["id"])
    assert list(attempt.open_positions) == [1, 2, 3]
    assert {each.position for each in services.late_answers.list_by_delivery("delivery")} == {1, 3}


def test_twice_changes_nothing_and_each_time_is_audited(services, attempt_id, bring):
    file = a_whole_file(services, attempt_id)
    services.now.moment = OPENS + ALLOWED + timedelta(minutes=1)
    bring(file)
    before = services.responses.find(f"{attempt_id}:0")
    assert "Was here already" in bring(file).text
    assert services.responses.find(f"{attempt_id}:0") == before
    events = [each for each in services.audit_log.list_all(before=None, limit=9) if each.subject_id == attempt_id]
    assert [each.action for each in events] == ["response_file_taken"] * 2
    assert {each.actor_id for each in events} == {"meera"}
    assert events[-1].details == {"stored": "2", "late": "1"}


def test_what_was_made_after_the_deadline_never_happened_and_is_kept_for_staff(services, attempt_id, bring):
    sound = WEBM + b"too late"
    over = int(ALLOWED.total_seconds()) + 60
    late = (move("close", 0, over), move("open", 1, over))
    services.now.moment = OPENS + ALLOWED + timedelta(hours=1)
    reply = bring(make_file(services, attempt_id, moves=late, recordings=[(described(1, sound), sound)]))
    assert "Came after its time" in reply.text
    assert services.responses.find(f"{attempt_id}:1") is None
    assert services.attempts.find(attempt_id).position == 0
    (kept,) = services.late_answers.find(f"{attempt_id}:1").recordings
    assert services.blobs.get(kept.blob_key) == sound


def test_after_the_result_was_settled_what_it_reached_waits_for_a_decision(services, attempt_id, bring, browse):
    """The result stays as it is until staff accept something of it."""
    services.now.moment = OPENS + ALLOWED + timedelta(hours=3)
    attempt = services.attempts.find(attempt_id)
    over = replace(attempt, state=AttemptState.EXPIRED, submitted_at=attempt.deadline_at, settled_at=services.now())
    services.attempts.save(replace(over, revision=attempt.revision + 1), seen=attempt)
    before = services.attempts.find(attempt_id)
    for _ in range(2):
        assert "Came after its time" in bring(a_whole_file(services, attempt_id)).text
    assert services.attempts.find(attempt_id) == before
    kept = services.late_answers.list_by_delivery("delivery")
    assert {each.position: bool(each.recordings) for each in kept} == {1: True, 2: False}
    browse("meera").post_form(f"/tests/delivery/unscored/late/{attempt_id}:1/accept")
    assert services.attempts.find(attempt_id).settled_at is None
    assert services.responses.find(f"{attempt_id}:1").state.value == "queued"


def test_what_answers_an_item_that_the_attempt_has_not_reached_yet_is_kept_too(services, attempt_id, bring):
    """It runs, on another device perhaps, and the file has no moves."""
    drafts = [{"position": 2, "sequence": [1, 4], "content": {"text": "half an essay"}}]
    assert "Came after its time" in bring(make_file(services, attempt_id, drafts=drafts)).text
    assert services.late_answers.find(f"{attempt_id}:2").answer.text == "half an essay"
    assert services.attempts.find(attempt_id).position == 0


def test_each_answer_is_judged_by_itself(services, attempt_id, bring):
    good, bad = WEBM + b"good", WEBM + b"bad"
    recordings = [
        (described(0, bad, recording_id="0-0-damaged", sha256="0" * 64), bad),
        (described(0, b"<html>", recording_id="0-1-not-sound", segment=1), b"<html>"),
        (described(0, good, recording_id="0-2-good", segment=2), good),
    ]
    text = bring(make_file(services, attempt_id, recordings=recordings)).text
    for words in ("Damaged on the device", "Cannot be an answer", "Stored, and scored"):
        assert words in text
    assert len(services.responses.find(f"{attempt_id}:0").recordings) == 1


class TestRefused:
    @pytest.mark.parametrize(
        "data", [b"", b"VIVA-ANSWERS-1\n", b"PK\x03\x04 a zip", b"VIVA-ANSWERS-1\n[]\nx", b"VIVA-ANSWERS-2\n{}\nx"]
    )
    def test_what_is_no_such_file(self, bring, attempt_id, data):
        reply = bring(data)
        assert reply.status_code == 422
        assert "not a file of saved answers" in reply.text

    def test_one_that_was_changed_or_made_elsewhere(self, services, bring, attempt_id):
        whole = a_whole_file(services, attempt_id)
        foreign = make_file(services, attempt_id, secret="another secret of another house")
        longer = make_file(services, attempt_id, data=b"more than the head says")
        for data in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1]), foreign, longer):
            reply = bring(data)
            assert reply.status_code == 422
            assert "damaged" in reply.text
        assert services.attempts.find(attempt_id).position == 0

    @pytest.mark.parametrize("head", [{"moves": [{"kind": "jump"}]}, {"drafts": [{"position": 0}]}, {"more": 1}])
    def test_a_head_that_no_page_of_ours_makes(self, services, bring, attempt_id, head):
        whole = {"moves": [], "drafts": [], "recordings": []} | head
        text = json.dumps(whole).encode()
        key = derive_key(services.settings.viva_secret_key, "storage", attempt_id)
        inside = len(text).to_bytes(4, "big") + text
        sealed = seal(key, inside, label=f"answers:{attempt_id}", nonce=bytes(12))
        file = b"VIVA-ANSWERS-1\n" + json.dumps({"attempt_id": attempt_id}).encode() + b"\n" + sealed
        assert bring(file).status_code == 422

    def test_one_of_another_test_and_one_of_nobody_alike(self, services, bring, attempt_id):
        texts = {bring(make_file(services, other)).status_code for other in ("no-such-attempt",)}
        assert texts == {422}
        assert "another test" in bring(make_file(services, "no-such-attempt")).text

    def test_another_campus_sees_nothing(self, services, bring, attempt_id):
        assert bring(a_whole_file(services, attempt_id), actor="omar").status_code == 404
