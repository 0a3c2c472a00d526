"""Typed and chosen answers over the exam's API: saved, handed in, late (docs/adr/0090)."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from backend.features.attempts import answers
from backend.features.attempts.answers import ANSWER_GRACE, OFFLINE
from backend.features.attempts.engine.pauses import paused
from backend.features.attempts.responses import ResponseState
from backend.features.items.model import AnswerKind
from backend.features.ratings.model import Outlook
from backend.features.ratings.tasks import desk_of
from backend.features.ratings.usecases import review_attempt
from tests.support.exam import Browser, furnish, make_paper
from tests.support.services_memory import build_memory_services


def typed_paper(*, goes_on_offline=True, practice=0):
    paper = make_paper(tasks=("essay",) * 3, practice=practice)
    items = tuple(
        replace(item, answer_kind=AnswerKind.TEXT, prompt_key=None, prompt_ms=0, window_ms=60_000)
        for item in paper.items
    )
    return replace(paper, items=items, goes_on_offline=goes_on_offline)


@pytest.fixture
def paper():
    return typed_paper()


@pytest.fixture
def services(paper):
    return furnish(build_memory_services(), paper=paper)


@pytest.fixture
def attempt_id(asha):
    attempt_id = asha.post("/api/deliveries/delivery/attempts").json["id"]
    assert asha.post(f"/api/attempts/{attempt_id}/begin").json["state"] == "in_progress"
    return attempt_id


def move(browser, attempt_id, kind, position):
    reply = browser.move(f"/api/attempts/{attempt_id}", kind, position)
    assert reply.status_code == 200, reply.json
    return reply.json


def save(browser, attempt_id, text, number, *, position=0, epoch=1, content=None):
    body = {"sequence": [epoch, number], "content": content or {"text": text}}
    path = f"/api/attempts/{attempt_id}/answers/{position}"
    return browser.http.put(path, json=body, headers={"X-Actor": browser.actor})


def stored(services, attempt_id, position=0):
    return services.responses.find(f"{attempt_id}:{position}")


class TestSaving:
    def test_the_newest_is_kept_and_acknowledged(self, asha, attempt_id, services):
        move(asha, attempt_id, "open", 0)
        first = save(asha, attempt_id, "I go", 1)
        assert (first.status_code, first.json["position"], first.json["sequence"]) == (200, 0, [1, 1])
        services.now.move(seconds=3)
        second = save(asha, attempt_id, "I go home", 2)
        assert second.json["sequence"] == [1, 2]
        assert second.json["saved_at"] > first.json["saved_at"]
        response = stored(services, attempt_id)
        assert (response.state, response.answer.text) == (ResponseState.DRAFT, "I go home")

    def test_a_usual_save_reads_nothing(self, asha, attempt_id, services, monkeypatch):
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "I go", 1)

        def refuse(*_):
            raise AssertionError("read")

        monkeypatch.setattr(services.attempts, "find", refuse)
        monkeypatch.setattr(services.responses, "find", refuse)
        assert save(asha, attempt_id, "I go home", 2).status_code == 200

    @pytest.mark.parametrize(("epoch", "number"), [(1, 4), (1, 5), (0, 9)])
    def test_an_older_or_the_same_sequence_answers_what_is_stored(self, asha, attempt_id, services, epoch, number):
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "newer", 5)
        reply = save(asha, attempt_id, "older", number, epoch=epoch)
        assert (reply.status_code, reply.json["sequence"]) == (200, [1, 5])
        assert stored(services, attempt_id).answer.text == "newer"

    def test_a_later_epoch_wins_over_a_higher_number(self, asha, attempt_id, services):
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "first machine", 900, epoch=1)
        assert save(asha, attempt_id, "second machine", 1, epoch=2).json["sequence"] == [2, 1]
        assert stored(services, attempt_id).answer.text == "second machine"

    def test_of_many_at_once_the_newest_stays(self, app, asha, attempt_id, services):
        move(asha, attempt_id, "open", 0)
        barrier = threading.Barrier(8)

        def run(number):
            browser = Browser(http=app.test_client(), actor="asha")
            barrier.wait()
            for turn in range(5):
                assert save(browser, attempt_id, f"{number}.{turn}", 10 * turn + number).status_code == 200

        threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert stored(services, attempt_id).answer.text == "7.4"

    def test_a_page_that_goes_on_gets_its_draft(self, asha, attempt_id):
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "half a sent", 3)
        draft = {"sequence": [1, 3], "content": {"text": "half a sent"}}
        assert asha.get(f"/api/attempts/{attempt_id}").json["item"]["draft"] == draft
        assert move(asha, attempt_id, "open", 0)["item"]["draft"] == draft

    def test_another_student_reaches_nothing(self, asha, ravi, attempt_id, services):
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "mine", 1)
        assert save(ravi, attempt_id, "stolen", 2).status_code == 404
        assert stored(services, attempt_id).answer.text == "mine"

    @pytest.mark.parametrize("content", [{"choices": [1]}, {"texts": ["a"]}, {"text": "a", "choices": [1]}])
    def test_an_answer_of_another_kind_is_refused(self, asha, attempt_id, content):
        move(asha, attempt_id, "open", 0)
        reply = save(asha, attempt_id, "", 1, content=content)
        assert (reply.status_code, reply.json["code"]) == (422, "answer_of_other_kind")

    def test_what_was_never_opened_is_refused(self, asha, attempt_id, services):
        reply = save(asha, attempt_id, "early", 1)
        assert (reply.status_code, reply.json["code"]) == (409, "item_not_open")
        assert stored(services, attempt_id) is None


class TestHandingIn:
    def test_closing_queues_the_draft(self, asha, attempt_id, services):
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "done", 1)
        move(asha, attempt_id, "close", 0)
        assert stored(services, attempt_id).state is ResponseState.QUEUED
        assert [job[0] for job in services.jobs.take()] == ["ratings.score_response"]

    def test_an_answer_that_the_close_overtook_is_scored(self, asha, attempt_id, services):
        move(asha, attempt_id, "open", 0)
        move(asha, attempt_id, "close", 0)
        move(asha, attempt_id, "open", 1)
        assert save(asha, attempt_id, "overtaken", 1).status_code == 200
        assert stored(services, attempt_id).state is ResponseState.QUEUED

    def test_a_newer_one_within_the_window_queues_again(self, asha, attempt_id, services):
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "do", 1)
        move(asha, attempt_id, "close", 0)
        assert save(asha, attempt_id, "done", 2).status_code == 200
        response = stored(services, attempt_id)
        assert (response.state, response.answer.text) == (ResponseState.QUEUED, "done")

    def test_practice_is_kept_and_never_queued(self, services, asha):
        services.papers.add(typed_paper(practice=1))
        services.papers.add(replace(typed_paper(practice=1), form_id="form_two"))
        attempt_id = asha.post("/api/deliveries/delivery/attempts").json["id"]
        asha.post(f"/api/attempts/{attempt_id}/begin")
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "practice", 1)
        move(asha, attempt_id, "close", 0)
        assert stored(services, attempt_id).state is ResponseState.PRACTICE


class TestLate:
    def test_after_the_attempt_it_is_kept_apart(self, asha, attempt_id, services):
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "in time", 1)
        services.now.moment = services.attempts.find(attempt_id).deadline_at + ANSWER_GRACE
        reply = save(asha, attempt_id, "late", 2)
        assert (reply.status_code, reply.json["code"]) == (409, "answer_late")
        assert stored(services, attempt_id).answer.text == "in time"
        assert services.late_answers.find(f"{attempt_id}:0").answer.text == "late"
        assert save(asha, attempt_id, "later", 3).status_code == 409
        assert save(asha, attempt_id, "late", 2).status_code == 409
        assert services.late_answers.find(f"{attempt_id}:0").answer.text == "later"

    def test_the_journey_has_its_grace(self, asha, attempt_id, services):
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "typ", 1)
        services.now.move(seconds=69)
        assert save(asha, attempt_id, "typed in the last second", 2).status_code == 200
        assert stored(services, attempt_id).behind_ms == 0

    def test_in_a_pause_the_deadline_of_before_it_ends_nothing(self, asha, attempt_id, services):
        """Cut off before the pause, and back 25 minutes into it, when the deadline would have passed without it."""
        services.now.move(minutes=18)
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "typ", 1)
        services.now.move(minutes=1)
        running = services.attempts.find(attempt_id)
        assert services.attempts.save(paused(running, at=services.now()), seen=running)
        services.now.move(minutes=25)
        assert services.now() > running.deadline_at + ANSWER_GRACE
        assert save(asha, attempt_id, "typed off-line", 2).status_code == 200
        assert stored(services, attempt_id).answer.text == "typed off-line"
        services.now.move(minutes=6)
        assert save(asha, attempt_id, "typed later", 3).json["code"] == "answer_late"

    def test_what_was_typed_offline_is_taken_and_says_how_far_behind(self, asha, attempt_id, services):
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "typ", 1)
        services.now.move(minutes=10)
        assert save(asha, attempt_id, "typed off-line", 2).status_code == 200
        response = stored(services, attempt_id)
        assert response.answer.text == "typed off-line"
        assert response.behind_ms == 530_000

    @pytest.mark.parametrize("paper", [typed_paper(goes_on_offline=False)], ids=["waits"])
    def test_a_format_that_waits_takes_nothing_behind_the_window(self, asha, attempt_id, services, paper):
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "typ", 1)
        services.now.move(seconds=71)
        assert save(asha, attempt_id, "too late", 2).json["code"] == "answer_late"

    @pytest.mark.parametrize("paper", [typed_paper(goes_on_offline=False)], ids=["waits"])
    @pytest.mark.parametrize("closed_after_s", [5, 600])
    def test_closing_an_item_without_a_save_gives_it_no_other_end(
        self, asha, attempt_id, services, paper, closed_after_s
    ):
        """Closed early, or long after its time with a first save right behind: neither opens it again."""
        move(asha, attempt_id, "open", 0)
        services.now.move(seconds=closed_after_s)
        move(asha, attempt_id, "close", 0)
        services.now.move(seconds=1 if closed_after_s > 60 else 65)
        assert save(asha, attempt_id, "found meanwhile", 1).json["code"] == "answer_late"
        assert stored(services, attempt_id) is None

    @pytest.mark.parametrize("paper", [typed_paper(goes_on_offline=False)], ids=["waits"])
    def test_nor_does_closing_the_next_one(self, asha, attempt_id, services, paper):
        for position in (0, 1):
            move(asha, attempt_id, "open", position)
            services.now.move(seconds=40)
            move(asha, attempt_id, "close", position)
        assert save(asha, attempt_id, "found meanwhile", 1).json["code"] == "answer_late"
        assert save(asha, attempt_id, "on its way", 1, position=1).status_code == 200

    def test_what_was_handed_in_off_line_is_followed_by_its_answers(self, asha, attempt_id, services):
        """The moves are heard first: the answers come to an attempt that ended minutes ago."""
        began = services.now()
        move(asha, attempt_id, "open", 0)
        moves = []
        for position in range(3):
            at = (began + timedelta(seconds=20 * (position + 1))).isoformat()
            moves.append({"kind": "close", "position": position, "at": at})
            moves += [{"kind": "open", "position": position + 1, "at": at}] * (position < 2)
        services.now.move(minutes=6)
        reply = asha.post(f"/api/attempts/{attempt_id}/moves", {"moves": moves})
        assert (reply.status_code, reply.json["state"]) == (200, "submitted")
        services.now.move(minutes=4)
        desk = desk_of(services)
        assert review_attempt(attempt_id=attempt_id, desk=desk, now=services.now()) is Outlook.SCORING
        for position in range(3):
            assert save(asha, attempt_id, f"{position}", 1, position=position).status_code == 200
        assert [stored(services, attempt_id, position).state for position in range(3)] == [ResponseState.QUEUED] * 3
        assert stored(services, attempt_id, 2).behind_ms == 530_000
        services.now.move(minutes=1, seconds=10)
        assert save(asha, attempt_id, "afterwards", 2).json["code"] == "answer_late"

    def test_a_slow_submission_is_followed_within_the_usual_grace(self, asha, attempt_id, services):
        """It was heard twelve seconds after it was made: the result waits for the answers behind it no longer."""
        for position in range(3):
            move(asha, attempt_id, "open", position)
            if position < 2:
                move(asha, attempt_id, "close", position)
        made_at = services.now().isoformat()
        services.now.move(seconds=12)
        asha.move(f"/api/attempts/{attempt_id}", "close", 2, at=made_at)
        services.now.move(seconds=9)
        assert save(asha, attempt_id, "behind it", 1, position=2).status_code == 200
        services.now.move(seconds=1)
        assert save(asha, attempt_id, "afterwards", 2, position=2).json["code"] == "answer_late"

    def test_who_is_on_line_hands_in_once(self, asha, attempt_id, services):
        for position in range(3):
            move(asha, attempt_id, "open", position)
            move(asha, attempt_id, "close", position)
        services.now.move(seconds=9)
        assert save(asha, attempt_id, "on its way", 1).status_code == 200
        services.now.move(seconds=1)
        assert save(asha, attempt_id, "afterwards", 2).json["code"] == "answer_late"

    def test_off_line_it_is_taken_and_says_how_far_behind_it_was(self, asha, attempt_id, services):
        move(asha, attempt_id, "open", 0)
        services.now.move(seconds=5)
        move(asha, attempt_id, "close", 0)
        services.now.move(seconds=595)
        assert save(asha, attempt_id, "typed off-line", 1).status_code == 200
        assert stored(services, attempt_id).behind_ms == 530_000

    def test_a_break_gives_a_closed_item_no_more_time(self, asha, attempt_id, services):
        for form_id in ("form_one", "form_two"):
            services.papers.add(replace(services.papers.get(form_id), goes_on_offline=False))
        move(asha, attempt_id, "open", 0)
        services.now.move(seconds=5)
        move(asha, attempt_id, "close", 0)
        attempt = services.attempts.find(attempt_id)
        rested = replace(attempt, moved_at=services.now() + timedelta(minutes=5), revision=attempt.revision + 1)
        services.attempts.save(rested, seen=attempt)
        services.now.move(minutes=5)
        assert save(asha, attempt_id, "written in the break", 1).json["code"] == "answer_late"

    def test_nothing_is_taken_after_the_deadline_and_its_grace(self, asha, attempt_id, services):
        move(asha, attempt_id, "open", 0)
        deadline = services.attempts.find(attempt_id).deadline_at
        for ahead, expected in ((-1, 200), (9, 200), (10, 409), (OFFLINE.total_seconds(), 409)):
            services.now.moment = deadline + timedelta(seconds=ahead)
            assert save(asha, attempt_id, f"at {ahead}", int(ahead) + 5).status_code == expected, ahead


class TestLimitsMove:
    def test_more_time_moves_the_end_of_the_open_item(self, asha, attempt_id, services):
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "typ", 1)
        attempt = services.attempts.find(attempt_id)
        longer = replace(attempt, item_window_ms=120_000, revision=attempt.revision + 1)
        services.attempts.save(longer, seen=attempt)
        paper = services.papers.get(attempt.form_id)
        answers.move_limits(longer, paper=paper, responses=services.responses, now=services.now())
        services.now.move(seconds=125)
        assert save(asha, attempt_id, "typed on", 2).status_code == 200
        assert stored(services, attempt_id).behind_ms == 0


class TestStaffDecide:
    """On /tests/<id>/unscored: accept, or leave; both are audited."""

    @pytest.fixture
    def late(self, asha, attempt_id, services):
        move(asha, attempt_id, "open", 0)
        save(asha, attempt_id, "in time", 1)
        services.now.moment = services.attempts.find(attempt_id).deadline_at + ANSWER_GRACE
        asha.get(f"/api/attempts/{attempt_id}")
        asha.post(f"/api/attempts/{attempt_id}/heartbeat", {"position": 0, "uploads_pending": 0, "microphone": "ok"})
        save(asha, attempt_id, "written too late", 2)
        return f"{attempt_id}:0"

    def actions(self, services):
        return [event.action for event in services.audit_log.list_by_campus("north")]

    def test_the_list_shows_it(self, meera, late):
        page = meera.get("/tests/delivery/unscored").text
        assert "written too late" in page
        assert "Answers that came too late" in page

    def test_accepted_it_is_the_answer_and_is_scored(self, meera, late, attempt_id, services):
        services.jobs.take()
        for _ in range(2):
            assert meera.post_form(f"/tests/delivery/unscored/late/{late}/accept").status_code == 302
        response = stored(services, attempt_id)
        assert (response.state, response.answer.text) == (ResponseState.QUEUED, "written too late")
        assert self.actions(services) == ["late_answer_accepted"]
        assert "ratings.score_response" in [job[0] for job in services.jobs.take()]

    def test_left_it_changes_nothing_and_stays_left(self, meera, late, attempt_id, services):
        before = stored(services, attempt_id)
        assert meera.post_form(f"/tests/delivery/unscored/late/{late}/leave").status_code == 302
        assert stored(services, attempt_id) == before
        assert meera.post_form(f"/tests/delivery/unscored/late/{late}/accept").status_code == 409
        assert self.actions(services) == ["late_answer_left"]
        assert services.late_answers.find(late).answer.text == "written too late"
