"""What the queue calls: settling an attempt whose answers are all dealt with."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from celery import Celery

from backend.core.errors import Conflict
from backend.features.attempts import model as attempt_rules
from backend.features.attempts import monitor
from backend.features.attempts import usecases as attempt_usecases
from backend.features.ratings.usecases import SETTLE_ATTEMPT
from backend.features.results import usecases

if TYPE_CHECKING:
    from backend.wiring import Services

# The sweep of attempts repeats the hand-over until the attempt says that it is settled.
SCHEDULE: dict[str, dict[str, object]] = {}

log = structlog.get_logger()


def settling_of(services: "Services") -> usecases.Settling:
    """The part of the wiring that settling works on."""
    return usecases.Settling(
        attempts=services.attempts,
        responses=services.responses,
        deliveries=services.deliveries,
        papers=services.papers,
        scales=services.scales,
        results=services.results,
        software=services.software,
    )


def contesting_of(services: "Services") -> usecases.Contesting:
    """The part of the wiring that contesting a score works on."""
    return usecases.Contesting(
        attempts=services.attempts,
        responses=services.responses,
        jobs=services.jobs,
        audit_log=services.audit_log,
    )


def settle(attempt_id: str, services: "Services") -> None:
    """The result is stored first, then the attempt says so: a crash between the two is repeated without harm.

    Then the answers are read once more: one that was judged meanwhile, by somebody who found the attempt unsettled,
    makes another result. What is judged later settles the attempt anew (`ratings.usecases.review_judged`).
    """
    try:
        result = usecases.settle_attempt(attempt_id=attempt_id, settling=settling_of(services), now=services.now())
        attempt = attempt_usecases.settle_attempt(
            attempt_id=attempt_id,
            attempts=services.attempts,
            uploads=services.uploads,
            blobs=services.blobs,
            now=services.now(),
        )
        result = usecases.settle_attempt(attempt_id=attempt_id, settling=settling_of(services), now=services.now())
    except Conflict as refusal:
        # An answer was queued again meanwhile, or staff reopened or voided the attempt. If it still is to be settled,
        # the next review hands it over once more; a result of a voided attempt cannot be released.
        _unsettle(attempt_id, services)
        log.info("result_not_settled", attempt_id=attempt_id, reason=refusal.code)
        return
    log.info("attempt_settled", attempt_id=attempt_id, result_id=result.id)
    monitor.announce_scoring(
        attempt,
        services.papers.get(attempt.form_id),
        responses=services.responses,
        feed=services.feed,
        now=services.now(),
    )


def _unsettle(attempt_id: str, services: "Services") -> None:
    """Something of it is still to be judged, or to be decided by a person."""
    now = services.now()
    attempt_usecases.change(attempt_id, lambda seen: attempt_rules.unsettled(seen, at=now), attempts=services.attempts)


def register(celery_app: Celery, get_services: Callable[[], "Services"]) -> None:
    """The tasks of this feature. Each may run twice, and be lost."""

    @celery_app.task(name=SETTLE_ATTEMPT, shared=False)
    def settle_attempt(attempt_id: str) -> None:
        settle(attempt_id, get_services())
