"""What two raters come to, who may rate, and how a rating reaches the result."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.adapters.rubrics.files import FileRubrics
from backend.core.actor import Actor, Role
from backend.core.errors import Conflict, NotFound, RuleViolation
from backend.features.attempts.responses import ResponseState
from backend.features.raters import model, usecases
from backend.features.raters.model import Step
from backend.features.raters.repository import RatersDesk
from backend.features.ratings.tasks import desk_of
from backend.features.results.tasks import settle
from tests.support.builders_results import COMPLETED, TASKS
from tests.support.exam import MEERA
from tests.support.results_world import furnish_results, make_response, sit
from tests.support.services_memory import build_memory_services

OPEN = len(TASKS) - 1
FAILED = 6  # a repeat
RUBRIC = FileRubrics().find_for("open_question")
JOHN = Actor(account_id="john", role=Role.CAMPUS, campus_id="north", display_name="John Paul")
LILA = Actor(account_id="lila", role=Role.CAMPUS, campus_id="north", display_name="Lila Bose")


@pytest.fixture
def services():
    services = furnish_results(build_memory_services())
    sit(services, "asha")
    sit(services, "ravi")
    seen = services.responses.find(f"attempt_asha:{FAILED}")
    doubtful = make_response(
        "asha", FAILED, state=ResponseState.FAILED, reason="low_confidence", revision=seen.revision + 1
    )
    services.responses.save(doubtful, seen_revision=seen.revision)
    return services


@pytest.fixture
def raters(services):
    return RatersDesk(
        desk=desk_of(services),
        ratings=services.people_ratings,
        plans=services.rating_plans,
        rubrics=services.rubrics,
        items=services.items,
        audit_log=services.audit_log,
    )


@pytest.fixture
def delivery(services):
    return services.deliveries.find("delivery")


@pytest.fixture
def rate(services, raters, delivery):
    def rate(actor, position=OPEN, level=3, student="asha", **levels):
        response = services.responses.find(f"attempt_{student}:{position}")
        rubric = services.rubrics.find_for(response.task)
        given = {each.id: level for each in rubric.criteria_for(response.task)} | levels
        return usecases.rate_answer(
            actor=actor,
            delivery=delivery,
            response=response,
            levels=given,
            notes=" clear ",
            raters=raters,
            now=services.now(),
            new_id=services.new_id,
        )

    return rate


@pytest.fixture
def double(services, raters, delivery):
    usecases.choose_plan(
        actor=MEERA, delivery=delivery, is_double=True, raters=raters, now=COMPLETED, new_id=services.new_id
    )


def test_one_rating_is_enough_unless_two_are_wanted(rate):
    assert rate(MEERA) is Step.DONE


def test_two_within_a_level_give_their_mean(rate, raters, double):
    assert rate(MEERA, level=3) is Step.SECOND
    assert rate(JOHN, level=4, grammar=3) is Step.DONE
    standing = model.standing_of(raters.ratings.list_by_response(f"attempt_asha:{OPEN}"), RUBRIC, is_double=True)
    assert standing.levels["fluency"] == 3.5
    assert standing.levels["grammar"] == 3


def test_two_that_differ_are_adjudicated_by_a_third(rate, services, double, raters, delivery):
    rate(MEERA, level=1)
    assert rate(JOHN, level=1, relevance=3) is Step.ADJUDICATION
    assert rate(MEERA, level=5) is Step.ADJUDICATION, "who judged already is not heard again"
    response = services.responses.find(f"attempt_asha:{OPEN}")
    seen_by = {
        actor: usecases.get_sheet(actor=actor, delivery=delivery, response=response, raters=raters)
        for actor in (JOHN, LILA)
    }
    assert seen_by[JOHN].earlier == (), "only who adjudicates sees the others' levels"
    assert len(seen_by[LILA].earlier) == 2
    assert rate(LILA, level=2) is Step.DONE
    standing = model.standing_of(raters.ratings.list_by_response(response.id), RUBRIC, is_double=True)
    assert set(standing.levels.values()) == {2}
    assert [event.action for event in services.audit_log.events][-3:] == [
        "answer_rated",
        "answer_rated",
        "answer_adjudicated",
    ]


def test_a_rating_is_never_changed_and_pressing_twice_does_no_harm(rate, raters):
    rate(MEERA, level=3)
    rate(MEERA, level=5)
    stored = raters.ratings.list_by_response(f"attempt_asha:{OPEN}")
    assert [each.levels["fluency"] for each in stored] == [3]
    assert stored[0].notes == "clear"
    with pytest.raises(Conflict, match="rated_already"):
        rate(JOHN)


def test_a_level_that_is_missing_is_named(rate):
    with pytest.raises(RuleViolation) as refusal:
        rate(MEERA, fluency=9)
    assert list(refusal.value.errors) == ["fluency"]


def test_an_answer_that_the_machine_did_not_trust_gets_its_points_and_frees_the_result(rate, services):
    rate(MEERA, position=FAILED, level=4)
    response = services.responses.find(f"attempt_asha:{FAILED}")
    assert response.state is ResponseState.SCORED
    assert not response.is_blocking
    assert response.score["scorer_version"] == "rubric spoken_sentence-1"
    assert {trait: each["value"] for trait, each in response.score["points"].items()} == {
        "sentence_mastery": 0.8,
        "fluency": 0.8,
        "pronunciation": 0.8,
    }
    assert response.score["explanation"]["expected"], "the machine's explanation stays beside it"
    settle("attempt_asha", services)
    result = services.results.find("attempt_asha-1")
    assert result.items[FAILED].points["fluency"].value == 0.8
    assert "rubric spoken_sentence-1" in result.versions.scorers


def test_rated_after_it_was_settled_without_makes_a_new_result(rate, services):
    seen = services.responses.find(f"attempt_asha:{FAILED}")
    waived = replace(seen, waived_by="meera", waived_at=COMPLETED, revision=seen.revision + 1)
    services.responses.save(waived, seen_revision=seen.revision)
    settle("attempt_asha", services)
    assert services.results.find("attempt_asha-1").items[FAILED].points == {}
    rate(MEERA, position=FAILED, level=5)
    assert services.attempts.find("attempt_asha").settled_at is None
    settle("attempt_asha", services)
    assert services.results.find("attempt_asha-2").items[FAILED].points["fluency"].value == 1


def test_rating_an_open_answer_moves_no_score(rate, services):
    rate(MEERA)
    assert services.responses.find(f"attempt_asha:{OPEN}").state is ResponseState.NEEDS_RATER


def test_open_answers_stand_beside_the_result(rate, services, raters, delivery):
    rate(MEERA, level=3)
    rated = usecases.list_rated(delivery=delivery, attempt_id="attempt_asha", raters=raters)
    assert [(each.position, each.levels[0]) for each in rated] == [(OPEN, ("Fluency", 3, 5))]


def test_the_queue_has_no_names_and_goes_question_by_question(services, raters, delivery, rate):
    queue = usecases.get_queue(actor=MEERA, delivery=delivery, raters=raters)
    assert [line.task for line in queue.lines].count("open_question") == 4
    assert [line.holds_back for line in queue.lines].count(True) == 1
    places = [(line.section_letter, line.number) for line in queue.lines]
    assert all(places.index(place) + places.count(place) > at for at, place in enumerate(places))
    assert not any(name in repr(queue.lines) for name in ("Asha", "Ravi", "N-01"))
    rate(MEERA)
    again = usecases.get_queue(actor=MEERA, delivery=delivery, raters=raters)
    assert len(again.open_to_me) == len(queue.open_to_me) - 1


def test_what_is_scored_needs_no_rater(rate):
    with pytest.raises(Conflict, match="not_ratable"):
        rate(MEERA, position=0)


def test_a_task_without_a_rubric_is_not_there_for_raters(services, raters, delivery):
    response = replace(services.responses.find(f"attempt_asha:{OPEN}"), task="typing")
    with pytest.raises(NotFound):
        usecases.get_sheet(actor=MEERA, delivery=delivery, response=response, raters=raters)


def test_agreement_counts_people_and_the_machines_hints(rate, services, raters, delivery, double):
    for student, hint in (("asha", 2), ("ravi", 4)):
        seen = services.responses.find(f"attempt_{student}:{OPEN}")
        hints = [{"criterion": "fluency", "level": hint, "confidence": 0.5, "because": "counted"}]
        score = {**seen.score, "explanation": {**seen.score["explanation"], "hints": hints}}
        services.responses.save(replace(seen, score=score, revision=seen.revision + 1), seen_revision=seen.revision)
    rate(MEERA, level=2)
    rate(JOHN, level=2)
    rate(MEERA, level=4, student="ravi")
    rate(JOHN, level=5, student="ravi")
    fluency = next(
        row for row in usecases.measure_agreement(delivery=delivery, raters=raters) if row.criterion.id == "fluency"
    )
    assert (fluency.people.pairs, fluency.people.exact, fluency.people.adjacent) == (2, 0.5, 1)
    assert (fluency.machine.pairs, fluency.machine.exact) == (4, 0.75)
    assert fluency.people.kappa > 0.8


def test_a_crash_between_rating_and_points_is_mended_by_pressing_again(rate, services, raters):
    stored = model.Rating(
        id=model.rating_id(f"attempt_asha:{FAILED}", "meera"),
        response_id=f"attempt_asha:{FAILED}",
        delivery_id="delivery",
        campus_id="north",
        rater_id="meera",
        task="repeat",
        rubric_id="spoken_sentence",
        rubric_version="1",
        levels={"sentence": 5, "fluency": 5, "pronunciation": 5},
        notes="",
        is_adjudication=False,
        rated_at=COMPLETED - timedelta(minutes=1),
    )
    raters.ratings.add(stored)
    assert rate(MEERA, position=FAILED) is Step.DONE
    assert services.responses.find(f"attempt_asha:{FAILED}").state is ResponseState.SCORED
