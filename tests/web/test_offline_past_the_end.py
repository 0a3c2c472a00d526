"""Answers that were made off-line while the time ran out: taken, or kept for staff; never lost (docs/adr/0134)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.features.attempts.answers import ANSWER_GRACE
from backend.features.attempts.engine.moves import BELIEVED
from backend.features.attempts.late.model import LateState
from backend.features.attempts.model import UPLOAD_GRACE, AttemptState
from backend.features.attempts.responses import ResponseState
from backend.features.items.model import AnswerKind
from backend.features.ratings import usecases as ratings
from backend.features.ratings.model import Outlook
from backend.features.ratings.tasks import desk_of, judges_of
from backend.scoring.keys import RepeatKey
from tests.support.exam import ALLOWED, OPENS, WEBM, furnish, make_paper
from tests.support.services_memory import build_memory_services
from tests.support.speech import evidence

DEADLINE = OPENS + ALLOWED
TEXT = "the train leaves at noon"


def exam_paper(kind, *, goes_on_offline=True):
    paper = make_paper(tasks=("repeat" if kind == "spoken" else "essay",) * 4)
    if kind == "typed":
        items = (replace(each, answer_kind=AnswerKind.TEXT, prompt_key=None, prompt_ms=0) for each in paper.items)
        paper = replace(paper, items=tuple(items))
    return replace(paper, goes_on_offline=goes_on_offline)


@pytest.fixture(params=["spoken"])
def services(request):
    services = furnish(build_memory_services(), paper=exam_paper(request.param))
    services.listener.hear = lambda recordings, task: evidence(task, TEXT)
    for position in range(4):
        services.scoring_keys.add(f"item{position}", 1, RepeatKey(text=TEXT))
    return services


typed = pytest.mark.parametrize("services", ["typed"], indirect=True)


@pytest.fixture
def attempt_id(asha):
    """Her first answer is in, and the second question not opened, when her network goes away; it stays away past the
    deadline."""
    attempt_id = asha.post("/api/deliveries/delivery/attempts").json["id"]
    asha.post(f"/api/attempts/{attempt_id}/begin")
    move(asha, attempt_id, ("open", 0, 0))
    answer(asha, attempt_id, 0)
    move(asha, attempt_id, ("close", 0, 10))
    return attempt_id


def move(browser, attempt_id, *moves):
    listed = [
        {"kind": kind, "position": position, "at": (OPENS + timedelta(seconds=seconds)).isoformat()}
        for kind, position, seconds in moves
    ]
    return browser.post(f"/api/attempts/{attempt_id}/moves", {"moves": listed})


LATE_IN_THE_TEST = round(ALLOWED.total_seconds()) - 120
OFF_LINE = (("open", 1, LATE_IN_THE_TEST), ("close", 1, LATE_IN_THE_TEST + 30), ("open", 2, LATE_IN_THE_TEST + 30))


def answer(browser, attempt_id, position, *, until=None):
    """As the item asks for it: a recording, or a text."""
    services = browser.http.application.extensions["viva"]
    form_id = services.attempts.find(attempt_id).form_id
    if services.papers.get(form_id).get_item(position).is_spoken:
        sound = WEBM + str(position).encode()
        path = f"/api/attempts/{attempt_id}"
        return browser.send(path, sound, position=position, recording_id=f"recording-{position}", until=until)
    body = {"sequence": [1, position + 1], "content": {"text": f"text {position}"}}
    headers = {"X-Actor": browser.actor}
    return browser.http.put(f"/api/attempts/{attempt_id}/answers/{position}", json=body, headers=headers)


def score_all(services, attempt_id):
    for response in services.responses.list_by_attempt(attempt_id):
        ratings.score_response(
            response_id=response.id, desk=desk_of(services), judges=judges_of(services), clock=services.now
        )


def review(services, attempt_id):
    ratings.sweep_deadlines(desk=desk_of(services), now=services.now())
    return ratings.review_attempt(attempt_id=attempt_id, desk=desk_of(services), now=services.now())


def settle(services, attempt_id):
    """As the worker does, once the review says so."""
    score_all(services, attempt_id)
    assert review(services, attempt_id) is Outlook.RESULT
    attempt = services.attempts.find(attempt_id)
    settled = replace(attempt, settled_at=services.now(), due_at=None, revision=attempt.revision + 1)
    assert services.attempts.save(settled, seen=attempt)


def state_of(services, attempt_id, position):
    found = services.responses.find(f"{attempt_id}:{position}")
    return None if found is None else found.state


@pytest.mark.parametrize("services", ["spoken", "typed"], indirect=True)
class TestWhileItIsPromised:
    def test_the_result_waits_for_the_moves_as_long_as_they_are_taken_and_no_longer(self, services, asha, attempt_id):
        if services.papers.get("form_one").is_spoken:
            score_all(services, attempt_id)
        services.now.moment = DEADLINE + timedelta(seconds=20)
        assert review(services, attempt_id) is Outlook.MOVES
        assert services.attempts.find(attempt_id).due_at == DEADLINE + BELIEVED + ANSWER_GRACE
        services.now.moment = DEADLINE + BELIEVED + ANSWER_GRACE - timedelta(milliseconds=1)
        assert review(services, attempt_id) is Outlook.MOVES
        services.now.moment = DEADLINE + BELIEVED + ANSWER_GRACE
        assert review(services, attempt_id) in (Outlook.RESULT, Outlook.SCORING)

    def test_what_was_reached_is_taken_half_an_hour_later(self, services, asha, attempt_id):
        services.now.moment = DEADLINE + timedelta(seconds=20)
        review(services, attempt_id)
        services.now.moment = DEADLINE + BELIEVED - timedelta(seconds=1)
        reply = move(asha, attempt_id, *OFF_LINE)
        assert (reply.status_code, reply.json["state"]) == (200, "expired")
        spoken = services.papers.get("form_one").is_spoken
        for position in (1, 2):
            reply = answer(asha, attempt_id, position)
            assert (reply.status_code, reply.json.get("code")) == ((202, None) if spoken else (409, "answer_late"))
            kept = services.late_answers.find(f"{attempt_id}:{position}")
            assert state_of(services, attempt_id, position) is (ResponseState.QUEUED if spoken else None)
            assert (kept is None) is spoken

    def test_staff_see_that_something_may_still_come(self, services, asha, meera, attempt_id):
        services.now.moment = DEADLINE + timedelta(minutes=5)
        review(services, attempt_id)
        assert "1 student whose time ended before the last question" in meera.get("/tests/delivery/unscored").text
        services.now.moment = DEADLINE + BELIEVED + ANSWER_GRACE
        assert "whose time ended" not in meera.get("/tests/delivery/unscored").text


class TestWhereNothingIsWaitedFor:
    def test_a_format_that_waits_for_the_network(self, services, asha, attempt_id):
        for form_id in ("form_one", "form_two"):
            services.papers.add(replace(services.papers.get(form_id), goes_on_offline=False))
        score_all(services, attempt_id)
        services.now.moment = DEADLINE + timedelta(seconds=20)
        assert review(services, attempt_id) is Outlook.RESULT

    def test_every_question_was_opened(self, services, asha, attempt_id):
        for position in (1, 2, 3):
            move(asha, attempt_id, ("open", position, 20 * position))
            answer(asha, attempt_id, position)
            if position < 3:
                move(asha, attempt_id, ("close", position, 20 * position + 9))
        score_all(services, attempt_id)
        services.now.moment = DEADLINE + timedelta(seconds=20)
        assert review(services, attempt_id) is Outlook.RESULT


class TestBeforeTheMoves:
    """The device sends an answer first: `item_not_open` as long as the moves can still make it one in time."""

    def test_a_recording_has_until_no_move_is_taken_any_more(self, services, asha, attempt_id):
        for moment in (DEADLINE - timedelta(seconds=1), DEADLINE + BELIEVED - timedelta(seconds=1)):
            services.now.moment = moment
            review(services, attempt_id)
            assert answer(asha, attempt_id, 1).json["code"] == "item_not_open"
        assert services.late_answers.list_by_delivery("delivery") == []
        move(asha, attempt_id, *OFF_LINE)
        assert answer(asha, attempt_id, 1).status_code == 202

    @typed
    def test_a_text_has_its_journey_and_is_late_then(self, services, asha, attempt_id):
        services.now.moment = DEADLINE + ANSWER_GRACE - timedelta(seconds=1)
        review(services, attempt_id)
        assert answer(asha, attempt_id, 1).json["code"] == "item_not_open"
        move(asha, attempt_id, ("open", 1, LATE_IN_THE_TEST + 115))
        assert answer(asha, attempt_id, 1).status_code == 200
        services.now.moment = DEADLINE + ANSWER_GRACE
        assert answer(asha, attempt_id, 2).json["code"] == "answer_late"


@pytest.mark.parametrize("services", ["spoken", "typed"], indirect=True)
class TestAfterThat:
    @pytest.fixture
    def late(self, services, asha, attempt_id):
        """The network is back two hours later; the result is settled."""
        services.now.moment = DEADLINE + BELIEVED + ANSWER_GRACE
        review(services, attempt_id)
        if services.papers.get("form_one").is_spoken:
            settle(services, attempt_id)
        services.now.moment = DEADLINE + timedelta(hours=2)
        assert move(asha, attempt_id, *OFF_LINE).json["code"] == "attempt_not_open"
        return f"{attempt_id}:1"

    def test_it_is_kept_and_the_device_is_told_so(self, services, asha, attempt_id, late):
        before = services.attempts.find(attempt_id)
        for _ in range(2):
            reply = answer(asha, attempt_id, 1)
            assert (reply.status_code, reply.json["code"]) == (409, "answer_late")
        kept = services.late_answers.find(late)
        assert kept.state is LateState.WAITING
        assert kept.answer is None or kept.answer.text == "text 1"
        assert [services.blobs.get(each.blob_key) for each in kept.recordings] in ([], [WEBM + b"1"])
        assert (kept.answer is None) is bool(kept.recordings)
        assert services.attempts.find(attempt_id) == before, "nothing changes by itself"
        assert state_of(services, attempt_id, 1) is None

    def test_staff_read_or_hear_it(self, services, asha, meera, attempt_id, late):
        answer(asha, attempt_id, 1)
        page = meera.get("/tests/delivery/unscored").text
        assert "not known here that this question had been reached" in page
        sound = f"/tests/delivery/unscored/late/{late}/recordings/0"
        if services.papers.get("form_one").is_spoken:
            assert sound in page
            assert meera.get(sound).data == WEBM + b"1"
            assert meera.get(sound[:-1] + "1").status_code == 404
        else:
            assert "text 1" in page

    def test_accepted_it_is_scored_and_the_result_is_settled_anew(self, services, asha, meera, attempt_id, late):
        answer(asha, attempt_id, 1)
        for _ in range(2):
            assert meera.post_form(f"/tests/delivery/unscored/late/{late}/accept").status_code == 302
        assert state_of(services, attempt_id, 1) is ResponseState.QUEUED
        attempt = services.attempts.find(attempt_id)
        assert (attempt.state, attempt.settled_at) == (AttemptState.EXPIRED, None)
        if services.papers.get("form_one").is_spoken:
            settle(services, attempt_id)
            assert state_of(services, attempt_id, 1) is ResponseState.SCORED

    def test_left_it_changes_nothing(self, services, asha, meera, attempt_id, late):
        answer(asha, attempt_id, 1)
        before = services.attempts.find(attempt_id)
        meera.post_form(f"/tests/delivery/unscored/late/{late}/leave")
        assert services.attempts.find(attempt_id) == before
        assert state_of(services, attempt_id, 1) is None

    def test_another_campus_hears_nothing(self, services, asha, browse, attempt_id, late):
        answer(asha, attempt_id, 1)
        assert browse("omar").get(f"/tests/delivery/unscored/late/{late}/recordings/0").status_code == 404


class TestRecordingsInParts:
    def test_they_are_kept_apart_whole(self, services, asha, attempt_id):
        services.now.moment = DEADLINE + timedelta(hours=2)
        assert answer(asha, attempt_id, 1, until=500).json["offset"] == 500
        path = f"/api/attempts/{attempt_id}"
        sound = WEBM + b"1"
        reply = asha.send(path, sound, offset=500, position=1, recording_id="recording-1")
        assert (reply.status_code, reply.json["code"]) == (409, "answer_late")
        (kept,) = services.late_answers.find(f"{attempt_id}:1").recordings
        assert services.blobs.get(kept.blob_key) == sound
        assert services.uploads.list_by_attempt(attempt_id) == []

    def test_a_second_part_after_a_decision_waits_for_another(self, services, asha, meera, attempt_id):
        services.now.moment = DEADLINE + timedelta(hours=2)
        answer(asha, attempt_id, 1)
        late = f"{attempt_id}:1"
        meera.post_form(f"/tests/delivery/unscored/late/{late}/accept")
        asha.send(f"/api/attempts/{attempt_id}", WEBM + b"more", position=1, recording_id="recording-x", segment=1)
        kept = services.late_answers.find(late)
        assert (kept.state, len(kept.recordings)) == (LateState.WAITING, 2)
        meera.post_form(f"/tests/delivery/unscored/late/{late}/accept")
        assert [each.segment for each in services.responses.find(late).recordings] == [0, 1]

    def test_nothing_is_taken_from_a_device_after_the_grace_for_uploads(self, services, asha, attempt_id):
        services.now.moment = DEADLINE + UPLOAD_GRACE
        assert answer(asha, attempt_id, 1).json["code"] == "attempt_not_open"


def test_a_voided_attempt_keeps_nothing(services, asha, attempt_id):
    attempt = services.attempts.find(attempt_id)
    voided = replace(attempt, state=AttemptState.VOIDED, revision=attempt.revision + 1)
    services.attempts.save(voided, seen=attempt)
    assert answer(asha, attempt_id, 1).json["code"] == "attempt_not_open"
    assert services.late_answers.list_by_delivery("delivery") == []
