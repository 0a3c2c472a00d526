"""What the queue calls: scoring a response, reviewing an attempt, the sweep."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from celery import Celery

from backend.features.attempts.usecases import REVIEW_ATTEMPT, SCORE_RESPONSE
from backend.features.ratings import moving, usecases
from backend.features.ratings.lease import LeaseRenewal
from backend.features.ratings.moving import FINISH_MOVE
from backend.features.ratings.repository import Desk, Judges

if TYPE_CHECKING:
    from backend.wiring import Services

SWEEP_EVERY_S = 15
# An attempt ends within 5 s of its deadline, whoever is there to see it.
SWEEP_DEADLINES_EVERY_S = 1
# A sweep that could not run in time is not made up for: the next one finds the same.
SCHEDULE: dict[str, dict[str, object]] = {
    "sweep-attempts": {
        "task": usecases.SWEEP,
        "schedule": SWEEP_EVERY_S,
        "options": {"expires": SWEEP_EVERY_S},
    },
    "sweep-deadlines": {
        "task": usecases.SWEEP_DEADLINES,
        "schedule": SWEEP_DEADLINES_EVERY_S,
        "options": {"expires": SWEEP_DEADLINES_EVERY_S},
    },
}


def desk_of(services: "Services") -> Desk:
    """The part of the wiring that following responses works on."""
    return Desk(
        attempts=services.attempts,
        responses=services.responses,
        uploads=services.uploads,
        late_answers=services.late_answers,
        papers=services.papers,
        cohorts=services.cohorts,
        blobs=services.blobs,
        jobs=services.jobs,
        feed=services.feed,
    )


def judges_of(services: "Services") -> Judges:
    """The part of the wiring that judges an answer."""
    minutes = services.settings.speech_switch_minutes
    return Judges(
        answer_keys=services.scoring_keys,
        listener=services.listener,
        reader=services.text_reader,
        patience=timedelta(minutes=minutes) if minutes else None,
    )


def register(celery_app: Celery, get_services: Callable[[], "Services"]) -> None:
    """The tasks of this feature. Each may run twice, and be lost."""

    @celery_app.task(name=SCORE_RESPONSE, shared=False)
    def score_response(response_id: str) -> None:
        services = get_services()
        usecases.score_response(
            response_id=response_id,
            desk=desk_of(services),
            judges=judges_of(services),
            clock=services.now,
            hold=lambda claimed: LeaseRenewal(claimed, responses=services.responses, clock=services.now),
        )

    @celery_app.task(name=REVIEW_ATTEMPT, shared=False)
    def review_attempt(attempt_id: str) -> None:
        services = get_services()
        usecases.review_attempt(attempt_id=attempt_id, desk=desk_of(services), now=services.now())

    @celery_app.task(name=FINISH_MOVE, shared=False)
    def finish_move(delivery_id: str) -> None:
        services = get_services()
        moving.finish_move(delivery_id=delivery_id, desk=desk_of(services), now=services.now())

    @celery_app.task(name=usecases.SWEEP_DEADLINES, shared=False)
    def sweep_deadlines() -> None:
        services = get_services()
        usecases.sweep_deadlines(desk=desk_of(services), now=services.now())

    @celery_app.task(name=usecases.SWEEP, shared=False)
    def sweep_attempts() -> None:
        services = get_services()
        usecases.sweep(desk=desk_of(services), now=services.now())
