"""Ratings, plans and cohorts: one suite over memory and MongoDB."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.features.raters import mongo as raters_mongo
from backend.features.raters.memory import MemoryRatingPlans, MemoryRatings
from backend.features.raters.model import Rating, RatingPlan, planned, rating_id
from backend.features.ratings import mongo as ratings_mongo
from backend.features.ratings.cohort import Cohort, heard, moved, rescored, went_down
from backend.features.ratings.memory import MemoryCohorts
from backend.storage import ensure_collections, to_document
from tests.support.builders_results import COMPLETED

RATING = Rating(
    id=rating_id("attempt:3", "meera", "f1"),
    response_id="attempt:3",
    delivery_id="delivery",
    campus_id="north",
    rater_id="meera",
    task="open_question",
    rubric_id="open_answer",
    rubric_version="1",
    levels={"fluency": 3, "grammar": 2},
    notes="",
    is_adjudication=False,
    rated_at=COMPLETED,
    fingerprint="f1",
)


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.services)])
def stores(request):
    if request.param == "memory":
        return MemoryRatings(), MemoryRatingPlans(), MemoryCohorts()
    database = request.getfixturevalue("mongo_database")
    ensure_collections(database, (*raters_mongo.COLLECTIONS, *ratings_mongo.COLLECTIONS))
    return (
        raters_mongo.MongoRatings(database),
        raters_mongo.MongoRatingPlans(database),
        ratings_mongo.MongoCohorts(database),
    )


def test_a_rating_comes_back_as_it_was_and_is_written_once(stores):
    ratings, _, _ = stores
    assert ratings.add(RATING)
    assert not ratings.add(replace(RATING, levels={"fluency": 5, "grammar": 5}))
    assert ratings.find(RATING.id) == RATING
    other = replace(RATING, id=rating_id("attempt:4", "meera", "f1"), response_id="attempt:4")
    ratings.add(other)
    assert list(ratings.list_by_response("attempt:3")) == [RATING]
    assert {each.id for each in ratings.list_by_delivery("delivery")} == {RATING.id, other.id}
    assert ratings.find("nobody") is None


def test_a_rater_judges_another_answer_of_the_same_response(stores):
    ratings, _, _ = stores
    again = replace(RATING, id=rating_id("attempt:3", "meera", "f2"), fingerprint="f2")
    assert ratings.add(RATING)
    assert ratings.add(again)
    assert {each.fingerprint for each in ratings.list_by_response("attempt:3")} == {"f1", "f2"}


def test_deliveries_in_which_people_rated_lately(stores):
    ratings, _, _ = stores
    for number, (delivery, minutes) in enumerate([("old", -1), ("new", 0), ("new", 5), ("also", 9)]):
        moment = COMPLETED + timedelta(minutes=minutes)
        ratings.add(replace(RATING, id=f"{number}", delivery_id=delivery, rated_at=moment))
    assert ratings.list_deliveries_since(COMPLETED) == ["also", "new"]


@pytest.mark.services
def test_ratings_and_plans_from_before_fingerprints_are_read(mongo_database):
    ensure_collections(mongo_database, raters_mongo.COLLECTIONS)
    document = to_document(replace(RATING, id="attempt:3:meera"))
    del document["fingerprint"]
    mongo_database["ratings"].insert_one(document)
    (rating,) = raters_mongo.MongoRatings(mongo_database).list_by_response("attempt:3")
    assert rating.fingerprint == ""
    plan = to_document(RatingPlan(id="delivery", campus_id="north", is_double=True))
    del plan["doubled_at"]
    mongo_database["rating_plans"].insert_one(plan)
    assert raters_mongo.MongoRatingPlans(mongo_database).find("delivery").doubled_at is None


def test_a_plan_is_written_over_what_was_read(stores):
    _, plans, _ = stores
    plan = RatingPlan(id="delivery", campus_id="north")
    assert plans.find("delivery") is None
    assert plans.add(plan)
    assert not plans.add(plan)
    after = planned(plan, is_double=True, at=COMPLETED)
    assert plans.save(after, seen=plan)
    assert not plans.save(after, seen=plan)
    assert plans.find("delivery") == after


def test_a_cohort_is_bound_once_and_written_over_what_was_read(stores):
    _, _, cohorts = stores
    cohort = Cohort(id="delivery", campus_id="north", engine="azure", engine_version="1", bound_at=COMPLETED)
    assert cohorts.find("delivery") is None
    assert cohorts.add(cohort)
    assert not cohorts.add(replace(cohort, engine="offline"))
    down = went_down(cohort, "a1:0", reason="engine_unreachable", at=COMPLETED)
    assert cohorts.save(down, seen=cohort)
    assert not cohorts.save(down, seen=cohort)
    assert cohorts.find("delivery") == down


def test_a_cohort_that_leaves_its_engine_is_found_until_it_is_there(stores):
    _, _, cohorts = stores
    cohort = Cohort(id="delivery", campus_id="north", engine="azure", engine_version="1", bound_at=COMPLETED)
    for each in (cohort, replace(cohort, id="another")):
        assert cohorts.add(each)
    assert not cohorts.list_leaving(limit=10)
    leaving = moved(cohort, "offline", by="meera", reason="An outage.", at=COMPLETED)
    assert cohorts.save(leaving, seen=cohort)
    assert list(cohorts.list_leaving(limit=10)) == [leaving]
    assert cohorts.save(rescored(leaving), seen=leaving)
    assert not cohorts.list_leaving(limit=10)
    assert cohorts.find("delivery").moves == leaving.moves


def test_the_versions_that_heard_a_cohort_come_back_in_order(stores):
    _, _, cohorts = stores
    cohort = Cohort(id="delivery", campus_id="north", engine="azure", engine_version="1", bound_at=COMPLETED)
    cohorts.add(cohort)
    for version in ("2", "1"):
        seen = cohorts.find("delivery")
        after = heard(seen, engine_version=version, heard_by=f"azure {version}, pipeline 4, abc")
        assert cohorts.save(after, seen=seen)
    assert cohorts.find("delivery").versions == ("azure 2, pipeline 4, abc", "azure 1, pipeline 4, abc")


@pytest.mark.services
def test_a_cohort_stored_before_versions_were_kept_goes_on(mongo_database):
    ensure_collections(mongo_database, ratings_mongo.COLLECTIONS)
    cohort = Cohort(id="delivery", campus_id="north", engine="azure", engine_version="1", bound_at=COMPLETED)
    document = to_document(cohort)
    del document["versions"]
    mongo_database["speech_cohorts"].insert_one(document)
    cohorts = ratings_mongo.MongoCohorts(mongo_database)
    assert cohorts.find("delivery") == cohort
    after = heard(cohort, engine_version="1", heard_by="azure 1, pipeline 4, abc")
    assert cohorts.save(after, seen=cohort)
    assert cohorts.find("delivery") == after
