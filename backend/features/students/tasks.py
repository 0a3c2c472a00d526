"""Invitations to a whole batch, one job a student."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from celery import Celery, Task

from backend.core.errors import TemporaryFailure
from backend.features.students import usecases

if TYPE_CHECKING:
    from backend.wiring import Services

SCHEDULE: dict[str, dict[str, object]] = {}
TRIES = 8


def register(celery_app: Celery, get_services: Callable[[], "Services"]) -> None:
    """The tasks of this feature."""

    @celery_app.task(name=usecases.SEND_INVITATION, shared=False, bind=True, max_retries=TRIES)
    def send_invitation(task: Task, student_id: str, actor_id: str) -> None:
        """A second run finds the password chosen, or sends a newer link: the former one ends with it."""
        services = get_services()
        student, account = services.students.find(student_id), services.accounts.find(student_id)
        inviter = services.accounts.find(actor_id)
        campus = services.campuses.find(student.campus_id) if student is not None else None
        if student is None or account is None or inviter is None or campus is None or account.password_hash:
            return
        was_sent = usecases.invite_student(
            actor=inviter.as_actor(),
            student=student,
            campus=campus,
            accounts=services.accounts,
            codes=services.one_time_codes,
            mailer=services.mailer,
            audit_log=services.audit_log,
            secret=services.settings.viva_secret_key,
            public_url=services.settings.public_url,
            now=services.now(),
            new_id=services.new_id,
        )
        if not was_sent:
            raise task.retry(exc=TemporaryFailure("invitation_not_sent"), countdown=60)
