"""What two raters come to, who may rate, and how a rating reaches the result."""

from dataclasses import replace

import pytest

from backend.adapters.rubrics.files import FileRubrics
from backend.core.actor import Actor, Role
from backend.core.errors import Conflict, NotFound, RuleViolation
from backend.features.attempts import responses as response_rules
from backend.features.attempts.responses import Answer, Earlier, ResponseState
from backend.features.raters import model, usecases
from backend.features.raters.model import Step
from backend.features.raters.tasks import raters_desk_of
from backend.features.ratings.moving import engine_of
from backend.features.ratings.usecases import list_unscored, score_all_again, settle_without
from backend.features.results.tasks import settle
from tests.support.builders_results import COMPLETED, TASKS
from tests.support.exam import MEERA
from tests.support.results_world import contest, furnish_results, make_response, sit
from tests.support.services_memory import build_memory_services

OPEN = len(TASKS) - 1
FAILED = 6  # a repeat
BY_PEOPLE = {"points": {}, "explanation": {"rated_by_people": {"fluency": 4}}}
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
    services.responses.save(doubtful, seen=seen)
    return services


@pytest.fixture
def raters(services):
    return raters_desk_of(services)


@pytest.fixture
def delivery(services):
    return services.deliveries.find("delivery")


@pytest.fixture
def rate(services, raters, delivery):
    def rate(actor, position=OPEN, level=3, student="asha", sheet=None, **levels):
        response = services.responses.find(f"attempt_{student}:{position}")
        rubric = services.rubrics.find_for(response.task)
        given = {each.id: level for each in rubric.criteria_for(response.task)} | levels
        sheet = sheet or usecases.get_sheet(actor=actor, delivery=delivery, response=response, raters=raters)
        return usecases.rate_answer(
            actor=actor,
            delivery=delivery,
            response=response,
            fingerprint=sheet.fingerprint,
            saw_others=bool(sheet.earlier),
            levels=given,
            notes=" clear ",
            raters=raters,
            now=services.now(),
            new_id=services.new_id,
        )

    return rate


@pytest.fixture
def see(services, raters, delivery):
    """The sheet as a rater loads it."""

    def see(actor, position=OPEN):
        response = services.responses.find(f"attempt_asha:{position}")
        return usecases.get_sheet(actor=actor, delivery=delivery, response=response, raters=raters)

    return see


@pytest.fixture
def plan(services, raters, delivery):
    def plan(is_double):
        return usecases.choose_plan(
            actor=MEERA,
            delivery=delivery,
            is_double=is_double,
            raters=raters,
            now=services.now(),
            new_id=services.new_id,
        )

    return plan


@pytest.fixture
def double(plan):
    plan(is_double=True)


@pytest.fixture
def alter(services):
    """Writes other fields into an answer."""

    def alter(position=OPEN, **changes):
        seen = services.responses.find(f"attempt_asha:{position}")
        after = replace(seen, revision=seen.revision + 1, **changes)
        assert services.responses.save(after, seen=seen)
        return after

    return alter


@pytest.fixture
def record_more(services, alter):
    """The rest of the answer arrives, and the machine leaves the whole to people again."""

    def record_more(position=OPEN):
        seen = services.responses.find(f"attempt_asha:{position}")
        rest = replace(seen.recordings[0], recording_id="rest", segment=1, stored_at=services.now())
        return alter(position, recordings=(*seen.recordings, rest))

    return record_more


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
    services.responses.save(waived, seen=seen)
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
        services.responses.save(replace(seen, score=score, revision=seen.revision + 1), seen=seen)
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


def stored_rating(**changes):
    """A rating of the failed answer as it was stored before fingerprints were kept."""
    rating = model.Rating(
        id=f"attempt_asha:{FAILED}:meera",
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
        rated_at=COMPLETED,
    )
    return replace(rating, **changes)


def test_a_crash_between_rating_and_points_is_mended_by_pressing_again(rate, services, raters):
    raters.ratings.add(stored_rating())
    assert rate(MEERA, position=FAILED) is Step.DONE
    assert services.responses.find(f"attempt_asha:{FAILED}").state is ResponseState.SCORED


def test_and_by_the_sweep(services, raters):
    raters.ratings.add(stored_rating())
    for expected in (1, 0):
        assert usecases.sweep(deliveries=services.deliveries, raters=raters, now=services.now()) == expected
    response = services.responses.find(f"attempt_asha:{FAILED}")
    assert fluency_of(response) == 1
    settle("attempt_asha", services)
    assert services.results.find("attempt_asha-1").items[FAILED].points["fluency"].value == 1


def test_the_sweep_waits_for_the_second_person(services, raters, double):
    raters.ratings.add(stored_rating())
    assert usecases.sweep(deliveries=services.deliveries, raters=raters, now=services.now()) == 0
    assert services.responses.find(f"attempt_asha:{FAILED}").is_blocking


def test_what_one_person_judged_gets_its_points_when_one_is_enough(rate, services, double, plan):
    assert rate(MEERA, position=FAILED, level=4) is Step.SECOND
    plan(is_double=False)
    response = services.responses.find(f"attempt_asha:{FAILED}")
    assert (response.state, response.is_blocking) == (ResponseState.SCORED, False)
    assert fluency_of(response) == 0.8


def fluency_of(response):
    return response.score["points"]["fluency"]["value"]


class TestRatingsBelongToAnAnswer:
    """What was given to another answer than the one that stands does not count."""

    def test_two_ratings_of_different_answers_never_become_one_score(self, rate, services, double, record_more):
        assert rate(MEERA, position=FAILED, level=1) is Step.SECOND
        record_more(FAILED)
        assert rate(JOHN, position=FAILED, level=2) is Step.SECOND
        assert rate(MEERA, position=FAILED, level=2) is Step.DONE, "who judged the earlier one may judge this one"
        response = services.responses.find(f"attempt_asha:{FAILED}")
        assert fluency_of(response) == 0.4

    def test_with_one_rater_the_new_answer_is_open_again(self, rate, raters, delivery, record_more):
        rate(MEERA, level=5)
        assert usecases.list_rated(delivery=delivery, attempt_id="attempt_asha", raters=raters)
        record_more()
        queue = usecases.get_queue(actor=MEERA, delivery=delivery, raters=raters)
        assert f"attempt_asha:{OPEN}" in [line.response_id for line in queue.open_to_me]
        assert usecases.list_rated(delivery=delivery, attempt_id="attempt_asha", raters=raters) == []
        assert usecases.measure_agreement(delivery=delivery, raters=raters) == []
        rate(MEERA, level=2)
        (rated,) = usecases.list_rated(delivery=delivery, attempt_id="attempt_asha", raters=raters)
        assert rated.levels[0] == ("Fluency", 2, 5)

    def test_levels_for_an_answer_that_changed_are_not_stored(self, rate, see, raters, record_more):
        sheet = see(MEERA)
        record_more()
        with pytest.raises(Conflict, match="answer_changed"):
            rate(MEERA, sheet=sheet)
        assert not raters.ratings.list_by_response(f"attempt_asha:{OPEN}")

    def test_typed_answers_too(self, see, alter):
        alter(answer=Answer(text="one"), answer_rank=1)
        before = see(MEERA).fingerprint
        alter(answer_rank=2)
        assert see(MEERA).fingerprint == before
        alter(answer=Answer(text="two"))
        assert see(MEERA).fingerprint != before

    def test_a_second_recording_of_a_part_is_heard_too(self, services, see, alter):
        before = see(MEERA)
        (first,) = before.response.recordings
        alter(recordings=(first, replace(first, recording_id="another tab")))
        assert see(MEERA).fingerprint != before.fingerprint

    def test_one_from_before_fingerprints_counts_while_nothing_changed(self, rate, raters, services, double, alter):
        raters.ratings.add(stored_rating())
        services.now.move(days=1)
        alter(FAILED, earlier=(Earlier(replaced_at=services.now(), score={"points": {}}),))
        assert rate(JOHN, position=FAILED, level=5) is Step.DONE, "the machine's own score was taken again, no more"

    @pytest.mark.parametrize("change", ["recorded", "typed", "contested"])
    def test_and_not_once_something_did(self, rate, raters, services, double, alter, record_more, change):
        raters.ratings.add(stored_rating())
        services.now.move(days=1)
        if change == "recorded":
            record_more(FAILED)
        else:
            answer, score = (Answer(text="one"), None) if change == "typed" else (None, BY_PEOPLE)
            alter(FAILED, earlier=(Earlier(replaced_at=services.now(), answer=answer, score=score),))
        assert rate(JOHN, position=FAILED, level=5) is Step.SECOND


class TestASecondLook:
    """What people scored is contested: people judge it again, and what counted before counts until they did."""

    @pytest.fixture
    def contested(self, rate, services):
        rate(MEERA, position=FAILED, level=4)
        settle("attempt_asha", services)
        return self.contest(services)

    def contest(self, services):
        services.now.move(minutes=1)
        return contest(services, FAILED)

    def test_it_waits_for_people_and_no_machine_takes_their_place(self, contested, services, raters, delivery):
        assert (contested.state, contested.is_blocking) == (ResponseState.FAILED, True)
        assert not [job for job in services.jobs.waiting_jobs if job[0] == "ratings.score_response"]
        assert score_all_again(delivery_id="delivery", desk=raters.desk, now=services.now()) == 0
        with pytest.raises(Conflict, match="left_to_people"):
            response_rules.asked_again(contested, at=services.now())
        assert engine_of(contested) is None, "nor does a move to another engine"
        (line,) = [
            each
            for each in list_unscored(delivery_id="delivery", candidates=[], desk=raters.desk)
            if each.response_id == contested.id
        ]
        assert (line.may_score_again, line.is_looked_at_again) == (False, True)
        assert usecases.sweep(deliveries=services.deliveries, raters=raters, now=services.now()) == 0
        queue = usecases.get_queue(actor=MEERA, delivery=delivery, raters=raters)
        assert contested.id in [each.response_id for each in queue.open_to_me]

    def test_contested_twice_is_contested_once(self, contested, services):
        assert self.contest(services) == contested

    def test_what_raters_had_at_hand_is_still_there(self, contested, see):
        assert see(JOHN, FAILED).response.score["explanation"]["expected"]
        assert see(JOHN, FAILED).response.recordings

    def test_the_new_rating_makes_a_new_result_and_the_old_score_is_kept(self, contested, rate, services):
        before = services.results.find("attempt_asha-1")
        assert rate(JOHN, position=FAILED, level=2) is Step.DONE
        settle("attempt_asha", services)
        after = services.results.find("attempt_asha-2")
        assert [each.items[FAILED].points["fluency"].value for each in (before, after)] == [0.8, 0.4]
        stored = services.responses.find(contested.id)
        then = response_rules.as_of(stored, before.settled_at)
        assert [fluency_of(each) for each in (then, stored)] == [0.8, 0.4]

    def test_settled_without_it_the_first_score_stands(self, contested, services, raters, rate):
        after = settle_without(
            actor=MEERA,
            response=contested,
            desk=raters.desk,
            audit_log=services.audit_log,
            now=services.now(),
            new_id=services.new_id,
        )
        assert (after.state, fluency_of(after)) == (ResponseState.SCORED, 0.8)
        settle("attempt_asha", services)
        assert services.attempts.find("attempt_asha").settled_at is not None
        assert [each.id for each in services.results.list_by_attempt("attempt_asha")] == ["attempt_asha-1"]
        assert self.contest(services).is_looked_at_again, "and may be contested again"
        assert rate(JOHN, position=FAILED, level=5) is Step.DONE


def test_who_did_not_see_that_two_differ_does_not_decide(rate, see, raters, double):
    blind = see(LILA)
    rate(MEERA, level=1)
    rate(JOHN, level=5)
    with pytest.raises(Conflict, match="raters_differ"):
        rate(LILA, level=3, sheet=blind)
    assert len(raters.ratings.list_by_response(f"attempt_asha:{OPEN}")) == 2
    assert rate(LILA, level=3) is Step.DONE


def test_levels_beside_a_result_stay_while_a_second_person_is_asked(rate, services, raters, delivery, plan):
    def beside():
        rated = usecases.list_rated(delivery=delivery, attempt_id="attempt_asha", raters=raters)
        return [each.levels[0][1] for each in rated]

    rate(MEERA, level=1)
    services.now.move(minutes=1)
    plan(is_double=True)
    assert beside() == [1]
    rate(JOHN, level=5)
    assert beside() == [1], "they differ: what counted stays until a third person decided"
    rate(LILA, level=4)
    assert beside() == [4]


def test_a_first_of_two_ratings_is_not_shown_alone(rate, raters, delivery, double):
    rate(MEERA, level=3)
    assert usecases.list_rated(delivery=delivery, attempt_id="attempt_asha", raters=raters) == []
