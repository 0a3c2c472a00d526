"""How long after its deadline an attempt ends when nobody calls, beside a mailing: `python -m scripts.load.deadlines`.

A Viva of the run's own without web: 200 attempts end in the same second while 200 mails with their reports go out (into
the local outbox). Prints the distribution; ends with 1 when one took longer than it may.
"""

import json
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from backend.features.assessments.model import Delivery
from backend.features.attempts import model
from backend.features.attempts.model import Attempt, AttemptState
from backend.wiring import Services, build_services
from scripts.load import campus, earlier
from scripts.load.stack import Stack, discard, running_services
from scripts.load.workers import running_workers

CANDIDATES = 200
MAY_TAKE_S = 5.0
LEAD_S = 8.0
MAILING_BEFORE_S = 3.0
GIVEN_UP_AFTER_S = 120.0
LOOKED_EVERY_S = 0.1


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    folder = Path(tempfile.mkdtemp(prefix="viva-deadlines-"))
    try:
        with running_services(folder, engine="embedded", workers=1) as stack:
            took, mails = _measure(stack)
    finally:
        discard(folder)
    figures = {
        "attempts": len(took),
        "mails_sent_meanwhile": mails,
        **{f"p{share}_s": round(_at(took, share / 100), 2) for share in (0, 50, 99, 100)},
        "late": sum(1 for seconds in took if seconds > MAY_TAKE_S) + CANDIDATES - len(took),
    }
    print(json.dumps(figures))
    return 1 if figures["late"] else 0


def _at(took: Sequence[float], share: float) -> float:
    return took[min(len(took) - 1, int(len(took) * share))] if took else 0.0


def _measure(stack: Stack) -> tuple[list[float], int]:
    """Seconds after the deadline at which each attempt was seen to be over, and how many mails went meanwhile."""
    services = build_services(stack.settings)
    campus.prepare_storage(stack.settings)
    campus.prepare_items(services)
    cast = campus.seed(services, candidates=CANDIDATES, format_id="load_exam", email="candidate@load.example")
    student_ids = [student.account_id for student in cast.students]
    earlier.release_results(services, cast)
    with running_workers(stack, without=("scorer",)):
        deadline_at = services.now() + timedelta(seconds=LEAD_S + CANDIDATES * 0.01)
        for student_id in student_ids:
            services.attempts.add(_running(services, cast.delivery, student_id, deadline_at))
        time.sleep(max(0.0, (deadline_at - services.now()).total_seconds() - MAILING_BEFORE_S))
        mailing = earlier.mail_results(services, cast)
        _say(f"{(deadline_at - services.now()).total_seconds():.1f} s until the deadline, the mailing runs")
        took = _watch(services, cast.delivery, deadline_at)
        sent = sum(each.state == "sent" for each in services.dispatches.list_by_mailing(mailing.id))
    return took, sent


def _watch(services: Services, delivery: Delivery, deadline_at: datetime) -> list[float]:
    ended: dict[str, float] = {}
    while len(ended) < CANDIDATES:
        attempts = services.attempts.list_by_delivery(delivery.id)
        late_s = (services.now() - deadline_at).total_seconds()
        if late_s > GIVEN_UP_AFTER_S:
            break
        for attempt in attempts:
            if attempt.state is AttemptState.EXPIRED:
                ended.setdefault(attempt.id, late_s)
        time.sleep(LOOKED_EVERY_S)
    return sorted(ended.values())


def _running(services: Services, delivery: Delivery, student_id: str, deadline_at: datetime) -> Attempt:
    now = services.now()
    entered = Attempt(
        id=f"ends-{student_id}",
        delivery_id=delivery.id,
        campus_id=delivery.campus_id,
        student_id=student_id,
        number=2,
        form_id=delivery.form_ids[0],
        state=AttemptState.CHECKING,
        created_at=now,
    )
    allowed = deadline_at - now
    return model.begun(entered, opens_at=delivery.opens_at, closes_at=delivery.closes_at, allowed=allowed, at=now)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
