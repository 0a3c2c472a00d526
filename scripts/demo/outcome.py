"""What an admin does after a test: deciding about answers without a score, releasing, mailing."""

from backend.core.actor import Actor
from backend.core.errors import Conflict
from backend.features.assessments.model import Delivery
from backend.features.attempts.model import Attempt
from backend.features.mailings import usecases as mailing_usecases
from backend.features.mailings.tasks import office_of
from backend.features.ratings import usecases as rating_usecases
from backend.features.ratings.tasks import desk_of
from backend.features.results import usecases as result_usecases
from backend.features.results.model import Result, latest_of
from backend.wiring import Services


def decide(services: Services, admin: Actor, attempt: Attempt) -> None:
    """Settles the attempt without the answers that the machine did not trust itself with."""
    for response in services.responses.list_by_attempt(attempt.id):
        if response.is_blocking:
            rating_usecases.settle_without(
                actor=admin,
                response=response,
                desk=desk_of(services),
                audit_log=services.audit_log,
                now=services.now(),
                new_id=services.new_id,
            )


def latest_results(services: Services, delivery: Delivery) -> list[Result]:
    """Of the attempts that are settled: only these can be released."""
    attempts = services.attempts.list_by_delivery(delivery.id)
    settled = {attempt.id for attempt in attempts if attempt.settled_at is not None}
    latest = latest_of(services.results.list_by_delivery(delivery.id)).values()
    return [result for result in latest if result.attempt_id in settled]


def release_and_mail(services: Services, admin: Actor, delivery: Delivery) -> None:
    """Every result that has a score; safe to repeat."""
    releasing = result_usecases.Releasing(
        actor_id=admin.account_id,
        attempts=services.attempts,
        releases=services.releases,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    result_usecases.release_results(chosen=latest_results(services, delivery), releasing=releasing)
    try:
        mailing_usecases.schedule_mailing(
            actor=admin,
            delivery_id=delivery.id,
            campus_id=delivery.campus_id,
            chosen=None,
            office=office_of(services),
            now=services.now(),
            new_id=services.new_id,
        )
    except Conflict:
        return  # everything that is released was mailed before
