"""The raters' pages as people meet them."""

import re

import pytest

from backend.features.attempts.responses import ResponseState
from backend.features.ratings.tasks import desk_of
from backend.features.ratings.usecases import review_attempt
from backend.features.results.tasks import settle
from tests.support.builders_results import TASKS
from tests.support.explained import spoken
from tests.support.results_world import furnish_results, make_response, sit
from tests.support.services_memory import build_memory_services

QUEUE = "/tests/delivery/ratings"
OPEN = f"{QUEUE}/attempt_asha:{len(TASKS) - 1}"
CRITERIA = ("fluency", "pronunciation", "vocabulary", "grammar", "relevance", "organisation")


@pytest.fixture
def services():
    services = furnish_results(build_memory_services())
    sit(services, "asha")
    seen = services.responses.find("attempt_asha:6")
    doubtful = make_response("asha", 6, state=ResponseState.FAILED, reason="low_confidence", revision=1)
    services.responses.save(doubtful, seen=seen)
    services.blobs.put(f"recordings/north/asha-{len(TASKS) - 1}", spoken(900), content_type="audio/wav")
    return services


def judge(browser, path, **typed):
    """Posts the sheet as the page that was just loaded would."""
    hidden = dict(re.findall(r'type="hidden" name="(fingerprint|saw_others)" value="(.*?)"', browser.get(path).text))
    return browser.post_form(path, **hidden, **typed)


def test_raters_see_answers_and_no_names(browse):
    meera = browse("meera")
    for path in (QUEUE, OPEN):
        page = meera.get(path).text
        assert "open question" in page
        for name in ("Asha", "N-01"):
            assert name not in page
    assert "A result waits" in meera.get(QUEUE).text


@pytest.mark.parametrize("path", [QUEUE, OPEN, f"{OPEN}/recordings/0", f"{QUEUE}/agreement"])
def test_only_the_campus_reaches_them(browse, path):
    assert browse("meera").get(path).status_code == 200
    assert browse("sushma").get(path).status_code == 200
    for stranger in ("asha", "omar"):
        assert browse(stranger).get(path).status_code == 404


def test_a_rating_is_stored_and_leads_to_the_next_answer(browse, services):
    meera = browse("meera")
    reply = judge(meera, OPEN, notes="clear", **dict.fromkeys(CRITERIA, "4"))
    assert reply.status_code == 302
    assert reply.headers["Location"].startswith(f"{QUEUE}/attempt_asha:")
    assert [rating.levels["fluency"] for rating in services.people_ratings.list_by_delivery("delivery")] == [4]
    page = meera.get(OPEN).text
    assert "You judged this answer" in page
    assert "Store and go on" not in page
    assert services.audit_log.events[-1].action == "answer_rated"


def test_a_level_that_is_missing_keeps_what_was_chosen(browse, services):
    levels = dict.fromkeys(CRITERIA, "4") | {"grammar": ""}
    reply = judge(browse("meera"), OPEN, notes="almost", **levels)
    assert reply.status_code == 422
    assert "Grammar: choose a level." in reply.text
    assert 'value="4" required checked' in reply.text
    assert "almost" in reply.text
    assert not services.people_ratings.list_by_delivery("delivery")


def test_a_rated_answer_frees_the_result_and_stands_beside_it(browse, services):
    meera = browse("meera")
    judge(meera, f"{QUEUE}/attempt_asha:6", sentence="3", fluency="4", pronunciation="4")
    judge(meera, OPEN, **dict.fromkeys(CRITERIA, "4"))
    assert review_attempt(attempt_id="attempt_asha", desk=desk_of(services), now=services.now()).value == "result"
    settle("attempt_asha", services)
    page = meera.get("/results/attempt_asha-1").text
    assert "Judged by people" in page
    assert "Organisation" in page


def test_two_people_are_asked_where_the_campus_wants_it(browse, services):
    meera = browse("meera")
    assert browse("omar").post_form(f"{QUEUE}/plan", double="yes").status_code == 404
    meera.post_form(f"{QUEUE}/plan", double="yes")
    assert services.rating_plans.find("delivery").is_double
    judge(meera, OPEN, **dict.fromkeys(CRITERIA, "1"))
    assert "for somebody else" in meera.get(QUEUE).text
    judge(browse("sushma"), OPEN, **dict.fromkeys(CRITERIA, "5"))
    assert "Raters differ" in meera.get(QUEUE).text
    assert "Two people" in meera.get(f"{QUEUE}/agreement").text


def test_an_empty_queue_says_what_will_come(browse, services):
    for place in (6, len(TASKS) - 2, len(TASKS) - 1):
        seen = services.responses.find(f"attempt_asha:{place}")
        services.responses.save(
            make_response("asha", place, state=ResponseState.SCORED, revision=seen.revision + 1),
            seen=seen,
        )
    assert "No answer needs a person" in browse("meera").get(QUEUE).text


def test_a_sheet_of_an_answer_that_changed_is_shown_anew_and_nothing_is_stored(browse, services):
    reply = browse("meera").post_form(OPEN, fingerprint="another", **dict.fromkeys(CRITERIA, "4"))
    assert reply.status_code == 409
    assert "This answer changed while you judged it. Judge it as it is now. Nothing is stored yet." in reply.text
    assert "checked" not in reply.text, "the levels were for another answer"
    assert not services.people_ratings.list_by_delivery("delivery")


def test_what_people_scored_is_contested_to_people(browse, services):
    meera, path = browse("meera"), f"{QUEUE}/attempt_asha:6"
    judge(meera, path, sentence="3", fluency="4", pronunciation="4")
    settle("attempt_asha", services)
    address = "/results/attempt_asha-1/answers/6/score-again"
    meera.post_form(address)
    assert "is among the answers for raters again" in meera.get("/results/attempt_asha-1").text
    assert "Store and go on" in meera.get(path).text
    unscored = meera.get("/tests/delivery/unscored").text
    assert "People judge this answer once more." in unscored
    assert "Let the first score stand" in unscored
    assert "settle-without" in unscored
    meera.post_form("/tests/delivery/unscored/attempt_asha:6/settle-without")
    assert services.responses.find("attempt_asha:6").state is ResponseState.SCORED
    assert "with what people gave first" in meera.get("/tests/delivery/unscored").text
