"""The page of the scoring queue."""

import pytest

from backend.features.attempts.responses import ResponseState
from tests.support.exam import OPENS
from tests.support.results_world import furnish_results, make_response, sit
from tests.support.services_memory import build_memory_services


@pytest.fixture
def services():
    services = furnish_results(build_memory_services())
    services.now.moment = OPENS
    sit(services, "asha")
    for place, state in ((0, ResponseState.QUEUED), (3, ResponseState.FAILED)):
        seen = services.responses.find(f"attempt_asha:{place}")
        changed = make_response("asha", place, state=state, revision=seen.revision + 1)
        services.responses.save(changed, seen_revision=seen.revision)
    return services


def test_the_page_says_what_waits_and_promises_nothing_it_has_not_measured(browse):
    page = browse("meera").get("/scoring").text
    for text in ("Spoken English", "1 failed: score again", "2 for raters", "Not known yet", "answers still to come"):
        assert text in page
    assert "Asha" not in page


def test_another_campus_sees_none_of_it(browse):
    page = browse("omar").get("/scoring").text
    assert "Spoken English" not in page
    assert "No test has begun" in page


def test_the_superadmin_sees_whose_it_is(browse):
    assert "North Campus" in browse("sushma").get("/scoring").text


def test_students_have_no_such_page(browse):
    assert browse("asha").get("/scoring").status_code in (403, 404)
