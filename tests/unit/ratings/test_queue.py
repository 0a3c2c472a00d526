"""How far scoring is: counts, waits, and a time that is measured or not told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.features.attempts.responses import ResponseState
from backend.features.ratings import watching
from backend.features.ratings.cohort import Cohort, went_down
from backend.features.ratings.watching import Pace
from tests.support.exam import MEERA, OMAR, OPENS, SUSHMA, make_delivery
from tests.support.results_world import furnish_results, make_response, sit
from tests.support.services_memory import build_memory_services


@pytest.mark.parametrize(
    ("waiting", "judged", "minutes"),
    [(0, 0, 0), (0, 50, 0), (40, 0, None), (40, 4, None), (40, 5, 40), (41, 20, 11), (1, 500, 1)],
)
def test_the_time_to_finish_is_measured_or_not_told(waiting, judged, minutes):
    assert Pace(waiting=waiting, judged=judged).minutes_left == minutes


def test_more_work_never_takes_less_time():
    times = [Pace(waiting=waiting, judged=25).minutes_left for waiting in range(0, 300, 7)]
    assert times == sorted(times)


@pytest.fixture
def services():
    services = furnish_results(build_memory_services())
    services.now.moment = OPENS + timedelta(hours=1)
    sit(services, "asha")
    states = {
        0: ResponseState.QUEUED,
        1: ResponseState.QUEUED,
        2: ResponseState.CLAIMED,
        3: ResponseState.FAILED,
        4: ResponseState.MISSING,
    }
    for place, state in states.items():
        seen = services.responses.find(f"attempt_asha:{place}")
        recordings = tuple(replace(each, stored_at=OPENS + timedelta(minutes=20 + place)) for each in seen.recordings)
        changed = make_response(
            "asha", place, state=state, recordings=recordings, not_before=OPENS, revision=seen.revision + 1
        )
        services.responses.save(changed, seen=seen)
    return services


def queue(services, actor):
    return watching.list_queue(
        actor=actor,
        deliveries=services.deliveries,
        campuses=services.campuses,
        responses=services.responses,
        cohorts=services.cohorts,
        now=services.now(),
    )


def test_a_test_says_what_waits_and_what_needs_a_person(services):
    (row,) = queue(services, MEERA)
    assert (row.queued, row.claimed, row.failed, row.missing, row.for_people) == (2, 1, 1, 1, 2)
    assert row.longest_wait in (timedelta(minutes=40), timedelta(minutes=39))
    assert row.campus_name == "North Campus"


def test_each_campus_sees_its_own_and_the_superadmin_all(services):
    assert queue(services, OMAR) == []
    assert [row.delivery_id for row in queue(services, SUSHMA)] == ["delivery"]


def test_what_has_not_begun_or_is_history_is_not_listed(services):
    now = services.now()
    services.deliveries.add(
        make_delivery("coming", opens_at=now + timedelta(hours=1), closes_at=now + timedelta(hours=2))
    )
    services.deliveries.add(
        make_delivery("history", opens_at=now - timedelta(days=90), closes_at=now - timedelta(days=89))
    )
    assert [row.delivery_id for row in queue(services, MEERA)] == ["delivery"]


def test_a_speech_engine_that_is_down_is_named(services):
    cohort = Cohort(id="delivery", campus_id="north", engine="azure", engine_version="1", bound_at=OPENS)
    services.cohorts.add(went_down(cohort, "a1:0", reason="engine_unreachable", at=OPENS))
    (row,) = queue(services, MEERA)
    assert row.engine == "Azure Pronunciation Assessment"
    assert "does not answer" in row.engine_down


def test_the_pace_counts_what_was_judged_lately_in_the_whole_installation(services):
    for place, minutes_ago in ((5, 1), (6, 4), (7, 6)):
        seen = services.responses.find(f"attempt_asha:{place}")
        judged = replace(seen, judged_at=services.now() - timedelta(minutes=minutes_ago), revision=seen.revision + 1)
        services.responses.save(judged, seen=seen)
    assert watching.measure_pace(responses=services.responses, now=services.now()) == Pace(waiting=3, judged=2)
