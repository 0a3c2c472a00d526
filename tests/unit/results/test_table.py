"""Which attempt and which result a student's row tells of, and what it says of them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.features.attempts.marks import CountsFromAttempts
from backend.features.attempts.model import AttemptState
from backend.features.attempts.responses import ResponseState
from backend.features.results.model import release_of
from backend.features.results.repository import Person
from backend.features.results.table import Gathered, RowState, UnderWay, count_rows, make_rows
from backend.features.results.tasks import settle
from tests.support.builders_results import COMPLETED, make_result
from tests.support.results_world import furnish_results, make_attempt, sit
from tests.support.services_memory import build_memory_services

ASHA = Person(student_id="asha", name="Asha Rao", roll_number="N-01", email=None)
SETTLED = make_attempt("asha", settled_at=COMPLETED)
LATER = {
    "device check": {"state": AttemptState.CHECKING, "started_at": None},
    "voided before it began": {"state": AttemptState.VOIDED, "started_at": None},
    "voided": {"state": AttemptState.VOIDED},
}


def make_row(*attempts, counts=None, later_counts=None, released=False, results=None):
    result = make_result()
    gathered = Gathered(
        people=[ASHA],
        attempts=attempts,
        counts={"attempt_asha": counts or {}, "attempt_asha_2": later_counts or {}},
        results=[result] if results is None else results,
        releases=[release_of(result, by="meera", at=COMPLETED)] if released else [],
        mails={},
    )
    return make_rows(gathered)[0]


def second_attempt(**changes):
    return make_attempt("asha", **({"id": "attempt_asha_2", "number": 2, "submitted_at": None} | changes))


@pytest.mark.parametrize("changes", LATER.values(), ids=LATER)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_scored_attempt_stays_before_a_later_one_that_does_not_count(changes, is_first):
    attempts = [SETTLED, second_attempt(**changes)]
    row = make_row(*(attempts if is_first else reversed(attempts)))
    assert (row.attempt_id, row.state, row.under_way) == ("attempt_asha", RowState.SCORED, None)
    assert row.result is not None


UNDER_WAY = {
    "in progress": ({"state": AttemptState.IN_PROGRESS}, RowState.SITTING),
    "paused": ({"state": AttemptState.PAUSED}, RowState.SITTING),
    "handed in": ({"submitted_at": COMPLETED}, RowState.SCORING),
    "its time ended": ({"state": AttemptState.EXPIRED, "submitted_at": COMPLETED}, RowState.SCORING),
}


@pytest.mark.parametrize(("changes", "state"), UNDER_WAY.values(), ids=UNDER_WAY)
def test_until_a_later_attempt_is_settled_the_row_tells_of_the_scored_one_and_of_it_in_a_word(changes, state):
    row = make_row(SETTLED, second_attempt(**changes), released=True)
    assert (row.attempt_id, row.state, row.result) == ("attempt_asha", RowState.SCORED, make_result())
    assert (row.is_released, row.older_released) == (True, False)
    assert row.under_way == UnderWay(number=2, state=state)
    totals = count_rows([row])
    assert (totals.results, totals.scored, totals.released) == (1, 1, 1)
    assert totals.waiting == (state is RowState.SCORING)


def test_answers_of_a_later_attempt_that_need_a_decision_are_told_too():
    row = make_row(SETTLED, second_attempt(submitted_at=COMPLETED), later_counts={ResponseState.FAILED: 1})
    assert row.under_way == UnderWay(number=2, state=RowState.UNSCORED)
    assert (row.failed, count_rows([row]).unscored) == (0, 1)


def test_a_later_attempt_that_is_settled_takes_the_place():
    later = second_attempt(submitted_at=COMPLETED, settled_at=COMPLETED)
    result = replace(make_result(), id="result_asha_2", attempt_id=later.id)
    row = make_row(SETTLED, later, results=[make_result(), result])
    assert (row.attempt_id, row.result, row.under_way) == (later.id, result, None)


def test_before_anything_is_scored_the_row_tells_of_the_later_attempt():
    row = make_row(replace(SETTLED, settled_at=None), second_attempt(state=AttemptState.IN_PROGRESS), results=[])
    assert (row.attempt_id, row.state, row.result) == ("attempt_asha_2", RowState.SITTING, None)
    assert row.under_way is None


def test_where_no_attempt_counts_the_latest_is_told():
    voided = replace(SETTLED, state=AttemptState.VOIDED)
    row = make_row(voided, second_attempt(state=AttemptState.CHECKING, started_at=None))
    assert (row.attempt_id, row.state) == ("attempt_asha_2", RowState.SITTING)


def test_a_deliverys_count_goes_by_the_attempts_that_count():
    services = furnish_results(build_memory_services())
    sit(services)
    settle("attempt_asha", services)
    services.attempts.add(second_attempt(state=AttemptState.CHECKING, started_at=None))
    counts = CountsFromAttempts(services.attempts, services.responses, services.candidates)
    counted = counts.count(services.deliveries.find("delivery"))
    assert (counted.started, counted.finished, counted.settled) == (1, 1, 1)


def test_a_delivery_counts_a_result_also_while_its_student_sits_again():
    services = furnish_results(build_memory_services())
    sit(services)
    settle("attempt_asha", services)
    services.attempts.add(second_attempt(state=AttemptState.IN_PROGRESS))
    counts = CountsFromAttempts(services.attempts, services.responses, services.candidates)
    counted = counts.count(services.deliveries.find("delivery"))
    assert (counted.started, counted.running, counted.finished, counted.settled) == (1, 1, 0, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": AttemptState.IN_PROGRESS, "submitted_at": None},
        {"submitted_at": COMPLETED + timedelta(minutes=9)},
        {"state": AttemptState.VOIDED},
    ],
    ids=["reopened", "handed in again", "voided"],
)
def test_a_result_that_no_longer_counts_is_not_told(changes):
    row = make_row(replace(SETTLED, settled_at=None, **changes))
    assert row.result is None
    assert row.state is not RowState.SCORED
    assert count_rows([row]).scored == 0


def test_a_reopening_that_changed_nothing_leaves_the_result_as_it_was():
    row = make_row(replace(SETTLED, submitted_at=COMPLETED + timedelta(minutes=9)))
    assert (row.state, row.result) == (RowState.SCORED, make_result())


def test_while_an_answer_is_scored_again_the_row_says_so_beside_the_result_from_before():
    contested = replace(SETTLED, settled_at=None)
    row = make_row(contested, counts={ResponseState.QUEUED: 1, ResponseState.FAILED: 1}, released=True)
    assert (row.state, row.is_released, row.result) == (RowState.SCORING, True, make_result())
    totals = count_rows([row])
    assert (totals.results, totals.scored, totals.unreleased) == (1, 0, 0)
    decided = make_row(contested, counts={ResponseState.FAILED: 1})
    assert decided.state is RowState.UNSCORED
