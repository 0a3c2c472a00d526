"""A part with a time limit over the exam's API: all its items at once, and their end at once."""

from datetime import timedelta

import pytest

from backend.features.accommodations.model import Accommodation, Measures
from backend.features.attempts import answers
from backend.features.attempts.responses import ResponseState
from tests.support.exam import OPENS, PART_MS, furnish, make_parts_paper
from tests.support.services_memory import build_memory_services


@pytest.fixture
def paper():
    return make_parts_paper(goes_on_offline=False)


@pytest.fixture
def services(paper):
    return furnish(build_memory_services(), paper=paper)


@pytest.fixture
def path(asha):
    """Of Asha's attempt, with the part open."""
    attempt_id = asha.post("/api/deliveries/delivery/attempts").json["id"]
    path = f"/api/attempts/{attempt_id}"
    asha.post(f"{path}/begin")
    moves = [("open", 0), ("close", 0), ("open", 1)]
    assert asha.move_all(path, moves).status_code == 200
    return path


def save(browser, path, text, number, *, position):
    body = {"sequence": [1, number], "content": {"text": text}}
    return browser.http.put(f"{path}/answers/{position}", json=body, headers={"X-Actor": browser.actor})


def test_all_its_items_are_told_with_one_clock_and_what_was_answered(asha, path, services):
    services.now.move(seconds=20)
    save(asha, path, "third", 1, position=3)
    seen = asha.get(path).json
    assert [item["position"] for item in seen["part_items"]] == [1, 2, 3]
    assert {(item["elapsed_ms"], item["window_ms"]) for item in seen["part_items"]} == {(20_000, PART_MS)}
    assert [item["draft"] and item["draft"]["content"] for item in seen["part_items"]] == [
        None,
        None,
        {"text": "third"},
    ]
    assert seen["item"]["position"] == 1
    assert [section["time_limit_ms"] for section in seen["sections"]] == [None, PART_MS, None]
    assert asha.move(path, "open", 1).json["part_items"] == seen["part_items"]


def test_an_item_that_stands_alone_has_no_part(asha, path):
    reply = asha.move_all(path, [("close", 3), ("open", 4)]).json
    assert (reply["item"]["position"], reply["part_items"]) == (4, [])


def test_it_is_finished_once_and_takes_nothing_afterwards(asha, path, services):
    for position in (2, 1):
        assert save(asha, path, "first", 1, position=position).status_code == 200
    assert save(asha, path, "changed", 2, position=2).status_code == 200
    assert asha.move(path, "close", 2).json["code"] == "item_not_current"
    assert asha.move(path, "close", 3).json["position"] == 4
    assert len(services.jobs.take()) == 2
    assert asha.move(path, "close", 3).status_code == 200
    assert services.jobs.take() == []
    services.now.move(seconds=11)
    for position in (1, 2, 3):
        reply = save(asha, path, "too late", 9, position=position)
        assert (reply.status_code, reply.json["code"]) == (409, "answer_late")
    responses = services.responses.list_by_attempt(path.rsplit("/", 1)[1])
    assert [(each.position, each.state, each.answer.text) for each in responses] == [
        (1, ResponseState.QUEUED, "first"),
        (2, ResponseState.QUEUED, "changed"),
    ]


def test_its_time_is_over_for_all_its_items_at_once(asha, path, services):
    save(asha, path, "in time", 1, position=1)
    services.now.moment = OPENS + timedelta(milliseconds=PART_MS) + answers.ANSWER_GRACE
    for position in (1, 2):
        assert save(asha, path, "too late", 2, position=position).json["code"] == "answer_late"


def test_a_pause_stops_its_clock_and_takes_no_answer_of_any_item(asha, meera, path, services):
    for position in (1, 2):
        save(asha, path, "before", 1, position=position)
    services.now.move(seconds=30)
    control(meera, "pause")
    services.now.move(minutes=30)
    for position in (1, 2, 3):
        assert save(asha, path, "meanwhile", 2, position=position).json["code"] == "answer_late"
    control(meera, "resume")
    assert asha.get(path).json["item"]["elapsed_ms"] == 30_000
    services.now.move(seconds=80)
    for position in (1, 2, 3):
        assert save(asha, path, "after", 3, position=position).status_code == 200


def test_who_has_more_time_has_it_for_the_part(services, asha):
    granted = Accommodation(
        id="one",
        campus_id="north",
        student_id="asha",
        measures=Measures(extra_time=1.5),
        reason="As certified",
        granted_by="meera",
        granted_at=OPENS,
    )
    services.accommodations.add(granted)
    path = f"/api/attempts/{asha.post('/api/deliveries/delivery/attempts').json['id']}"
    asha.post(f"{path}/begin")
    seen = asha.move_all(path, [("open", 0), ("close", 0), ("open", 1)]).json
    assert seen["sections"][1]["time_limit_ms"] == PART_MS * 1.5
    assert {item["window_ms"] for item in seen["part_items"]} == {PART_MS * 1.5}


def test_those_who_oversee_see_which_items_are_open(path, services):
    event = [payload for _, name, payload in services.feed.events if name == "attempt_progressed"][-1]
    assert (event["section_letter"], event["position"], event["items_open"]) == ("B", 1, 3)


def control(browser, action):
    body = {"control_id": f"control-{action}", "action": action, "attempt_ids": "all", "reason": "Fire alarm"}
    assert browser.post("/api/deliveries/delivery/controls", body).status_code == 200
