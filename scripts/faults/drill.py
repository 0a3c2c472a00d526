"""One fault: clients sit exams, the fault comes and goes some rounds, queues drain, the checker decides."""

import contextlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from backend.features.attempts.answers import ANSWER_GRACE, FOLLOWING
from scripts.faults.campus import Cast, Drillground
from scripts.faults.candidate import Candidate, Habits
from scripts.faults.checker import check, check_now, count_acknowledged
from scripts.faults.exam_calls import ExamCalls
from scripts.faults.history import Finding, Kind, Limits, Stored, Waiting
from scripts.faults.office import accepted_by_mail
from scripts.faults.records import Phase, Recorder, calls_of, read_events
from scripts.faults.stack import PLAIN, Setup, Stack
from scripts.faults.stored import list_waiting, read_attempts, read_stored

RECOVERS_WITHIN_S = 60.0
DRAINS_WITHIN_S = 60.0
LOOKS_ON_FOR_S = 300.0
FINISHES_WITHIN_S = 45.0
WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`strike` does it and undoes it; it returns the moment (monotonic) from which recovery counts. `then` does more
    when the clients are done and the queues are empty: what staff do. `sits`: clients sit by themselves. `forks`: so
    many web processes of the fork server take their calls. `leg`: after so many rounds everything is judged, and the
    next ones are sat by others."""

    name: str
    title: str
    strike: Callable[["Drill"], float]
    rounds: int = 3
    pause_s: tuple[float, float] = (1.0, 2.5)
    clients: int = 4
    habits: Habits = field(default_factory=Habits)
    setup: Setup = PLAIN
    forks: int = 0
    leg: int = 0
    must_lose: bool = False
    open_for: timedelta = timedelta(hours=2)
    then: Callable[["Drill"], None] | None = None
    sits: bool = True
    deliveries: int = 6

    @property
    def is_drained(self) -> bool:
        """Whether anybody works on what is queued."""
        return "worker" not in self.setup.without


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one fault did: `recoveries_s`, `drained_s` and `spent_s` (by what for) are seconds; `findings` are broken
    promises; `unknown` counts the calls that broke off."""

    fault: str
    runs: int
    acked: int
    findings: Sequence[Finding]
    recoveries_s: Sequence[float]
    drained_s: float | None
    trouble: Sequence[str] = ()
    unknown: int = 0
    spent_s: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def count(self, *kinds: Kind) -> int:
        return sum(1 for finding in self.findings if finding.kind in kinds)

    def plus(self, other: "Outcome") -> "Outcome":
        """Both legs of one fault."""
        drained = [each for each in (self.drained_s, other.drained_s) if each is not None]
        return replace(
            self,
            runs=self.runs + other.runs,
            acked=self.acked + other.acked,
            findings=[*self.findings, *other.findings],
            recoveries_s=[*self.recoveries_s, *other.recoveries_s],
            drained_s=max(drained, default=None),
            trouble=[*self.trouble, *other.trouble],
            unknown=self.unknown + other.unknown,
            spent_s={
                name: [*self.spent_s.get(name, ()), *other.spent_s.get(name, ())]
                for name in {**self.spent_s, **other.spent_s}
            },
        )


class Drill:
    """One leg of a fault, and what its `strike` may use."""

    def __init__(
        self,
        fault: Fault,
        stack: Stack,
        ground: Drillground,
        folder: Path,
        *,
        rounds: int,
        leg: int = 0,
        patience: float = 1,
    ) -> None:
        self.fault, self.stack, self.ground = fault, stack, ground
        self.random = random.Random(f"{fault.name} {leg}")  # noqa: S311 - a drill, not a secret
        self.cast: Cast = ground.cast(candidates=fault.clients, deliveries=fault.deliveries, open_for=fault.open_for)
        self._folder, self._rounds, self._patience = folder, rounds, patience
        self.crashes = 0
        self.mails_planned: frozenset[str] = frozenset()
        self.mail_drained_s = 0.0
        self.spent_s: dict[str, list[float]] = {}
        self._inspected_s = 0.0
        self._findings: list[Finding] = []
        self._lines: list[ExamCalls] = []
        self._recorders: list[Recorder] = []
        self.clients = [
            Candidate(
                who,
                [delivery.id for delivery in self.cast.deliveries],
                address=stack.forks.address if fault.forks else stack.address,
                folder=folder,
                habits=fault.habits,
            )
            for who in self.cast.candidates
        ]

    @property
    def delivery_ids(self) -> list[str]:
        return [delivery.id for delivery in self.cast.deliveries]

    def run(self) -> Outcome:
        """Whatever happens meanwhile, afterwards nobody calls any more, and the stack is as it was."""
        with contextlib.ExitStack() as ends:
            if self.fault.forks:
                ends.callback(self.stack.forks.kill_all)
            ends.callback(self._close_records)
            ends.callback(self.stack.calm)
            ends.callback(self._send_away)
            return self._run()

    def _send_away(self) -> None:
        for client in self.clients:
            client.leave()
        for client in self.clients:
            if client.is_alive():
                client.join(15 * self._patience)

    def _close_records(self) -> None:
        for recorder in self._recorders:
            recorder.close()

    def _run(self) -> Outcome:
        if self.fault.forks:
            self.stack.forks.fork(self.fault.forks)
        if self.fault.sits:
            for client in self.clients:
                client.start()
            time.sleep(WARM_UP_S)
        recoveries = self._all_rounds()
        self._finish()
        drained_s, late = self._drain() if self.fault.is_drained else (None, [])
        if self.fault.then is not None:
            self.fault.then(self)
        if self.fault.forks:
            # Nobody writes while it is judged.
            self.stack.forks.kill_all()
        return self._judge(recoveries, drained_s, late)

    # -- for strikes ---------------------------------------------------------------------------------------------------

    def lines(self) -> list[ExamCalls]:
        """A recorded line for each candidate, to be used by hand."""
        if not self._lines:
            for who in self.cast.candidates:
                self._recorders.append(Recorder(who.account_id, self._folder / f"{who.account_id}.jsonl"))
                self._lines.append(ExamCalls(who, address=self.stack.address, recorder=self._recorders[-1]))
        return self._lines

    def spent(self, name: str, seconds: float) -> None:
        self.spent_s.setdefault(name, []).append(seconds)

    def inspect(self) -> None:
        """Judges what was written since the last inspection, while nobody writes: before a client goes on, and hides
        by its next answer that the last one was lost."""
        began = time.monotonic()
        calls = calls_of(read_events([client.path for client in self.clients]))
        recent = {call.attempt for call in calls if (call.ended_s or call.began_s) >= self._inspected_s} - {""}
        stored = read_attempts(self.stack.services, recent)
        self._findings += check_now([call for call in calls if call.attempt in recent], stored)
        self._inspected_s = began
        self.spent("inspection", time.monotonic() - began)

    def hold_workers(self) -> None:
        """The product's workers stand still, so that jobs can be run by hand."""
        for name in ("scorer", "worker", "clock", "beat"):
            self.stack.freeze(name)

    def release_workers(self) -> None:
        for name in ("scorer", "worker", "clock", "beat"):
            self.stack.thaw(name)

    def finish_attempts(self) -> None:
        """Waits until every client has sat all that it may."""
        for client in self.clients:
            client.join(180)

    # -- the rounds ----------------------------------------------------------------------------------------------------

    def _all_rounds(self) -> list[float]:
        """How long each recovery took. Ends early when all clients have sat all that they may."""
        recoveries: list[float] = []
        while len(recoveries) < self._rounds:
            recoveries.append(self._round())
            if self.fault.leg and not any(client.is_alive() for client in self.clients):
                break
        return recoveries

    def _round(self) -> float:
        from_s = self.fault.strike(self)
        for client in self.clients:
            client.watch(from_s)
        recovered_s = self._recovered(from_s)
        time.sleep(self.random.uniform(*self.fault.pause_s))
        return recovered_s

    def _recovered(self, from_s: float) -> float:
        """Seconds until the first acknowledgement of a call that began afterwards; infinite after a minute."""
        while self.fault.sits and time.monotonic() - from_s < RECOVERS_WITHIN_S * self._patience:
            first = [client.first_ok_after for client in self.clients if client.first_ok_after is not None]
            if first:
                return max(0.0, min(first) - from_s)
            if not any(client.is_alive() for client in self.clients):
                return 0.0
            time.sleep(0.002 if self.fault.forks else 0.02)
        return float("inf") if self.fault.sits else 0.0

    def _finish(self) -> None:
        for client in self.clients:
            client.stop()
        if not self.fault.sits:
            return
        # Where nobody scores, nothing is gained by answering to the end.
        deadline = time.monotonic() + (FINISHES_WITHIN_S * self._patience if self.fault.is_drained else 0)
        for client in self.clients:
            client.join(max(0.0, deadline - time.monotonic()))
        self._send_away()

    def _drain(self) -> tuple[float | None, list[Waiting]]:
        """How long the queues took to drain, and what still waited when the promised time was over. They are looked
        at longer than promised, to tell what came late from what never comes: None for the latter."""
        promised_s = DRAINS_WITHIN_S * self._patience
        began, late = time.monotonic(), list[Waiting]()
        while True:
            waiting = list_waiting(self.stack.services, self.delivery_ids)
            took_s = time.monotonic() - began
            if not waiting:
                return took_s, late
            if took_s >= promised_s + LOOKS_ON_FOR_S:
                return None, late
            if took_s >= promised_s and not late:
                late = waiting
            time.sleep(0.5)

    def _judge(self, recoveries: Sequence[float], drained_s: float | None, late: Sequence[Waiting]) -> Outcome:
        calls = calls_of(read_events([client.path for client in self.clients]))
        accepted = accepted_by_mail(self.stack, self.delivery_ids)
        stored: Stored = read_stored(self.stack.services, self.delivery_ids, accepted=accepted)
        stored = replace(stored, mails_planned=self.mails_planned)
        found = check(
            calls, stored, Limits(answer_grace_s=ANSWER_GRACE.total_seconds(), following_s=FOLLOWING.total_seconds())
        )
        # What an inspection found is often still so.
        findings = list(dict.fromkeys([*self._findings, *found]))
        if not self.fault.is_drained:
            findings = [finding for finding in findings if finding.kind is not Kind.UNDRAINED]
        findings += [_came_late(each, drained_s) for each in late]
        return Outcome(
            fault=self.fault.name,
            runs=self.crashes or len(recoveries),
            acked=count_acknowledged(calls),
            findings=findings,
            recoveries_s=recoveries,
            drained_s=drained_s,
            trouble=[client.trouble for client in self.clients if client.trouble],
            unknown=sum(1 for call in calls if call.outcome is Phase.UNKNOWN),
            spent_s=self.spent_s,
        )


def _came_late(waiting: Waiting, drained_s: float | None) -> Finding:
    when = (
        "and was still not done when nobody looked any more" if drained_s is None else f"done after {drained_s:.0f} s"
    )
    return Finding(
        kind=Kind.UNDRAINED, subject=waiting.subject, text=f"when queues should be empty: {waiting.text}; {when}"
    )
