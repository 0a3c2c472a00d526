"""What staff do after an exam: release the results of a drill and mail them, while mail, or we, misbehave."""

import time
from collections.abc import Mapping

from backend.features.mailings import usecases as mailing_usecases
from backend.features.mailings.model import RESULTS_READY, Dispatch, dispatch_id
from backend.features.mailings.tasks import office_of
from backend.features.results import usecases as result_usecases
from backend.features.results.model import latest_of
from backend.features.results.usecases import Releasing
from scripts.faults.stack import Stack, wait_until
from scripts.load.campus import CAMPUS

SETTLED_WITHIN_S = 60.0


def plan_mails(stack: Stack, admin_id: str, deliveries: list[str]) -> frozenset[str]:
    """Releases the settled results of these deliveries and schedules the mails; the ids of those that must exist."""
    services = stack.services
    planned: set[str] = set()
    account = services.accounts.find(admin_id)
    if account is None:
        raise RuntimeError("the admin of the drills is gone")
    for delivery in deliveries:
        latest = latest_of(services.results.list_by_delivery(delivery)).values()
        releasing = Releasing(
            actor_id=admin_id,
            releases=services.releases,
            attempts=services.attempts,
            audit_log=services.audit_log,
            now=services.now(),
            new_id=services.new_id,
        )
        result_usecases.release_results(chosen=latest, releasing=releasing)
        released = result_usecases.list_released(delivery, results=services.results, releases=services.releases)
        if not released:
            continue
        mailing_usecases.schedule_mailing(
            actor=account.as_actor(),
            delivery_id=delivery,
            campus_id=CAMPUS,
            chosen=None,
            office=office_of(services),
            now=services.now(),
            new_id=services.new_id,
        )
        planned |= {dispatch_id(RESULTS_READY, each.id) for each in released}
    return frozenset(planned)


def list_dispatches(stack: Stack, deliveries: list[str]) -> list[Dispatch]:
    return [each for delivery in deliveries for each in stack.services.dispatches.list_by_delivery(delivery)]


def wait_for_mail(stack: Stack, deliveries: list[str], *, within_s: float = SETTLED_WITHIN_S) -> float:
    """Until no mail waits any more; how long that took, in seconds. The checker says it when some still do."""
    began = time.monotonic()

    def is_done() -> bool:
        return all(each.state.value not in ("queued", "claimed") for each in list_dispatches(stack, deliveries))

    try:
        wait_until(is_done, within_s=within_s, what="mail")
    except RuntimeError:
        return float("inf")
    return time.monotonic() - began


def accepted_by_mail(stack: Stack, deliveries: list[str]) -> Mapping[str, int]:
    """How often the provider took each mail, by the mail's id."""
    return {each.id: stack.mail.accepted[each.result_id] for each in list_dispatches(stack, deliveries)}
