"""Controls of an exam that goes on: for one, some, all; audited once; safe to repeat."""

import pytest

from backend.core.errors import Conflict
from backend.features.attempts import usecases as exam
from backend.features.attempts.engine import usecases
from backend.features.attempts.engine.controls import Control, ControlKind
from backend.features.attempts.engine.news import tell_clock
from backend.features.attempts.engine.tasks import control_room_of
from backend.features.attempts.model import settled
from backend.features.results.model import Release, ReleaseState
from backend.features.results.tasks import settle
from backend.features.results.usecases import Releasing, release_result
from tests.support.builders_results import make_result
from tests.support.exam import CLOSES, OPENS, furnish
from tests.support.services_memory import build_memory_services

CONTROLS = "/api/deliveries/delivery/controls"


@pytest.fixture
def services():
    return furnish(build_memory_services())


def begin(browser):
    attempt_id = browser.post("/api/deliveries/delivery/attempts").json["id"]
    assert browser.post(f"/api/attempts/{attempt_id}/begin").json["state"] == "in_progress"
    return attempt_id


@pytest.fixture
def both(browse):
    return [begin(browse("asha")), begin(browse("ravi"))]


def control(browser, action, chosen="all", *, control_id="control-one-1", reason="Fire alarm", **more):
    body = {"control_id": control_id, "action": action, "attempt_ids": chosen, "reason": reason} | more
    return browser.post(CONTROLS, body)


def actions(services):
    return sorted((event.action, event.subject_id) for event in services.audit_log.events)


def test_a_pause_for_all_reaches_everybody_is_told_at_once_and_audited_once(meera, browse, services, both):
    report = control(meera, "pause").json
    assert sorted(report["changed"]) == sorted(both)
    for attempt_id in both:
        attempt = services.attempts.find(attempt_id)
        assert attempt.state.value == "paused"
        event = (f"attempt:{attempt_id}", "attempt_changed", tell_clock(attempt, now=services.now()))
        assert event in services.feed.events
    expected = sorted([*(("attempt_paused", attempt_id) for attempt_id in both), ("delivery_paused", "delivery")])
    assert actions(services) == expected
    again = control(meera, "pause").json
    assert (again["changed"], again["refused"]) == ([], {})
    assert actions(services) == expected
    assert all(event.actor_id == "meera" for event in services.audit_log.events)
    shown = browse("asha").get(f"/api/attempts/{both[0]}").json
    assert (shown["state"], shown["item"]) == ("paused", None)


def test_while_it_is_paused_for_all_nobody_begins_and_closing_waits(meera, browse, services):
    asha = browse("asha")
    attempt_id = asha.post("/api/deliveries/delivery/attempts").json["id"]
    control(meera, "pause")
    reply = asha.post(f"/api/attempts/{attempt_id}/begin")
    assert (reply.status_code, reply.json["code"]) == (409, "delivery_not_open")
    services.now.moment = CLOSES
    services.now.move(minutes=10)
    control(meera, "resume", control_id="control-two-2")
    assert asha.post(f"/api/attempts/{attempt_id}/begin").json["state"] == "in_progress"
    delivery = services.deliveries.find("delivery")
    assert delivery.closes_at - CLOSES == services.now() - OPENS


def test_who_was_just_beginning_is_paused_too(browse, meera, services):
    """The pause comes between the look at the delivery and the write that starts the clock."""
    asha = browse("asha")
    attempt_id = asha.post("/api/deliveries/delivery/attempts").json["id"]
    save = services.attempts.save

    def save_late(attempt, *, seen):
        services.attempts.save = save
        control(meera, "pause")
        return save(attempt, seen=seen)

    services.attempts.save = save_late
    assert asha.post(f"/api/attempts/{attempt_id}/begin").json["state"] == "paused"


def test_an_extension_for_all_also_moves_closing(meera, services, both):
    before = [services.attempts.find(attempt_id).deadline_at for attempt_id in both]
    assert len(control(meera, "extend", minutes=10).json["changed"]) == 2
    control(meera, "extend", minutes=10)
    moved = [services.attempts.find(attempt_id).deadline_at for attempt_id in both]
    assert [(late - early).total_seconds() for late, early in zip(moved, before, strict=True)] == [600, 600]
    assert (services.deliveries.find("delivery").closes_at - CLOSES).total_seconds() == 600


def test_one_only(meera, services, both):
    assert control(meera, "pause", [both[0]]).json["changed"] == [both[0]]
    assert [services.attempts.find(each).state.value for each in both] == ["paused", "in_progress"]
    assert services.deliveries.find("delivery").held_at is None


def test_one_of_another_delivery_is_not_there_and_nothing_is_done(meera, services, both):
    reply = control(meera, "void", [both[0], "no-such-attempt"])
    assert (reply.status_code, reply.json["code"]) == (404, "not_found")
    assert services.attempts.find(both[0]).state.value == "in_progress"
    assert services.audit_log.events == []


def test_what_is_refused_is_named_and_the_others_go_through(meera, services, both):
    control(meera, "void", [both[0]], control_id="control-void")
    report = control(meera, "pause", both).json
    assert report["changed"] == [both[1]]
    assert report["refused"] == {both[0]: "attempt_voided"}


@pytest.mark.parametrize(
    "body",
    [
        {"action": "stop"},
        {"attempt_ids": []},
        {"attempt_ids": "everybody"},
        {"attempt_ids": [{"$ne": None}]},
        {"action": "extend"},
        {"action": "extend", "minutes": 0},
        {"action": "pause", "minutes": 5},
        {"action": "void", "reason": " "},
        {"control_id": "x"},
        {"state": "submitted"},
    ],
)
def test_what_is_not_understood_is_refused(meera, services, both, body):
    base = {"control_id": "control-one-1", "action": "pause", "attempt_ids": "all", "reason": "Fire"}
    assert meera.post(CONTROLS, base | body).status_code == 422
    assert {services.attempts.find(each).state.value for each in both} == {"in_progress"}
    assert services.audit_log.events == []


@pytest.mark.parametrize("actor", ["asha", "omar"])
def test_others_find_nothing_to_control(browse, services, both, actor):
    assert control(browse(actor), "void").json["code"] == "not_found"
    assert {services.attempts.find(each).state.value for each in both} == {"in_progress"}


def test_a_released_result_blocks_reopening_and_voiding(meera, services, both):
    services.now.move(minutes=21)
    services.releases.add(
        Release(
            id=f"{both[0]}-1",
            state=ReleaseState.RELEASED,
            attempt_id=both[0],
            campus_id="north",
            delivery_id="delivery",
            student_id="asha",
            released_at=services.now(),
            released_by="meera",
        )
    )
    for action in ("reopen", "void"):
        report = control(
            meera, action, both, control_id=f"control-{action}", **({"minutes": 5} if action == "reopen" else {})
        )
        assert report.json["refused"] == {both[0]: "result_released"}


def _settled(services, attempt_id):
    services.now.moment = CLOSES
    exam.catch_up(attempt_id=attempt_id, attempts=services.attempts, now=services.now())
    seen = services.attempts.find(attempt_id)
    assert services.attempts.save(settled(seen, at=services.now()), seen=seen)
    result = make_result(attempt_id)
    services.results.add(result)
    return result


def _release(services, result):
    releasing = Releasing(
        actor_id="meera",
        attempts=services.attempts,
        releases=services.releases,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    return release_result(result=result, releasing=releasing)


def _is_released(services, result):
    release = services.releases.find(result.id)
    return release is not None and release.is_open


@pytest.mark.parametrize("action", ["reopen", "void"])
def test_a_release_comes_between_the_look_and_the_write_of_a_reopening(meera, services, both, action):
    result = _settled(services, both[0])
    save = services.attempts.save

    def release_first(attempt, *, seen):
        services.attempts.save = save
        assert _release(services, result)
        return save(attempt, seen=seen)

    services.attempts.save = release_first
    minutes = {"minutes": 5} if action == "reopen" else {}
    assert control(meera, action, [both[0]], **minutes).json["refused"] == {both[0]: "result_released"}
    assert services.attempts.find(both[0]).is_over
    assert _is_released(services, result)


@pytest.mark.parametrize("action", ["reopen", "void"])
def test_a_reopening_comes_between_the_look_and_the_write_of_a_release(meera, services, both, action):
    result = _settled(services, both[0])
    add = services.releases.add
    minutes = {"minutes": 5} if action == "reopen" else {}

    def reopen_first(release):
        services.releases.add = add
        assert control(meera, action, [both[0]], **minutes).json["changed"] == [both[0]]
        return add(release)

    services.releases.add = reopen_first
    with pytest.raises(Conflict) as refusal:
        _release(services, result)
    assert refusal.value.code == "attempt_not_over"
    assert not services.attempts.find(both[0]).is_over
    assert not _is_released(services, result)


def test_a_crash_anywhere_leaves_a_control_that_repeating_completes(services, both):
    """Death before each write in turn: afterwards everything is as if it had never happened, with one entry each."""
    writes = 0
    while True:
        world = furnish(build_memory_services())
        ids = [_begin_plainly(world, student) for student in ("asha", "ravi")]
        died = _control_dying(world, at=writes)
        _control(world)
        assert [world.attempts.find(each).extra_ms for each in ids] == [300_000, 300_000]
        assert len(actions(world)) == len(set(actions(world))) == 3
        if not died:
            break
        writes += 1
    assert writes >= 5


class Died(Exception):
    """The process is gone."""


def _control_dying(world, *, at):
    count = 0

    def dying(method):
        def call(*args, **kwargs):
            nonlocal count
            if count == at:
                raise Died
            count += 1
            return method(*args, **kwargs)

        return call

    spots = [(world.attempts, "save"), (world.deliveries, "save"), (world.audit_log, "add_absent")]
    kept = [getattr(owner, name) for owner, name in spots]
    for owner, name in spots:
        setattr(owner, name, dying(getattr(owner, name)))
    try:
        _control(world)
    except Died:
        return True
    finally:
        for (owner, name), method in zip(spots, kept, strict=True):
            setattr(owner, name, method)
    return False


def _begin_plainly(world, student):
    delivery, now = world.deliveries.find("delivery"), world.now()
    entered = exam.enter_attempt(
        delivery=delivery, student_id=student, attempts=world.attempts, now=now, new_id=world.new_id
    )
    paper = world.papers.get(entered.form_id)
    exam.begin_attempt(
        attempt=entered,
        delivery=delivery,
        paper=paper,
        attempts=world.attempts,
        deliveries=world.deliveries,
        now=now,
    )
    return entered.id


def _control(world):
    asked = Control(id="control-one-1", kind=ControlKind.EXTEND, by="meera", reason="", minutes=5)
    delivery = world.deliveries.find("delivery")
    return usecases.control_all(delivery=delivery, control=asked, room=control_room_of(world), now=world.now())


def test_a_control_that_comes_too_late_after_all_says_so_in_the_log(meera, browse, services, both, monkeypatch):
    save = services.attempts.save

    def end_first(attempt, *, seen):
        services.attempts.save = save
        control(meera, "void", [both[0]], control_id="control-void")
        return save(attempt, seen=seen)

    services.attempts.save = end_first
    report = control(meera, "pause", [both[0]]).json
    assert report["refused"] == {both[0]: "attempt_voided"}
    assert [action for action, _ in actions(services)] == [
        "attempt_control_refused",
        "attempt_paused",
        "attempt_voided",
    ]


def _die_before_the_attempts(services, meera, action, **more):
    """The process that serves the control for everybody is gone once it is told: no attempt has it written yet."""
    save = services.attempts.save
    services.attempts.save = _die
    with pytest.raises(Died):
        control(meera, action, **more)
    services.attempts.save = save


def _die(*_args, **_kwargs):
    raise Died


def test_a_pause_for_all_holds_before_it_is_written_to_each_attempt(meera, browse, services, both):
    given_at = services.now()
    _die_before_the_attempts(services, meera, "pause")
    told = [payload for room, event, payload in services.feed.events if event == "attempt_changed"][-2:]
    assert [each["state"] for each in told] == ["paused", "paused"]
    services.now.move(seconds=5)
    asha = browse("asha")
    refused = asha.post(
        f"/api/attempts/{both[0]}/moves", {"moves": [{"kind": "open", "position": 0, "at": services.now().isoformat()}]}
    )
    assert (refused.status_code, refused.json["code"]) == (409, "attempt_paused")
    assert browse("ravi").get(f"/api/attempts/{both[1]}").json["state"] == "paused"
    assert {services.attempts.find(each).paused_at for each in both} == {given_at}
    assert sorted(action for action, _ in actions(services)) == ["attempt_paused"] * 2 + ["delivery_paused"]


def test_what_a_process_left_under_way_is_found_by_the_sweep(meera, services, both):
    """Also for an attempt whose time ran out meanwhile: the extension was given before."""
    before = services.attempts.find(both[0]).deadline_at
    services.now.moment = before
    services.now.move(seconds=-10)
    _die_before_the_attempts(services, meera, "extend", minutes=5)
    services.now.move(seconds=20)
    exam.catch_up(attempt_id=both[0], attempts=services.attempts, now=services.now())
    assert services.attempts.find(both[0]).state.value == "expired"
    room = control_room_of(services)
    assert usecases.finish_stranded(room=room, now=services.now()) == 0
    services.now.move(seconds=11)
    assert usecases.finish_stranded(room=room, now=services.now()) == 1
    found = [services.attempts.find(each) for each in both]
    assert {attempt.state.value for attempt in found} == {"in_progress"}
    assert {(attempt.deadline_at - before).total_seconds() for attempt in found} == {300}
    assert usecases.finish_stranded(room=room, now=services.now()) == 0
    assert len(actions(services)) == 3


def test_who_is_let_go_alone_is_not_paused_again_by_what_is_under_way(meera, services, both):
    control(meera, "pause", [both[0]], control_id="control-first")
    _die_before_the_attempts(services, meera, "pause")
    control(meera, "resume", [both[0]], control_id="control-alone")
    services.now.move(seconds=31)
    usecases.finish_stranded(room=control_room_of(services), now=services.now())
    assert [services.attempts.find(each).state.value for each in both] == ["in_progress", "paused"]


def test_a_voided_attempt_never_settles_and_its_result_is_not_released(meera, services, both):
    services.now.move(minutes=21)
    control(meera, "void", [both[0]])
    settle(both[0], services)
    assert services.results.list_by_attempt(both[0]) == []
    assert services.attempts.find(both[0]).settled_at is None


def test_after_a_void_the_student_begins_anew(meera, browse, both):
    control(meera, "void", [both[0]])
    again = browse("asha").post("/api/deliveries/delivery/attempts").json
    assert (again["number"], again["state"]) == (2, "checking")
