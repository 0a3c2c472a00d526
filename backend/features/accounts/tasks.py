"""Mails about accounts that no request waits for."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from celery import Celery, Task

from backend.core.errors import TemporaryFailure
from backend.features.accounts import usecases

if TYPE_CHECKING:
    from backend.wiring import Services

SCHEDULE: dict[str, dict[str, object]] = {}
TRIES = 5


def register(celery_app: Celery, get_services: Callable[[], "Services"]) -> None:
    """The tasks of this feature."""

    @celery_app.task(name=usecases.SEND_RESET, shared=False, bind=True, max_retries=TRIES)
    def send_password_reset(task: Task, account_id: str) -> None:
        services = get_services()
        try:
            usecases.send_password_reset(
                account_id=account_id,
                accounts=services.accounts,
                codes=services.one_time_codes,
                mailer=services.mailer,
                secret=services.settings.viva_secret_key,
                public_url=services.settings.public_url,
                now=services.now(),
            )
        except TemporaryFailure as failure:
            raise task.retry(countdown=failure.retry_after_s or 30) from None
