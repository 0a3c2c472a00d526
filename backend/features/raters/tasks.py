"""What the queue calls: points for answers whose ratings are done and that have none yet."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from celery import Celery

from backend.features.raters import usecases
from backend.features.raters.repository import RatersDesk
from backend.features.ratings.tasks import desk_of

if TYPE_CHECKING:
    from backend.wiring import Services

# Only a crash between a rating and its points leaves something to do.
SWEEP_EVERY_S = 300
SCHEDULE: dict[str, dict[str, object]] = {
    "sweep-raters": {"task": usecases.SWEEP, "schedule": SWEEP_EVERY_S, "options": {"expires": SWEEP_EVERY_S}}
}


def raters_desk_of(services: "Services") -> RatersDesk:
    """The part of the wiring that rating works on."""
    return RatersDesk(
        desk=desk_of(services),
        ratings=services.people_ratings,
        plans=services.rating_plans,
        rubrics=services.rubrics,
        items=services.items,
        audit_log=services.audit_log,
    )


def register(celery_app: Celery, get_services: Callable[[], "Services"]) -> None:
    """The tasks of this feature. Each may run twice, and be lost."""

    @celery_app.task(name=usecases.SWEEP, shared=False)
    def sweep_raters() -> None:
        services = get_services()
        usecases.sweep(deliveries=services.deliveries, raters=raters_desk_of(services), now=services.now())
