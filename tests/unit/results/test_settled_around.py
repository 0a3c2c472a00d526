"""An answer that is judged while its result is settled, or after it was settled without it, counts all the same."""

from dataclasses import replace

import pytest

from backend.core.errors import PermanentFailure
from backend.features.attempts.responses import ResponseState
from backend.features.raters import usecases as raters
from backend.features.raters.model import fingerprint_of
from backend.features.raters.repository import RatersDesk
from backend.features.ratings.tasks import desk_of, judges_of
from backend.features.ratings.usecases import SETTLE_ATTEMPT, score_response, sweep
from backend.features.results.model import ItemState
from backend.features.results.tasks import settle
from backend.scoring.keys import RepeatKey
from tests.support.builders_results import TASKS
from tests.support.exam import MEERA, WEBM, receive
from tests.support.results_world import contest, furnish_results, make_response, sit
from tests.support.services_memory import build_memory_services
from tests.support.speech import evidence

TEXT = "We walked to the old market."
REPEAT = TASKS.index("repeat")


@pytest.fixture
def services():
    services = furnish_results(build_memory_services())
    services.listener.hear = lambda _, task: evidence(task, TEXT)
    services.scoring_keys.add(f"item{REPEAT}", 1, RepeatKey(text=TEXT))
    sit(services)
    return services


def stored(services):
    return services.responses.find(f"attempt_asha:{REPEAT}")


def waive(services, **changes):
    seen = stored(services)
    after = replace(seen, waived_by="meera", revision=seen.revision + 1, **changes)
    assert services.responses.save(after, seen=seen)


def waive_failed(services):
    """Staff settle without an answer that the machine could not score."""
    score = {**stored(services).score, "points": {}, "status": "needs_human"}
    waive(services, state=ResponseState.FAILED, score=score, reason="low_confidence")


def rate(services):
    response = stored(services)
    rubric = services.rubrics.find_for(response.task)
    raters.rate_answer(
        actor=MEERA,
        delivery=services.deliveries.find("delivery"),
        response=response,
        levels={criterion.id: 3 for criterion in rubric.criteria_for(response.task)},
        notes="",
        fingerprint=fingerprint_of(response),
        saw_others=False,
        raters=RatersDesk(
            desk=desk_of(services),
            ratings=services.people_ratings,
            plans=services.rating_plans,
            rubrics=services.rubrics,
            items=services.items,
            audit_log=services.audit_log,
        ),
        now=services.now(),
        new_id=services.new_id,
    )


def while_it_is_settled(services, step, monkeypatch, *, is_marked=False):
    """Settles, with `step` after its answers were read and before the attempt says that it is settled, or just
    afterwards."""
    with monkeypatch.context() as patch:
        shelf, name = (services.attempts, "save") if is_marked else (services.results, "add")
        write, steps = getattr(shelf, name), [step]

        def slow(*arguments, **named):
            written = write(*arguments, **named) if is_marked else None
            if steps:
                steps.pop()()
            return written if is_marked else write(*arguments, **named)

        patch.setattr(shelf, name, slow)
        settle("attempt_asha", services)


def go_on(services):
    """What the queue and the sweep do afterwards."""
    for _ in range(3):
        services.now.move(minutes=2)
        sweep(desk=desk_of(services), now=services.now())
        waiting = {arguments[0] for job, arguments in services.jobs.take() if job == SETTLE_ATTEMPT}
        for attempt_id in waiting:
            settle(attempt_id, services)


def states(services):
    """Of the answer, result by result."""
    return [
        next(item.state for item in result.items if item.position == REPEAT)
        for result in services.results.list_by_attempt("attempt_asha")
    ]


@pytest.mark.parametrize("is_marked", [False, True])
@pytest.mark.parametrize("queue_loses_jobs", [False, True])
def test_a_rating_while_it_is_settled_counts(services, monkeypatch, is_marked, queue_loses_jobs):
    waive_failed(services)
    while_it_is_settled(services, lambda: rate(services), monkeypatch, is_marked=is_marked)
    if queue_loses_jobs:
        services.jobs.take()
    go_on(services)
    assert states(services) == [ItemState.NOT_SCORED, ItemState.SCORED]
    assert services.attempts.find("attempt_asha").settled_at is not None


def test_a_rating_counts_also_where_who_gave_it_dies_before_the_review(services, monkeypatch):
    def dies(**_):
        raise RuntimeError

    waive_failed(services)
    monkeypatch.setattr(raters, "review_judged", dies)

    def rate_and_die():
        with pytest.raises(RuntimeError):
            rate(services)

    while_it_is_settled(services, rate_and_die, monkeypatch)
    go_on(services)
    assert states(services) == [ItemState.NOT_SCORED, ItemState.SCORED]


class TestARecordingThatWasOnItsWay:
    """Its attempt was read before its long body came, and settled meanwhile."""

    @pytest.fixture
    def arrives(self, services):
        gone = {"recordings": (), "score": None, "reason": "no_recording", "evidence_key": None}
        waive(services, state=ResponseState.MISSING, **gone)
        attempt = services.attempts.find("attempt_asha")

        return lambda: receive(services, attempt, at=services.now(), position=REPEAT)

    def score(self, services):
        score_response(
            response_id=stored(services).id,
            desk=desk_of(services),
            judges=judges_of(services),
            clock=services.now,
        )

    def test_counts_once_it_is_scored(self, services, arrives):
        settle("attempt_asha", services)
        arrives()
        self.score(services)
        go_on(services)
        assert states(services) == [ItemState.NO_RECORDING, ItemState.SCORED]
        assert services.attempts.find("attempt_asha").settled_at is not None

    def test_waits_for_a_person_where_it_fails(self, services, arrives, monkeypatch):
        def hear(recordings, task):
            raise PermanentFailure("not_audio")

        services.listener.hear = hear

        def arrive_and_fail():
            arrives()
            self.score(services)

        while_it_is_settled(services, arrive_and_fail, monkeypatch)
        go_on(services)
        assert stored(services).is_blocking
        assert services.attempts.find("attempt_asha").settled_at is None
        assert states(services) == [ItemState.NO_RECORDING], "the result stands until there is another"


def test_a_recording_that_came_after_the_result_counts_once_staff_have_it_scored(services):
    gone = {"recordings": (), "score": None, "reason": "no_recording", "evidence_key": None}
    waive(services, state=ResponseState.MISSING, **gone)
    settle("attempt_asha", services)
    receive(services, services.attempts.find("attempt_asha"), at=services.now(), position=REPEAT)
    assert stored(services).state is ResponseState.MISSING, "by itself it is only kept"
    contest(services, REPEAT)
    score_response(
        response_id=stored(services).id, desk=desk_of(services), judges=judges_of(services), clock=services.now
    )
    go_on(services)
    assert states(services) == [ItemState.NO_RECORDING, ItemState.SCORED]


def test_what_the_result_counts_already_makes_no_other(services):
    seen = stored(services)
    queued = make_response("asha", REPEAT, state=ResponseState.QUEUED, score=None, revision=seen.revision + 1)
    services.responses.save(queued, seen=seen)
    services.blobs.put(f"recordings/north/asha-{REPEAT}", WEBM, content_type="audio/webm")
    score_response(response_id=seen.id, desk=desk_of(services), judges=judges_of(services), clock=services.now)
    go_on(services)
    for _ in range(2):
        settle("attempt_asha", services)
    go_on(services)
    assert states(services) == [ItemState.SCORED]
