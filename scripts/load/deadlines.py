"""How long after its deadline an attempt ends when nobody calls, beside a mailing: `python -m scripts.load.deadlines`.

A Viva of the run's own without web: 200 attempts end in the same second while 200 mails with their reports go out (into
the local outbox). Prints the distribution; ends with 1 when one took longer than it may.
"""

import contextlib
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from backend.core.actor import Actor, Role
from backend.features.assessments.model import Delivery
from backend.features.attempts import model
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.mailings import usecases as mailing_usecases
from backend.features.mailings.tasks import office_of
from backend.features.results.model import Outcome, Result, TraitResult, Versions, number_of, release_of, result_id
from backend.wiring import Services, build_services
from config.settings import PROJECT_ROOT
from scripts.load import campus
from scripts.load.stack import Stack, discard, running_services
from scripts.services import embedded
from scripts.services.plan import viva_programs
from scripts.services.program import Folders, Program

CANDIDATES = 200
MAY_TAKE_S = 5.0
LEAD_S = 8.0
MAILING_BEFORE_S = 3.0
GIVEN_UP_AFTER_S = 120.0
LOOKED_EVERY_S = 0.1
LEFT_OUT = ("web", "prompts", "scorer")


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
    for student_id in student_ids:
        _release(services, cast.delivery, student_id)
    with _workers(stack):
        deadline_at = services.now() + timedelta(seconds=LEAD_S + CANDIDATES * 0.01)
        for student_id in student_ids:
            services.attempts.add(_running(services, cast.delivery, student_id, deadline_at))
        time.sleep(max(0.0, (deadline_at - services.now()).total_seconds() - MAILING_BEFORE_S))
        admin = Actor(account_id=cast.admin.account_id, role=Role.CAMPUS, campus_id=campus.CAMPUS, display_name="")
        mailing = mailing_usecases.schedule_mailing(
            actor=admin,
            delivery_id=cast.delivery.id,
            campus_id=campus.CAMPUS,
            chosen=None,
            office=office_of(services),
            now=services.now(),
            new_id=services.new_id,
        )
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


@contextlib.contextmanager
def _workers(stack: Stack) -> Iterator[None]:
    """Beat and the workers, by the commands that `make up` starts them with."""
    folders = Folders(data=stack.folder)
    folders.run.mkdir(parents=True, exist_ok=True)
    programs = [each for each in viva_programs(stack.settings, folders) if each.name not in LEFT_OUT]
    with contextlib.ExitStack() as running:
        for program in programs:
            running.enter_context(_program(program, stack))
        yield


@contextlib.contextmanager
def _program(program: Program, stack: Stack) -> Iterator[None]:
    path = stack.folder / f"{program.name}.log"
    with path.open("ab") as log:
        process = subprocess.Popen(
            program.command,
            cwd=PROJECT_ROOT,
            env={**stack.environment, "VIVA_DATA": str(stack.folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        text = program.ready_text or ""
        embedded.wait_until(lambda: text in path.read_text(), process=process, title=program.title, within_s=180)
        yield
    finally:
        embedded.stop(process)


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


def _release(services: Services, delivery: Delivery, student_id: str) -> None:
    attempt_id, now = f"earlier-{student_id}", services.now()
    trait = TraitResult(trait="fluency", value=52, band="B1", sem=2.8, n_items=19, n_missing=0, confidence=0.8)
    result = Result(
        id=result_id(attempt_id, 1),
        attempt_id=attempt_id,
        settlement=1,
        supersedes=None,
        number=number_of(attempt_id),
        delivery_id=delivery.id,
        campus_id=delivery.campus_id,
        student_id=student_id,
        title=delivery.title,
        completed_at=now,
        time_zone=delivery.time_zone,
        outcome=Outcome(
            overall=52,
            band="B1",
            sem=2.4,
            subscores=(trait,),
            intelligibility=None,
            confidence=0.8,
            n_items=19,
            n_missing=0,
            warnings=(),
        ),
        items=(),
        versions=Versions(
            format_id=delivery.format_id,
            format_version=delivery.format_version,
            form_id=delivery.form_ids[0],
            scale_id="versant_style_20_80",
            scale_version="1",
            cut_table_id="cefr_20_80_placement",
            scorers=(),
            engines=(),
            calibrations=(),
            software="viva",
        ),
        fingerprint="earlier",
        settled_at=now,
    )
    services.results.add(result)
    services.releases.add(release_of(result, by="load-admin", at=now))


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
