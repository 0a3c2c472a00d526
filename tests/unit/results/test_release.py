"""Who sees which settlement: what was taken back stays so, and what no longer counts is never released."""

from dataclasses import replace

import pytest

from backend.core.errors import Conflict
from backend.features.attempts.model import AttemptState, unsettled
from backend.features.attempts.responses import ResponseState
from backend.features.results.access import list_visible
from backend.features.results.model import result_id
from backend.features.results.tasks import settle
from backend.features.results.usecases import release_result, release_results, verify_number, withdraw_result
from tests.support.results_world import contest, furnish_results, make_response, releasing, sit
from tests.support.services_memory import build_memory_services

ATTEMPT = "attempt_asha"
FIRST, SECOND = result_id(ATTEMPT, 1), result_id(ATTEMPT, 2)
PLACE = 20


@pytest.fixture
def services():
    services = furnish_results(build_memory_services())
    sit(services)
    settle(ATTEMPT, services)
    return services


def score_and_settle(services):
    """The contested answer got another score."""
    seen = services.responses.find(f"{ATTEMPT}:{PLACE}")
    score = make_response("asha", PLACE, value=0.0).score
    after = replace(seen, state=ResponseState.SCORED, score=score, revision=seen.revision + 1)
    assert services.responses.save(after, seen=seen)
    settle(ATTEMPT, services)


def change_attempt(services, **changes):
    seen = services.attempts.find(ATTEMPT)
    after = replace(seen, revision=seen.revision + 1, **changes)
    assert services.attempts.save(after, seen=seen)


def release(services, name=FIRST):
    return release_result(result=services.results.find(name), releasing=releasing(services))


def withdraw(services, name=FIRST):
    return withdraw_result(result=services.results.find(name), releasing=releasing(services))


def visible(services):
    return [each.id for each in list_visible("asha", results=services.results, releases=services.releases)]


def withdrawals(services):
    return [event.subject_id for event in services.audit_log.events if event.action == "result_withdrawn"]


def test_taking_the_newer_result_back_does_not_bring_the_older_one_back(services):
    release(services)
    contest(services)
    score_and_settle(services)
    release(services, SECOND)
    assert visible(services) == [SECOND]
    assert withdraw(services, SECOND)
    assert visible(services) == []
    assert not services.released_attempts.is_released(ATTEMPT)
    assert sorted(withdrawals(services)) == [FIRST, SECOND]
    number = services.results.find(FIRST).number
    found = verify_number(
        typed=number, name="", results=services.results, releases=services.releases, people=services.people
    )
    assert found is None


@pytest.mark.parametrize("named", [FIRST, SECOND])
def test_a_superseded_result_can_be_taken_back_by_either_name(services, named):
    release(services)
    contest(services)
    score_and_settle(services)
    assert visible(services) == [FIRST]
    assert withdraw(services, named)
    assert visible(services) == []
    assert withdrawals(services) == [FIRST]
    assert not withdraw(services, named)


def test_a_result_waits_with_its_release_while_an_answer_is_scored_again(services):
    contest(services)
    with pytest.raises(Conflict) as refusal:
        release(services)
    assert refusal.value.code == "not_settled"
    score_and_settle(services)
    assert release(services, SECOND)


def test_a_result_from_before_a_reopening_is_not_released(services):
    """Handed in again, one answer waits for a person: the attempt is over, and its result is not there yet."""
    change_attempt(services, settled_at=None, submitted_at=services.now())
    assert services.attempts.find(ATTEMPT).is_over
    summary = release_results(chosen=[services.results.find(FIRST)], releasing=releasing(services))
    assert (summary.changed, summary.refused) == (0, {"not_settled": 1})
    assert visible(services) == []


def test_each_reason_not_to_release_is_counted_by_itself(services):
    change_attempt(services, state=AttemptState.VOIDED, voided_reason="Wrong person.", settled_at=None)
    summary = release_results(chosen=[services.results.find(FIRST)], releasing=releasing(services))
    assert summary.refused == {"attempt_not_over": 1}


def test_a_contest_comes_between_the_look_and_the_write_of_a_release(services):
    """The earlier release of the sitting stays what it was."""
    release(services)
    contest(services)
    score_and_settle(services)
    add = services.releases.add

    def contest_first(fresh):
        services.releases.add = add
        seen = services.attempts.find(ATTEMPT)
        assert services.attempts.save(unsettled(seen, at=services.now()), seen=seen)
        return add(fresh)

    services.releases.add = contest_first
    with pytest.raises(Conflict) as refusal:
        release(services, SECOND)
    assert refusal.value.code == "not_settled"
    assert visible(services) == [FIRST]
