"""What the queue calls: controls for everybody whose process died before they were written to each attempt."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from celery import Celery

from backend.features.attempts.engine import usecases
from backend.features.attempts.engine.usecases import ControlRoom

if TYPE_CHECKING:
    from backend.wiring import Services

SWEEP_CONTROLS = "attempts.sweep_controls"
SWEEP_EVERY_S = 15
SCHEDULE: dict[str, dict[str, object]] = {
    "sweep-controls": {"task": SWEEP_CONTROLS, "schedule": SWEEP_EVERY_S, "options": {"expires": SWEEP_EVERY_S}},
}


def control_room_of(services: "Services") -> ControlRoom:
    """The part of the wiring that controls work on."""
    return ControlRoom(
        deliveries=services.deliveries,
        attempts=services.attempts,
        responses=services.responses,
        papers=services.papers,
        released=services.released_attempts,
        audit_log=services.audit_log,
        feed=services.feed,
    )


def register(celery_app: Celery, get_services: Callable[[], "Services"]) -> None:
    """The tasks of this part. Each may run twice, and be lost."""

    @celery_app.task(name=SWEEP_CONTROLS, shared=False)
    def sweep_controls() -> None:
        services = get_services()
        usecases.finish_stranded(room=control_room_of(services), now=services.now())
