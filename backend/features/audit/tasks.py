"""What the queue calls: signing where the audit log's chains stand."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from celery import Celery

from backend.features.audit import usecases

if TYPE_CHECKING:
    from backend.wiring import Services

SET_CHECKPOINTS = "audit.set_checkpoints"
EVERY_S = 60
SCHEDULE: dict[str, dict[str, object]] = {
    "audit-checkpoints": {"task": SET_CHECKPOINTS, "schedule": EVERY_S, "options": {"expires": EVERY_S}},
}


def register(celery_app: Celery, get_services: Callable[[], "Services"]) -> None:
    """The task of this feature. It may run twice, and be lost."""

    @celery_app.task(name=SET_CHECKPOINTS, shared=False)
    def set_checkpoints() -> None:
        services = get_services()
        usecases.set_checkpoints(
            campus_ids=[campus.id for campus in services.campuses.list_all()],
            audit_log=services.audit_log,
            checkpoints=services.audit_checkpoints,
            secret=services.settings.viva_secret_key,
            now=services.now(),
        )
