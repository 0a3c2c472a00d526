"""Accommodations: granted once, everywhere from then on, fixed at the start, visible to student and staff."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backend.app import create_app
from backend.core.errors import RuleViolation
from backend.features.accommodations.model import Accommodation, Measures, check_measures, ended, in_force
from backend.features.attempts.responses import WINDOW_SLACK_MS
from tests.support.exam import ALLOWED, CLOSES, OPENS, Browser, furnish, make_delivery, make_paper, sign_in_by_header
from tests.support.services_memory import build_memory_services

PAGE = "/students/asha/accommodations"
FORM = {
    "accommodation_id": "accommodation-1",
    "extra_time": "1.5",
    "break_minutes": "10",
    "replays": "1",
    "reason": "Office",
}
OWN_END = {"accommodation_id": "accommodation-2", "no_silence_end": "on", "reason": "Office"}


class TestPage:
    def test_granted_shown_with_reason_and_who_then_ended(self, world):
        meera = world.browser("meera")
        assert "Nothing was granted yet" in meera.get(PAGE).text
        assert meera.post(PAGE, data=FORM | {"larger_text": "on"}).status_code == 302
        meera.post(PAGE, data=FORM)
        (granted,) = world.services.accommodations.list_by_student("asha")
        assert granted.measures == Measures(extra_time=1.5, break_minutes=10, replays=1, larger_text=True)
        shown = meera.get(PAGE).text
        for text in ("1.5 times the usual time", "Breaks between parts, 10 minutes", "Larger text", "Office", "Meera"):
            assert text in shown
        for _ in range(2):
            meera.post(f"{PAGE}/{granted.id}/end")
        assert "usual conditions" in meera.get(PAGE).text
        events = [event for event in world.services.audit_log.events if event.subject_id == "asha"]
        assert [event.action for event in events] == ["accommodation_granted", "accommodation_ended"]
        assert events[0].details["extra_time"] == "1.5"
        assert "Office" not in str(events)

    def test_answers_that_silence_does_not_end_are_granted_alone(self, world):
        meera = world.browser("meera")
        assert meera.post(PAGE, data=OWN_END).status_code == 302
        (granted,) = world.services.accommodations.list_by_student("asha")
        assert granted.measures == Measures(no_silence_end=True)
        assert "Answers are not ended by silence</li>" in meera.get(PAGE).text
        event = next(each for each in world.services.audit_log.events if each.subject_id == "asha")
        assert event.details["no_silence_end"] == "true"
        assert "Silence ends an answer" in meera.get("/audit").text

    def test_a_refused_form_keeps_what_was_ticked(self, world):
        shown = world.browser("meera").post(PAGE, data=OWN_END | {"reason": " "}).text
        assert re.search(r'name="no_silence_end"[^>]* checked', shown)

    @pytest.mark.parametrize(
        "changes",
        [
            {"extra_time": "0.9"},
            {"extra_time": "3.5"},
            {"extra_time": "nan"},
            {"break_minutes": "121"},
            {"replays": "-1"},
            {"reason": " "},
            {"extra_time": "1", "break_minutes": "0", "replays": "0"},
            {"accommodation_id": "../x"},
        ],
    )
    def test_what_cannot_be_granted(self, world, changes):
        assert world.browser("meera").post(PAGE, data=FORM | changes).status_code == 422
        assert world.services.accommodations.list_by_student("asha") == []

    def test_another_students_grant_is_not_there(self, world):
        meera = world.browser("meera")
        meera.post(PAGE, data=FORM)
        assert meera.post("/students/ravi/accommodations/accommodation-1/end").status_code == 404
        assert world.services.accommodations.find("accommodation-1").is_in_force


def test_of_several_the_best_of_each():
    first = grant(Measures(extra_time=1.25, replays=2), "one")
    second = grant(Measures(extra_time=1.5, break_minutes=5, no_silence_end=True), "two")
    assert in_force([first, second]) == Measures(extra_time=1.5, break_minutes=5, replays=2, no_silence_end=True)
    with pytest.raises(RuleViolation):
        check_measures(Measures())


def grant(measures, name="one"):
    return Accommodation(
        id=name,
        campus_id="north",
        student_id="asha",
        measures=measures,
        reason="Office",
        granted_by="meera",
        granted_at=OPENS,
    )


class TestInTheExam:
    @pytest.fixture
    def services(self):
        return furnish(build_memory_services())

    def enter(self, app, actor="asha"):
        browser = Browser(http=app.test_client(), actor=actor)
        entered = browser.post("/api/deliveries/delivery/attempts").json
        return browser, f"/api/attempts/{entered['id']}", entered

    def test_a_factor_kept_once_holds_for_the_test_and_each_window(self, app, services):
        """Pain 11. Shown before the start, fixed at the start, also for the recording's length."""
        services.accommodations.add(grant(Measures(extra_time=1.5)))
        asha, path, entered = self.enter(app)
        assert entered["conditions"]["extra_time"] == 1.5
        assert entered["allowed_ms"] == ALLOWED.total_seconds() * 1500
        begun = asha.post(f"{path}/begin").json
        assert begun["deadline_at"] == (OPENS + ALLOWED * 1.5).isoformat()
        item = asha.move(path, "open", 0).json["item"]
        assert (item["window_ms"], item["begin_within_ms"], item["silence_end_ms"]) == (12_000, 6_000, 3_000)
        assert asha.send(path, duration_ms=99_000).status_code == 202
        (response,) = services.responses.list_by_attempt(entered["id"])
        assert response.recordings[0].duration_ms == 12_000 + WINDOW_SLACK_MS
        _, _, usual = self.enter(app, "ravi")
        assert usual["conditions"] == {
            "extra_time": 1.0,
            "break_ms": 0,
            "replays": 0,
            "larger_text": False,
            "no_silence_end": False,
        }

    def test_an_answer_that_silence_does_not_end(self, app, services):
        """Fixed at the start; the recording's limits are off, its window is the usual one, the candidate ends it."""
        services.accommodations.add(granted := grant(Measures(no_silence_end=True)))
        asha, path, entered = self.enter(app)
        assert entered["conditions"]["no_silence_end"]
        asha.post(f"{path}/begin")
        services.accommodations.end(ended(granted, by="meera", at=services.now()))
        item = asha.move(path, "open", 0).json["item"]
        assert (item["window_ms"], item["begin_within_ms"], item["silence_end_ms"]) == (8_000, 0, 0)
        assert asha.send(path, ended_by="candidate").status_code == 202
        (response,) = services.responses.list_by_attempt(entered["id"])
        assert (response.recordings[0].ended_by, response.is_cut_off) == ("candidate", False)
        assert asha.move(path, "close", 0).json["position"] == 1
        ravi, path, _ = self.enter(app, "ravi")
        ravi.post(f"{path}/begin")
        assert ravi.move(path, "open", 0).json["item"]["silence_end_ms"] == 2_000

    def test_what_is_granted_or_ended_later_changes_nothing(self, app, services):
        services.accommodations.add(grant(Measures(extra_time=2.0)))
        asha, path, _ = self.enter(app)
        deadline = asha.post(f"{path}/begin").json["deadline_at"]
        services.accommodations.add(grant(Measures(extra_time=3.0), "two"))
        again = asha.post("/api/deliveries/delivery/attempts").json
        assert (again["deadline_at"], again["conditions"]["extra_time"]) == (deadline, 2.0)

    def test_granted_between_entering_and_beginning_it_holds(self, app, services):
        asha, path, _ = self.enter(app)
        services.accommodations.add(grant(Measures(extra_time=2.0)))
        assert asha.post(f"{path}/begin").json["deadline_at"] == (OPENS + ALLOWED * 2).isoformat()

    def test_a_window_that_ends_sooner_is_told_before_and_after_the_start(self, app, services):
        """Pain 7: never full time on the screen when the window ends sooner."""
        services.now.moment = CLOSES - timedelta(minutes=5)
        ravi, path, entered = self.enter(app, "ravi")
        assert (entered["closes_at"], entered["allowed_ms"]) == (CLOSES.isoformat(), 1_200_000)
        assert ravi.post(f"{path}/begin").json["deadline_at"] == CLOSES.isoformat()

    def test_who_has_more_time_is_not_cut_by_a_window_made_for_others(self, app, services):
        services.accommodations.add(grant(Measures(extra_time=1.5)))
        services.now.moment = CLOSES - ALLOWED
        asha, path, entered = self.enter(app)
        assert entered["closes_at"] == (CLOSES + ALLOWED * 0.5).isoformat()
        assert asha.post(f"{path}/begin").json["deadline_at"] == (CLOSES + ALLOWED * 0.5).isoformat()

    def test_a_break_between_parts(self, services):
        parts = make_paper()
        section = parts.sections[0]
        second = {"letter": "B", "first_position": 2, "item_count": 2}
        services = furnish(build_memory_services(), paper=_in_parts(parts, section, second))
        services.accommodations.add(grant(Measures(break_minutes=10)))
        app = create_app(services=services)
        sign_in_by_header(app)
        asha, path, _ = self.enter(app)
        asha.post(f"{path}/begin")
        assert asha.post(f"{path}/break").json["code"] == "no_break_now"
        for position in (0, 1):
            asha.move_all(path, [("open", position), ("close", position)])
        deadline = asha.get(path).json["deadline_at"]
        resting = asha.post(f"{path}/break").json
        assert (resting["state"], resting["break_left_ms"]) == ("paused", 600_000)
        assert resting["break_until"] is not None
        services.now.move(minutes=4)
        going_on = asha.post(f"{path}/break/end").json
        assert going_on["state"] == "in_progress"
        assert going_on["deadline_at"] > deadline
        assert (going_on["break_left_ms"], going_on["break_until"]) == (360_000, None)
        asha.post(f"{path}/break")
        services.now.move(minutes=7)
        assert asha.get(path).json["state"] == "in_progress"

    def test_a_prompt_once_more(self, app, services):
        services.accommodations.add(grant(Measures(replays=1)))
        asha, path, _ = self.enter(app)
        asha.post(f"{path}/begin")
        item = asha.move(path, "open", 0).json["item"]
        assert (item["replays_left"], item["heard"]) == (1, 0)
        services.now.move(seconds=3)
        again = asha.post(f"{path}/hearings", {"position": 0, "number": 1}).json["item"]
        assert (again["replays_left"], again["heard"], again["prompt"]["duration_ms"]) == (0, 1, 7_000)
        assert asha.post(f"{path}/hearings", {"position": 0, "number": 2}).json["code"] == "no_replay_left"


def _in_parts(paper, section, second):
    return replace(paper, sections=(replace(section, item_count=2), replace(section, **second)))


@pytest.mark.parametrize(
    ("opens", "zone"), [("2026-03-29T00:30:00+00:00", "Europe/Berlin"), ("2026-10-25T00:30:00+00:00", "Europe/Berlin")]
)
def test_the_clocks_going_back_or_forward_in_the_middle_changes_no_candidates_time(opens, zone):
    """Pain 12: a deadline is a moment, so an hour that the zone skips or repeats is no minute more or less."""
    begins = datetime.fromisoformat(opens)
    delivery = make_delivery(opens_at=begins, closes_at=begins + timedelta(hours=3), time_zone=zone)
    services = furnish(build_memory_services(), delivery=delivery)
    services.now.moment = begins + timedelta(minutes=20)
    app = create_app(services=services)
    sign_in_by_header(app)
    asha = Browser(http=app.test_client(), actor="asha")
    attempt_id = asha.post("/api/deliveries/delivery/attempts").json["id"]
    begun = asha.post(f"/api/attempts/{attempt_id}/begin").json
    assert datetime.fromisoformat(begun["deadline_at"]) - services.now() == ALLOWED
