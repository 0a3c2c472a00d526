"""Results, releases, mailings and dispatches: one suite over memory and MongoDB."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.features.mailings import model as mailing_rules
from backend.features.mailings import mongo as mailings_mongo
from backend.features.mailings.memory import MemoryDispatches, MemoryMailings
from backend.features.mailings.model import DispatchState, Mailing, MailingState, fresh_dispatch
from backend.features.results import mongo as results_mongo
from backend.features.results.memory import MemoryReleases, MemoryResults
from backend.features.results.model import release_of, withdrawn
from backend.storage import ensure_collections
from tests.support.builders_results import COMPLETED, make_outcome, make_result

MAILING = Mailing(
    id="mailing",
    kind="results_ready",
    delivery_id="delivery",
    campus_id="north",
    result_ids=("attempt_asha-1", "attempt_ravi-1"),
    state=MailingState.PREPARING,
    created_by="meera",
    created_at=COMPLETED,
)


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.services)])
def database(request):
    if request.param == "memory":
        return None
    database = request.getfixturevalue("mongo_database")
    ensure_collections(database, (*results_mongo.COLLECTIONS, *mailings_mongo.COLLECTIONS))
    return database


@pytest.fixture
def results(database):
    return MemoryResults() if database is None else results_mongo.MongoResults(database)


@pytest.fixture
def releases(database):
    return MemoryReleases() if database is None else results_mongo.MongoReleases(database)


@pytest.fixture
def mailings(database):
    return MemoryMailings() if database is None else mailings_mongo.MongoMailings(database)


@pytest.fixture
def dispatches(database):
    return MemoryDispatches() if database is None else mailings_mongo.MongoDispatches(database)


def test_a_result_comes_back_as_it_was(results):
    result = make_result(outcome=make_outcome(vocabulary=None, warnings=("insufficient_evidence",)))
    assert results.add(result)
    assert results.find(result.id) == result
    assert results.find_many([result.id, "another"]) == {result.id: result}
    assert results.find("another") is None


def test_a_settlement_is_written_once_and_never_changed(results):
    result = make_result()
    assert results.add(result)
    assert not results.add(replace(result, outcome=make_outcome(vocabulary=20)))
    assert results.find(result.id) == result


def test_settlements_are_listed_in_order(results):
    second, first = make_result(settlement=2), make_result(settlement=1)
    other = make_result("attempt_ravi", student_id="ravi")
    for each in (second, first, other):
        results.add(each)
    assert results.list_by_attempt("attempt_asha") == [first, second]
    assert results.list_by_number(first.number) == [first, second]
    assert {each.id for each in results.list_by_delivery("delivery")} == {first.id, second.id, other.id}
    assert results.list_by_number("0000-0000-0000") == []


def test_a_release_is_written_over_what_was_seen(releases):
    release = release_of(make_result(), by="meera", at=COMPLETED)
    assert releases.add(release)
    assert not releases.add(release)
    after = withdrawn(release, by="meera", at=COMPLETED + timedelta(hours=1))
    assert releases.save(after, seen=release)
    assert not releases.save(after, seen=release)
    assert releases.find(release.id) == after
    assert releases.list_by_attempt("attempt_asha") == releases.list_by_delivery("delivery") == [after]
    assert releases.list_by_student("asha") == [after]
    assert releases.list_by_student("ravi") == []


def test_a_mailing_that_is_still_being_prepared_is_found(mailings):
    mailings.add(MAILING)
    mailings.add(replace(MAILING, id="later", created_at=COMPLETED + timedelta(hours=1)))
    ready = mailing_rules.prepared(replace(MAILING, id="ready"))
    mailings.add(ready)
    assert [each.id for each in mailings.list_preparing(before=COMPLETED, limit=10)] == ["mailing"]
    assert mailings.list_by_delivery("delivery")[0].id == "later"
    assert mailings.save(mailing_rules.prepared(MAILING), seen=MAILING)
    assert not mailings.save(mailing_rules.prepared(MAILING), seen=MAILING)
    assert mailings.list_preparing(before=COMPLETED, limit=10) == []


def test_dispatches_wait_are_claimed_and_are_abandoned(dispatches):
    first = fresh_dispatch(MAILING, "attempt_asha-1", "asha", at=COMPLETED)
    second = fresh_dispatch(MAILING, "attempt_ravi-1", "ravi", at=COMPLETED + timedelta(minutes=1))
    assert dispatches.add(first)
    assert dispatches.add(second)
    assert not dispatches.add(first)
    assert dispatches.list_waiting(at=COMPLETED, limit=10) == [first]
    claim = mailing_rules.claimed(first, at=COMPLETED)
    assert dispatches.save(claim, seen=first)
    assert not dispatches.save(claim, seen=first), "claimed once"
    assert dispatches.list_waiting(at=COMPLETED + timedelta(hours=1), limit=10) == [second]
    assert dispatches.list_abandoned(at=COMPLETED, limit=10) == []
    assert dispatches.list_abandoned(at=COMPLETED + mailing_rules.LEASE, limit=10) == [claim]
    sent = mailing_rules.sent(claim, message_id="message", at=COMPLETED)
    assert dispatches.save(sent, seen=claim)
    assert dispatches.find(first.id) == sent
    assert sent.state is DispatchState.SENT
    assert {each.id for each in dispatches.list_by_mailing("mailing")} == {first.id, second.id}
    assert {each.id for each in dispatches.list_by_delivery("delivery")} == {first.id, second.id}
