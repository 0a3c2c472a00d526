"""Two machines of one installation whose clocks differ by some seconds: nothing is lost, nothing happens twice, and no
time is given beyond the difference (docs/operations.md, "Many machines")."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.app import create_app
from backend.features.attempts.answers import ANSWER_GRACE
from backend.features.attempts.engine.moves import BELIEVED
from backend.features.attempts.model import AttemptState
from backend.features.attempts.responses import ResponseState
from backend.features.items.model import AnswerKind
from backend.features.ratings.model import Outlook
from backend.features.ratings.tasks import desk_of
from backend.features.ratings.usecases import review_attempt, sweep_deadlines
from tests.support.exam import ALLOWED, OPENS, Browser, furnish, make_paper, sign_in_by_header
from tests.support.services_memory import build_memory_services

DEADLINE = OPENS + ALLOWED
SKEW = timedelta(seconds=4)


class Machines:
    """One installation on two machines: `slow` is behind the true time by half of SKEW, `fast` as much ahead."""

    def __init__(self):
        paper = make_paper(tasks=("essay",) * 4)
        items = (
            replace(item, answer_kind=AnswerKind.TEXT, prompt_key=None, prompt_ms=0, window_ms=60_000)
            for item in paper.items
        )
        shared = furnish(build_memory_services(), paper=replace(paper, items=tuple(items)))
        self.clock, self.shared = shared.now, shared
        self.slow_services = replace(shared, now=lambda: shared.now() - SKEW / 2)
        self.fast_services = replace(shared, now=lambda: shared.now() + SKEW / 2)
        self.slow, self.fast = self._browser(self.slow_services), self._browser(self.fast_services)
        self.clock.move(seconds=10)
        self.id = self.slow.post("/api/deliveries/delivery/attempts").json["id"]

    @staticmethod
    def _browser(services):
        app = create_app(services=services)
        sign_in_by_header(app)
        return Browser(http=app.test_client(), actor="asha")

    @property
    def attempt(self):
        return self.shared.attempts.find(self.id)

    def begin(self, browser):
        assert browser.post(f"/api/attempts/{self.id}/begin").status_code == 200
        return self.attempt.deadline_at

    def move(self, browser, *moves, at):
        listed = [{"kind": kind, "position": position, "at": at.isoformat()} for kind, position in moves]
        return browser.post(f"/api/attempts/{self.id}/moves", {"moves": listed})

    def save(self, browser, position, number):
        body = {"sequence": [1, number], "content": {"text": f"{position}.{number}"}}
        path = f"/api/attempts/{self.id}/answers/{position}"
        return browser.http.put(path, json=body, headers={"X-Actor": "asha"})

    def text(self, position):
        return self.shared.responses.find(f"{self.id}:{position}").answer.text


@pytest.fixture
def machines():
    return Machines()


def test_an_exam_whose_calls_go_to_both_in_turn_keeps_every_answer_and_ends_once(machines):
    machines.begin(machines.fast)
    turns = [machines.slow, machines.fast] * 20
    dated = []
    for position in range(4):
        moves = [("close", position - 1)] * (position > 0) + [("open", position)]
        assert machines.move(turns.pop(), *moves, at=machines.clock()).status_code == 200
        dated.append(machines.attempt.moved_at)
        for number in (1, 2, 3):
            machines.clock.move(seconds=1)
            assert machines.save(turns.pop(), position, number).status_code == 200
            assert machines.text(position) == f"{position}.{number}"
    last = [("close", 3)]
    assert {machines.move(each, *last, at=machines.clock()).status_code for each in turns[:2]} == {200}
    assert dated == sorted(dated), "no move is dated before the one before it"
    assert machines.attempt.state is AttemptState.SUBMITTED
    states = {each.state for each in machines.shared.responses.list_by_attempt(machines.id)}
    assert states == {ResponseState.QUEUED}


def test_what_the_fast_one_ended_early_is_still_taken_on_the_slow_one(machines):
    deadline = machines.begin(machines.slow)
    machines.move(machines.slow, ("open", 0), at=machines.clock())
    machines.clock.moment = deadline - timedelta(seconds=1)
    sweep_deadlines(desk=desk_of(machines.fast_services), now=machines.fast_services.now())
    assert machines.attempt.state is AttemptState.EXPIRED
    assert machines.attempt.submitted_at == deadline, "it ended at its deadline all the same"
    made_at = machines.clock() - timedelta(seconds=1)
    assert machines.move(machines.slow, ("close", 0), ("open", 1), at=made_at).status_code == 200
    assert machines.save(machines.slow, 1, 1).status_code == 200
    assert machines.save(machines.fast, 1, 2).status_code == 200


@pytest.mark.parametrize("name", ["slow", "fast"])
def test_no_clock_gives_more_than_the_grace_and_its_own_difference(machines, name):
    deadline = machines.begin(machines.slow)
    machines.move(machines.slow, ("open", 0), at=machines.clock())
    machines.clock.moment = deadline - timedelta(seconds=50)
    machines.move(machines.slow, ("close", 0), ("open", 1), at=machines.clock())
    late_by = {"slow": SKEW / 2, "fast": -SKEW / 2}[name]
    end = deadline + ANSWER_GRACE + late_by
    machines.clock.moment = end - timedelta(milliseconds=1)
    assert machines.save(getattr(machines, name), 1, 1).status_code == 200
    machines.clock.moment = end
    assert machines.save(getattr(machines, name), 1, 2).json["code"] == "answer_late"
    assert machines.text(1) == "1.1"


def test_the_result_waits_on_the_fast_one_for_moves_that_the_slow_one_takes(machines):
    """The ten seconds after the last move bear the difference."""
    deadline = machines.begin(machines.slow)
    machines.clock.moment = deadline + BELIEVED + SKEW / 2 - timedelta(milliseconds=1)
    sweep_deadlines(desk=desk_of(machines.fast_services), now=machines.fast_services.now())
    fast = desk_of(machines.fast_services)
    assert review_attempt(attempt_id=machines.id, desk=fast, now=machines.fast_services.now()) is Outlook.MOVES
    made_at = deadline - timedelta(minutes=1)
    assert machines.move(machines.slow, ("open", 0), at=made_at).status_code == 200
    assert machines.attempt.was_opened(0)
