"""What the queue calls: one mail, and the sweep."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from celery import Celery

from backend.features.mailings import usecases
from backend.features.mailings.usecases import PostOffice
from backend.features.reports.usecases import reporting_of

if TYPE_CHECKING:
    from backend.wiring import Services

SWEEP_EVERY_S = 15
# A sweep that could not run in time is not made up for: the next one finds the same.
SCHEDULE: dict[str, dict[str, object]] = {
    "sweep-mailings": {"task": usecases.SWEEP, "schedule": SWEEP_EVERY_S, "options": {"expires": SWEEP_EVERY_S}}
}


def office_of(services: "Services") -> PostOffice:
    """The part of the wiring that mailings work on."""
    return PostOffice(
        mailings=services.mailings,
        dispatches=services.dispatches,
        results=services.results,
        releases=services.releases,
        people=services.people,
        reporting=reporting_of(services),
        mailer=services.mailer,
        feed=services.feed,
        jobs=services.jobs,
        audit_log=services.audit_log,
    )


def register(celery_app: Celery, get_services: Callable[[], "Services"]) -> None:
    """The tasks of this feature. Each may run twice, and be lost."""

    @celery_app.task(name=usecases.SEND_DISPATCH, shared=False)
    def send_dispatch(dispatch_id: str) -> None:
        services = get_services()
        usecases.send_dispatch(dispatch_id=dispatch_id, office=office_of(services), clock=services.now)

    @celery_app.task(name=usecases.SWEEP, shared=False)
    def sweep_mailings() -> None:
        services = get_services()
        usecases.sweep(office=office_of(services), now=services.now())
