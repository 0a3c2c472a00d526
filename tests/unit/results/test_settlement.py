"""Settling: the same inputs make the same result once; what has no score is left out, never a zero."""

from dataclasses import replace

import pytest

from backend.adapters.speech.calibrations import SHIPPED
from backend.core.errors import Conflict
from backend.features.attempts.model import AttemptState
from backend.features.attempts.responses import ResponseState, response_id
from backend.features.results.model import ItemState
from backend.features.results.tasks import settle, settling_of
from backend.features.results.usecases import settle_attempt
from tests.support.results_world import contest, furnish_results, make_attempt, make_response, sit
from tests.support.services_memory import build_memory_services


@pytest.fixture
def services():
    return furnish_results(build_memory_services())


def _settle(services):
    return settle_attempt(attempt_id="attempt_asha", settling=settling_of(services), now=services.now())


def _change(services, position, **changes):
    seen = services.responses.find(response_id("attempt_asha", position))
    after = replace(seen, revision=seen.revision + 1, **changes)
    assert services.responses.save(after, seen=seen)


def test_a_result_names_every_version(services):
    sit(services)
    versions = _settle(services).versions
    assert (versions.scale_id, versions.scale_version) == ("versant_style_20_80", "4")
    assert (versions.form_id, versions.format_id) == ("form_one", "versant_style_short")
    assert "repeat-1" in versions.scorers
    assert versions.engines == ("offline 1",)
    assert versions.calibrations == (SHIPPED,)
    assert versions.software == "viva test"
    assert versions.cut_table_id


def test_settling_twice_is_settling_once(services):
    sit(services)
    first = _settle(services)
    services.now.move(hours=1)
    assert _settle(services) == first
    assert services.results.list_by_attempt("attempt_asha") == [first]


def test_two_workers_at_once_write_one_result(services):
    sit(services)
    theirs = build_memory_services(now=services.now)
    furnish_results(theirs)
    sit(theirs)
    other = _settle(theirs)
    results = services.results
    add = results.add

    def add_after_the_other(result):
        results.add = add
        add(other)
        return add(result)

    results.add = add_after_the_other
    assert _settle(services) == other
    assert len(results.list_by_attempt("attempt_asha")) == 1


def test_a_rescored_answer_makes_a_new_result_and_keeps_the_old(services):
    sit(services)
    first = _settle(services)
    _change(services, 20, score=make_response("asha", 20, value=0.1).score)
    second = _settle(services)
    assert (second.settlement, second.supersedes) == (2, first.id)
    assert second.number == first.number
    assert services.results.find(first.id) == first
    assert second.get_subscore("vocabulary").value < first.get_subscore("vocabulary").value


class Upgraded:
    """A later version of each scale came."""

    def __init__(self, scales):
        self._scales = scales

    def get(self, scale_id, version):
        return self._scales.get(scale_id, version)

    def get_newest(self, scale_id):
        return replace(self._scales.get_newest(scale_id), version="99")


def test_a_rescored_answer_is_settled_on_the_scale_of_before(services):
    """So that a scale's upgrade moves no subscore that the answer does not feed."""
    sit(services)
    first = _settle(services)
    upgraded = replace(settling_of(services), scales=Upgraded(services.scales))
    again = settle_attempt(attempt_id="attempt_asha", settling=upgraded, now=services.now())
    assert again is first, "an upgrade alone makes no new result"
    _change(services, 20, score=make_response("asha", 20, value=0.0).score)
    second = settle_attempt(attempt_id="attempt_asha", settling=upgraded, now=services.now())
    assert second.versions.scale_version == first.versions.scale_version
    assert second.get_subscore("fluency") == first.get_subscore("fluency")
    assert second.get_subscore("vocabulary") != first.get_subscore("vocabulary")


def test_an_unscored_answer_is_left_out_and_never_a_zero(services):
    sit(services)
    whole = _settle(services)
    _change(services, 7, state=ResponseState.FAILED, score=None, reason="noise_only", waived_by="meera")
    result = _settle(services)
    item = next(each for each in result.items if each.position == 7)
    assert (item.state, item.points) == (ItemState.NOT_SCORED, {})
    assert result.outcome.n_missing == 1
    assert result.get_subscore("sentence_mastery").value == whole.get_subscore("sentence_mastery").value


def test_what_was_never_reached_or_never_arrived_is_said_so(services):
    services.attempts.add(make_attempt("asha", state=AttemptState.EXPIRED, position=30))
    for position in range(30):
        services.responses.add(make_response("asha", position))
    _change(services, 29, state=ResponseState.MISSING, score=None, recordings=(), waived_by="meera")
    states = {each.position: each.state for each in _settle(services).items}
    assert states[29] is ItemState.NO_RECORDING
    assert states[33] is ItemState.NOT_REACHED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": ResponseState.QUEUED}, "still_scoring"),
        ({"state": ResponseState.CLAIMED}, "still_scoring"),
        ({"state": ResponseState.FAILED, "score": None}, "answers_unscored"),
        ({"state": ResponseState.MISSING, "score": None}, "answers_unscored"),
    ],
)
def test_nothing_is_settled_before_every_answer_is_dealt_with(services, changes, code):
    sit(services)
    _change(services, 3, **changes)
    with pytest.raises(Conflict) as refusal:
        _settle(services)
    assert refusal.value.code == code
    assert not services.results.list_by_attempt("attempt_asha")


def test_a_running_attempt_has_no_result(services):
    services.attempts.add(make_attempt("asha", state=AttemptState.IN_PROGRESS, submitted_at=None))
    with pytest.raises(Conflict) as refusal:
        _settle(services)
    assert refusal.value.code == "attempt_running"


def test_silence_from_beginning_to_end_gives_no_number(services):
    services.attempts.add(make_attempt("asha"))
    for position in range(38):
        response = make_response("asha", position, value=0.0)
        services.responses.add(replace(response, score={**response.score, "reason": "no_speech"}))
    outcome = _settle(services).outcome
    assert outcome.overall is None
    assert "mostly_silent" in outcome.warnings


def test_the_job_stores_the_result_before_the_attempt_says_so_and_may_run_again(services):
    sit(services)
    settle("attempt_asha", services)
    settle("attempt_asha", services)
    assert services.attempts.find("attempt_asha").settled_at is not None
    assert len(services.results.list_by_attempt("attempt_asha")) == 1
    assert services.feed.events[-1][2]["state"] == "scored"


def test_the_job_leaves_an_attempt_whose_answer_was_queued_again(services):
    sit(services)
    _change(services, 3, state=ResponseState.QUEUED)
    settle("attempt_asha", services)
    assert services.attempts.find("attempt_asha").settled_at is None


def test_a_contested_answer_is_queued_and_its_attempt_is_settled_once_more(services):
    sit(services)
    settle("attempt_asha", services)
    contest(services)
    assert services.responses.find(response_id("attempt_asha", 20)).state is ResponseState.QUEUED
    assert services.attempts.find("attempt_asha").settled_at is None
    settle("attempt_asha", services)
    assert len(services.results.list_by_attempt("attempt_asha")) == 1, "the old result stands until there is a score"
    _change(services, 20, state=ResponseState.SCORED, score=make_response("asha", 20, value=0.1).score)
    settle("attempt_asha", services)
    first, second = services.results.list_by_attempt("attempt_asha")
    assert second.supersedes == first.id
    assert services.audit_log.events[-1].action == "answer_contested"


def test_an_answer_that_scores_the_same_again_makes_no_new_result(services):
    sit(services)
    settle("attempt_asha", services)
    contest(services)
    _change(services, 20, state=ResponseState.SCORED, score=make_response("asha", 20).score)
    settle("attempt_asha", services)
    assert len(services.results.list_by_attempt("attempt_asha")) == 1
    assert services.attempts.find("attempt_asha").settled_at is not None


def test_an_answer_without_a_recording_cannot_be_contested(services):
    sit(services)
    settle("attempt_asha", services)
    _change(services, 20, recordings=())
    with pytest.raises(Conflict) as refusal:
        contest(services)
    assert refusal.value.code == "nothing_to_score"
    assert services.attempts.find("attempt_asha").settled_at is not None
