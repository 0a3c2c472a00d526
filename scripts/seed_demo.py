"""`make demo`: fills a running Viva with two invented campuses to look at, and prints how to sign in.

Everything goes through the use cases; the answers are synthetic speech, scored by the running workers. Safe to repeat:
what is there stays, and only the printed passwords are new each time. Nobody else learns them; there is no fixed one.
"""

import argparse
import contextlib
import fcntl
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import structlog

from backend.adapters.voices import find_voice
from backend.core.errors import AppError
from backend.features.assessments.model import Delivery
from backend.features.attempts.responses import WAITING
from backend.features.students.model import Student
from backend.wiring import Services, build_services
from config.settings import load_settings
from scripts.demo.campus import PLANS, DemoBatch, SignIn, build_campus, renew_password, superadmin_of
from scripts.demo.outcome import decide, latest_results, release_and_mail
from scripts.demo.oversight import grant, oversee
from scripts.demo.sittings import Plan, Stage
from scripts.demo.speaking import Speaking

SHORT, FULL = "versant_style_short", "versant_style_full"
WAIT_S = 2
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ENDED = Plan(title="Mid-term speaking test", format_id=SHORT, opens_in=-2 * DAY, closes_in=2 * HOUR, finished=8)
RUNNING = Plan(title="Speaking test, October", format_id=SHORT, opens_in=-HOUR, closes_in=4 * HOUR, inside=6)
READ = Plan(
    title="Listening and reading test", format_id="listening_reading", opens_in=-2 * DAY, closes_in=8 * HOUR, finished=6
)
WRITTEN = Plan(title="Writing test", format_id="writing", opens_in=-HOUR, closes_in=8 * HOUR)
COMING = Plan(title="Final speaking test", format_id=FULL, opens_in=6 * DAY, closes_in=6 * DAY + 5 * HOUR)


def main() -> int:
    arguments = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    services = build_services(load_settings())
    if not _is_offered(services, SHORT):
        print("Viva is not prepared yet: `make up` first, then `make demo`.", file=sys.stderr)
        return 1
    with one_at_a_time(services.settings.viva_data / "demo.lock", when_waiting=_say_waiting):
        sign_ins = _furnish(services, finished=arguments.finished)
    if arguments.json:
        _write_private(Path(arguments.json), sign_ins)
    missing = [plan.title for plan in (COMING, READ, WRITTEN) if not _is_offered(services, plan.format_id)]
    if missing:
        print(
            f"\nNot there, as the prompts are still being spoken: {', '.join(missing)}. Run this again in some minutes."
        )
    print("\nSign in with any of these (new at every `make demo`):\n")
    for each in sign_ins:
        print(f"  {each.role:18} {each.name:20} {each.login:52} {each.password}")
    return 0


@contextlib.contextmanager
def one_at_a_time(path: Path, *, when_waiting: Callable[[], None]) -> Iterator[None]:
    """Holds `path`: two runs that look at the same moment whether a test is there would both schedule it."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            when_waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _say_waiting() -> None:
    _say("Another `make demo` or `make screens` is filling it: waiting until it is done")


def _is_offered(services: Services, format_id: str) -> bool:
    return format_id in {each.id for each in services.offered_formats.list_offered()}


def wait_for(is_there: Callable[[], bool], *, what: str, most_s: int = 600, sleep: Callable[[float], None]) -> bool:
    """Whether it came within `most_s` seconds. A Viva that has just begun still speaks the prompts of some tests."""
    for _ in range(most_s // WAIT_S):
        if is_there():
            return True
        _say(f"{what}: waiting for its prompts, which are being spoken")
        sleep(WAIT_S)
    return is_there()


def _furnish(services: Services, *, finished: int) -> list[SignIn]:
    superadmin, shown = superadmin_of(services)
    sign_ins = [shown] if shown else []
    batches: list[DemoBatch] = []
    for plan in PLANS:
        _say(f"{plan.name}: courses, batches, students")
        made, admin = build_campus(services, superadmin, plan)
        batches += made
        sign_ins.append(renew_password(services, admin, "campus admin"))
    stage = Stage(services, Speaking(find_voice(caches=(services.settings.viva_data / "cache" / "demo",))))
    return sign_ins + _fill(services, stage, batches, finished=finished)


def _fill(services: Services, stage: Stage, batches: list[DemoBatch], *, finished: int) -> list[SignIn]:
    """Tests of three batches; sign-ins of a student of each."""
    first, second, third = batches[:3]
    ended, is_new = stage.schedule(first, ENDED)
    _say(f"{ENDED.title}: what the students will say")
    papers = [services.papers.get(form_id) for form_id in ended.form_ids]
    keys = stage.answer_keys(papers)
    if is_new:
        for number, student in enumerate(first.students[:finished], start=1):
            _say(f"{ENDED.title}: student {number} of {finished}")
            stage.sit_all(ended, student, keys)
    grant(services, second.admin, second.students)
    running, is_new = stage.schedule(second, RUNNING)
    if is_new:
        for number, student in enumerate(second.students[: RUNNING.inside], start=1):
            _say(f"{RUNNING.title}: student {number} of {RUNNING.inside}")
            stage.sit_until(running, student, keys, share=0.12 * number)
        for student in second.students[RUNNING.inside : RUNNING.inside + 3]:
            stage.enter(running, student)
    invigilator = oversee(services, first.admin, running, second.students)
    for batch in (first, third, *batches[3:]):
        if _is_offered(services, COMING.format_id):
            stage.schedule(batch, COMING)
    _wait_for_scores(services, ended.id)
    _publish(services, first, ended)
    _read(services, stage, first)
    people = [
        ("student", first.students[0]),
        ("student", second.students[10]),
        ("student, speaking", _first_without(services, running, second, besides=second.students[10])),
    ]
    if wait_for(lambda: _is_offered(services, WRITTEN.format_id), what=WRITTEN.title, sleep=time.sleep):
        written, _ = stage.schedule(third, WRITTEN)
        people.append(("student, written", _first_without(services, written, third)))
    read = next((each for each in services.deliveries.list_by_batch(first.batch.id) if each.title == READ.title), None)
    if read is not None:
        people.append(("student, reading", _first_without(services, read, first, besides=first.students[0])))
    accounts = [(role, services.accounts.find(student.id)) for role, student in people]
    accounts.append(("invigilator", invigilator))
    return [renew_password(services, account, role) for role, account in accounts if account is not None]


def _read(services: Services, stage: Stage, batch: DemoBatch) -> None:
    """A test without speaking that some of the batch have sat; the others may sit it."""
    if not wait_for(lambda: _is_offered(services, READ.format_id), what=READ.title, sleep=time.sleep):
        return
    delivery, _ = stage.schedule(batch, READ)
    begun = {attempt.student_id for attempt in services.attempts.list_by_delivery(delivery.id)}
    waiting = [student for student in batch.students[1 : READ.finished + 1] if student.id not in begun]
    if waiting:
        _say(f"{READ.title}: {len(waiting)} students")
        keys = stage.answer_keys([services.papers.get(form_id) for form_id in delivery.form_ids])
        for student in waiting:
            stage.sit_all(delivery, student, keys)
    _wait_for_scores(services, delivery.id)
    _publish(services, batch, delivery)


def _first_without(
    services: Services, delivery: Delivery, batch: DemoBatch, *, besides: Student | None = None
) -> Student:
    """Somebody of the batch who has not begun this test, while there is anybody; nobody gets two passwords."""
    begun = {attempt.student_id for attempt in services.attempts.list_by_delivery(delivery.id)}
    others = [student for student in batch.students if student != besides]
    return next((student for student in others if student.id not in begun), others[-1])


def _publish(services: Services, batch: DemoBatch, ended: Delivery) -> None:
    """Results of all but the last student, so that the list of answers without a score has something to show."""
    attempts = sorted(services.attempts.list_by_delivery(ended.id), key=lambda attempt: attempt.id)
    for attempt in attempts[:-1]:
        decide(services, batch.admin, attempt)
    for _ in range(90):
        if len(latest_results(services, ended)) >= len(attempts) - 1:
            break
        _say("Results are being settled")
        time.sleep(1)
    release_and_mail(services, batch.admin, ended)


def _wait_for_scores(services: Services, delivery_id: str) -> None:
    """The workers of the running product do it; this only watches, for at most twenty minutes."""
    for _ in range(1200):
        attempts = services.attempts.list_by_delivery(delivery_id)
        states = [response.state for attempt in attempts for response in services.responses.list_by_attempt(attempt.id)]
        waiting = sum(1 for state in states if state in WAITING)
        if not waiting:
            return
        _say(f"Scoring: {len(states) - waiting} of {len(states)} answers")
        time.sleep(1)
    _say("Scoring goes on in the background; is the worker running? `make status` tells")


def _write_private(path: Path, sign_ins: list[SignIn]) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps([{"role": s.role, "login": s.login, "password": s.password} for s in sign_ins]))


_last_said = [""]


def _say(text: str) -> None:
    if text != _last_said[0]:
        end = "\r" if sys.stdout.isatty() else "\n"
        print(f"\033[K  ... {text}" if sys.stdout.isatty() else f"  {text}", end=end, flush=True)
        _last_said[0] = text


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--finished", type=int, default=ENDED.finished, help="students who have sat the test")
    parser.add_argument("--json", help="also write the sign-ins into this file (mode 600), for scripts.screens")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AppError as error:
        print(f"{error.detail} {dict(error.errors) if error.errors else ''}", file=sys.stderr)
        sys.exit(1)
