"""The page of the scoring queue."""

from dataclasses import replace

import pytest

from backend.features.attempts.responses import ResponseState
from backend.features.ratings.cohort import Cohort, went_down
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
        services.responses.save(changed, seen=seen)
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


class TestSpeechEngine:
    """Which engine scores a test, and the way to another: on the page of its answers without a score."""

    PAGE = "/tests/delivery/unscored"

    @pytest.fixture
    def bound(self, services):
        cohort = Cohort(id="delivery", campus_id="north", engine="azure", engine_version="7", bound_at=OPENS)
        services.cohorts.add(went_down(cohort, "a1:0", reason="engine_unreachable", at=OPENS))
        services.listener.engines = ("azure", "offline")
        return services

    def test_it_says_which_why_it_waits_and_offers_what_is_set_up(self, browse, bound):
        page = browse("meera").get(self.PAGE).text
        for text in ("Azure Pronunciation Assessment", "version 7", "does not answer", "Score all with Viva’s own"):
            assert text in page
        assert "Whisper" not in page
        assert f"{self.PAGE}#engine" in browse("meera").get("/scoring").text

    def test_with_one_engine_there_is_no_button(self, browse, bound):
        bound.listener.engines = ("azure",)
        page = browse("meera").get(self.PAGE).text
        assert "Azure Pronunciation Assessment" in page
        assert "Score all with" not in page

    def test_before_anything_was_heard_nothing_is_said_of_it(self, browse):
        assert "Speech engine" not in browse("meera").get(self.PAGE).text

    def test_moved_with_a_reason_which_the_page_keeps(self, browse, bound):
        meera = browse("meera")
        refused = meera.post_form(f"{self.PAGE}/engine", engine="offline", reason="")
        assert refused.status_code == 422
        assert "Say why" in refused.text
        assert meera.post_form(f"{self.PAGE}/engine", engine="google", reason="Why not.").status_code == 422
        assert bound.cohorts.find("delivery").engine == "azure"
        done = meera.post_form(f"{self.PAGE}/engine", engine="offline", reason="Azure is out since noon.")
        assert done.status_code == 302
        page = meera.get(self.PAGE).text
        assert "Azure is out since noon." in page
        assert "being queued again" in page
        assert ("ratings.finish_move", ("delivery",)) in bound.jobs.waiting_jobs
        assert "Azure is out" not in str(bound.audit_log.events)

    def test_answers_of_another_version_are_counted_and_scored_again(self, browse, services):
        services.listener.engines = ("offline",)
        versions = ("offline 3, old", "offline 4, new")
        services.cohorts.add(
            Cohort(id="delivery", campus_id="north", engine="offline", engine_version="4", bound_at=OPENS,
                   versions=versions)
        )  # fmt: skip
        for place, version in ((1, versions[0]), (2, versions[0]), (4, versions[1])):
            seen = services.responses.find(f"attempt_asha:{place}")
            services.responses.save(replace(seen, heard_by=version, revision=seen.revision + 1), seen=seen)
        meera = browse("meera")
        page = meera.get(self.PAGE).text
        for text in (
            "2 answers were heard by another version",
            "offline 4, new",
            "Score all with Viva’s own, as it is now",
        ):
            assert text in page
        done = meera.post_form(f"{self.PAGE}/engine", engine="offline", reason="One version for all.")
        assert done.status_code == 302
        page = meera.get(self.PAGE).text
        assert "another version of it" not in page
        assert "Older versions scored again" in page
        assert "One version for all." in page
        assert "being queued again" in page
        assert "Score all with" not in page
        assert ("ratings.finish_move", ("delivery",)) in services.jobs.waiting_jobs

    def test_another_campus_reaches_nothing(self, browse, bound):
        assert browse("omar").post_form(f"{self.PAGE}/engine", engine="offline", reason="x").status_code == 404
        assert bound.cohorts.find("delivery").engine == "azure"
