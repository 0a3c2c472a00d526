"""After an outage: waits until scoring, results and mails have caught up, and says what was lost or doubled."""

import time
from collections.abc import Sequence

from backend.features.mailings.model import Dispatch, DispatchState
from backend.wiring import Services
from scripts.faults.stored import list_waiting
from scripts.load.campus import Cast
from scripts.load.doors import Doors

LOOKED_EVERY_S = 2.0
GIVEN_UP_AFTER_S = 180.0
UNDER_WAY = (DispatchState.QUEUED, DispatchState.CLAIMED)


def drain(services: Services, cast: Cast, doors: Doors) -> tuple[float | None, tuple[str, ...]]:
    """Seconds until nothing waited any more, and what is wrong then; None when for three minutes nothing moved."""
    began = moved = time.monotonic()
    fewest: int | None = None
    while left := _left(services, cast):
        now = time.monotonic()
        if fewest is None or len(left) < fewest:
            fewest, moved = len(left), now
        if now - moved > GIVEN_UP_AFTER_S:
            return None, (*left, *_mail_problems(services, cast, doors))
        time.sleep(LOOKED_EVERY_S)
    return time.monotonic() - began, _mail_problems(services, cast, doors)


def _left(services: Services, cast: Cast) -> list[str]:
    waiting = list_waiting(services, [delivery.id for delivery in cast.deliveries])
    mails = [f"mail {each.id} is {each.state}" for each in _mails(services, cast) if each.state in UNDER_WAY]
    return [*(f"{each.subject}: {each.text}" for each in waiting), *mails]


def _mail_problems(services: Services, cast: Cast, doors: Doors) -> tuple[str, ...]:
    """Each was taken once, whatever its state says."""
    return tuple(
        f"mail {each.id} is {each.state}, and the provider took it {taken} times"
        for each in _mails(services, cast)
        if (taken := doors.mail.accepted[each.result_id]) != 1
    )


def _mails(services: Services, cast: Cast) -> Sequence[Dispatch]:
    return services.dispatches.list_by_delivery(cast.delivery.id)
