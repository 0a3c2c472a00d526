"""Crash points, one after the other: the web process dies at the n-th call of a request, a worker at that of a job."""

import contextlib
import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backend.features.attempts.usecases import REVIEW_ATTEMPT, SCORE_RESPONSE
from backend.features.mailings.usecases import SEND_DISPATCH
from backend.features.ratings.usecases import SETTLE_ATTEMPT
from config.settings import PROJECT_ROOT
from scripts.faults import office
from scripts.faults.campus import ADMIN
from scripts.faults.crash import HEADER, POINTS_HEADER
from scripts.faults.drill import Drill
from scripts.faults.exam_calls import OPUS_IN_WEBM, ExamCalls, Reply, now_text
from scripts.faults.mail_double import MailMode
from scripts.faults.stack import Stack, StackProblem, wait_until
from scripts.faults.web_forks import TETHERED

MOST_POINTS = 60
SCORED_BY_HAND = 2
Prepared = tuple[ExamCalls, Callable[[ExamCalls], Reply]]
MAIL_MODES: tuple[MailMode, ...] = ("ok", "deaf", "broken")


# -- the web process ---------------------------------------------------------------------------------------------------


def crash_web(drill: Drill) -> float:
    """Every call of a candidate, dying at each point in turn; the call is then repeated until it is acknowledged."""
    places = iter([(line, delivery) for delivery in drill.delivery_ids for line in drill.lines()])

    def entering() -> Prepared:
        line, delivery = next(places)
        page = str(uuid.uuid4())
        return line, lambda each: each.enter(delivery, page)

    def after_entering(step: Callable[[ExamCalls], Reply]) -> Prepared:
        line, call = entering()
        insist(line, call)
        return line, step

    drill.crashes += _crash_everywhere(entering)
    drill.crashes += _crash_everywhere(lambda: after_entering(ExamCalls.begin))
    line, delivery = next(places)
    _crash_answers(drill, line, delivery)
    return time.monotonic()


def _crash_answers(drill: Drill, line: ExamCalls, delivery: str) -> None:
    """Within one attempt: a recording and a pair of moves for each item, each dying at the next point."""
    insist(line, lambda each: each.enter(delivery, str(uuid.uuid4())))
    insist(line, ExamCalls.check)
    total = int(insist(line, ExamCalls.begin).body["total_items"])
    insist(line, lambda each: each.moves([{"kind": "open", "position": 0, "at": now_text()}]))
    for position in range(total):
        data = OPUS_IN_WEBM + drill.random.randbytes(3_000)
        name = str(uuid.uuid4())
        drill.crashes += _crash_once(line, lambda each, p=position, n=name, d=data: each.record(p, 0, n, d), position)  # type: ignore[misc]
        moves: list[dict[str, object]] = [{"kind": "close", "position": position, "at": now_text()}]
        if position + 1 < total:
            moves.append({"kind": "open", "position": position + 1, "at": now_text()})
        drill.crashes += _crash_once(line, lambda each, m=moves: each.moves(m), position)  # type: ignore[misc]


def _crash_once(line: ExamCalls, call: Callable[[ExamCalls], Reply], position: int) -> int:
    """Dies at point `position` + 1 of this call, if it has as many; then insists. How many died."""
    died = not _call_dying(line, call, position + 1).is_ok
    insist(line, call)
    return int(died)


def _crash_everywhere(fresh: Callable[[], Prepared]) -> int:
    """Dies at point 1, 2, 3 ... of a fresh call each time until one outlives all its points; how many died."""
    for n in range(1, MOST_POINTS):
        line, call = fresh()
        reply = _call_dying(line, call, n)
        insist(line, call)
        if reply.status and int(reply.headers.get(POINTS_HEADER, 0)) < n:
            return n - 1
    return MOST_POINTS


def _call_dying(line: ExamCalls, call: Callable[[ExamCalls], Reply], n: int) -> Reply:
    line.extra_headers = {HEADER: str(n)}
    try:
        return call(line)
    finally:
        line.extra_headers = {}


def insist(line: ExamCalls, call: Callable[[ExamCalls], Reply], *, within_s: float = 60) -> Reply:
    """Again until it is acknowledged."""
    deadline = time.monotonic() + within_s
    while True:
        reply = call(line)
        if reply.is_ok or time.monotonic() > deadline:
            return reply
        time.sleep(0.1)


# -- jobs --------------------------------------------------------------------------------------------------------------


class Forks:
    """The process of scripts.faults.forks."""

    def __init__(self, stack: Stack) -> None:
        self._process = subprocess.Popen(
            (*TETHERED, "-W", "ignore", "-m", "scripts.faults.forks"),
            cwd=PROJECT_ROOT,
            env=stack.direct_environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, job: str, *args: str, die_at: int) -> bool:
        """Whether it died."""
        assert self._process.stdin is not None  # noqa: S101 - opened above
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(json.dumps({"job": job, "args": args, "die_at": die_at}) + "\n")
        self._process.stdin.flush()
        return bool(json.loads(self._process.stdout.readline())["died"])

    def close(self) -> None:
        """Its child, wherever that is in its job, dies with it."""
        with self._process:  # which closes its pipes and waits for it
            self._process.kill()


@contextmanager
def forks(stack: Stack) -> Iterator[Forks]:
    made = Forks(stack)
    try:
        yield made
    finally:
        made.close()


def crash_jobs(drill: Drill) -> float:
    """Scoring, reviewing and settling die at each point in turn, on answers and attempts of their own."""
    stack = drill.stack
    drill.hold_workers()
    drill.finish_attempts()
    attempts = [
        each.id for delivery in drill.delivery_ids for each in stack.services.attempts.list_by_delivery(delivery)
    ]
    with forks(stack) as made:
        answers = [each for attempt in attempts[:SCORED_BY_HAND] for each in _queued(stack, attempt)]
        drill.crashes += _crash_each(made, SCORE_RESPONSE, answers)
        # The others are scored by the product; its worker, which settles, still stands.
        stack.thaw("scorer")
        others = attempts[SCORED_BY_HAND:]
        with contextlib.suppress(StackProblem):
            wait_until(lambda: not any(_queued(stack, each) for each in others), within_s=90, what="scoring")
        half = len(others) // 2
        drill.crashes += _crash_each(made, REVIEW_ATTEMPT, others[:half])
        drill.crashes += _crash_each(made, SETTLE_ATTEMPT, others[half:])
    drill.release_workers()
    return time.monotonic()


def _queued(stack: Stack, attempt_id: str) -> list[str]:
    found = stack.services.responses.list_by_attempt(attempt_id)
    return [each.id for each in found if each.state.value in ("queued", "claimed")]


def crash_mail(drill: Drill) -> None:
    """Sending dies at each point in turn, under each way in which a provider may misbehave."""
    stack = drill.stack
    drill.hold_workers()
    drill.mails_planned = office.plan_mails(stack, ADMIN, drill.delivery_ids)
    waiting = [each.id for each in office.list_dispatches(stack, drill.delivery_ids)]
    share = -(-len(waiting) // len(MAIL_MODES))
    with forks(stack) as made:
        for at, mode in enumerate(MAIL_MODES):
            stack.mail.mode = mode
            drill.crashes += _crash_each(made, SEND_DISPATCH, waiting[at * share : (at + 1) * share], step=2)
    stack.mail.mode = "ok"
    drill.release_workers()
    drill.mail_drained_s = office.wait_for_mail(stack, drill.delivery_ids)


def _crash_each(made: Forks, job: str, subjects: list[str], *, step: int = 1) -> int:
    """The n-th subject's job dies at its n-th point (times `step`); how many died."""
    return sum(made.run(job, subject, die_at=1 + at * step) for at, subject in enumerate(subjects[:MOST_POINTS]))
