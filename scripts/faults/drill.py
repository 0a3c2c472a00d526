"""One fault: clients sit exams, the fault comes and goes some rounds, queues drain, the checker decides."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from backend.features.attempts.answers import ANSWER_GRACE
from scripts.faults.campus import Cast, Drillground
from scripts.faults.candidate import Candidate, Habits
from scripts.faults.checker import check, count_acknowledged
from scripts.faults.exam_calls import ExamCalls
from scripts.faults.history import Finding, Kind, Limits, Stored
from scripts.faults.office import accepted_by_mail
from scripts.faults.records import Recorder, calls_of, read_events
from scripts.faults.stack import Stack
from scripts.faults.stored import count_waiting, read_stored

RECOVERS_WITHIN_S = 60.0
DRAINS_WITHIN_S = 60.0
FINISHES_WITHIN_S = 45.0
WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`strike` does it and undoes it; it returns the moment (monotonic) from which recovery counts. `then` does more
    when the clients are done and the queues are empty: what staff do. `sits`: clients sit by themselves."""

    name: str
    title: str
    strike: Callable[["Drill"], float]
    rounds: int = 3
    pause_s: tuple[float, float] = (1.0, 2.5)
    clients: int = 4
    habits: Habits = field(default_factory=Habits)
    needs_disk: bool = False
    must_lose: bool = False
    open_for: timedelta = timedelta(hours=2)
    then: Callable[["Drill"], None] | None = None
    sits: bool = True
    deliveries: int = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one fault did: `recoveries_s` and `drained_s` are seconds; `findings` are broken promises."""

    fault: str
    runs: int
    acked: int
    findings: Sequence[Finding]
    recoveries_s: Sequence[float]
    drained_s: float | None
    trouble: Sequence[str] = ()

    def count(self, *kinds: Kind) -> int:
        return sum(1 for finding in self.findings if finding.kind in kinds)


class Drill:
    """What a fault's `strike` may use."""

    def __init__(self, fault: Fault, stack: Stack, ground: Drillground, folder: Path, rounds: int) -> None:
        self.fault, self.stack, self.ground = fault, stack, ground
        self.random = random.Random(fault.name)  # noqa: S311 - a drill, not a secret
        self.cast: Cast = ground.cast(candidates=fault.clients, deliveries=fault.deliveries, open_for=fault.open_for)
        self._folder, self._rounds = folder, rounds
        self.crashes = 0
        self.mails_planned: frozenset[str] = frozenset()
        self.mail_drained_s = 0.0
        self._lines: list[ExamCalls] = []
        self._recorders: list[Recorder] = []
        self.clients = [
            Candidate(
                who,
                [delivery.id for delivery in self.cast.deliveries],
                address=stack.address,
                folder=folder,
                habits=fault.habits,
            )
            for who in self.cast.candidates
        ]

    @property
    def delivery_ids(self) -> list[str]:
        return [delivery.id for delivery in self.cast.deliveries]

    def run(self) -> Outcome:
        if self.fault.sits:
            for client in self.clients:
                client.start()
            time.sleep(WARM_UP_S)
        recoveries = [self._round() for _ in range(self._rounds)]
        self._finish()
        drained_s = None if self.fault.must_lose else self._drain()
        if self.fault.then is not None:
            self.fault.then(self)
        return self._judge(recoveries, drained_s)

    # -- for strikes ---------------------------------------------------------------------------------------------------

    def lines(self) -> list[ExamCalls]:
        """A recorded line for each candidate, to be used by hand."""
        if not self._lines:
            for who in self.cast.candidates:
                self._recorders.append(Recorder(who.account_id, self._folder / f"{who.account_id}.jsonl"))
                self._lines.append(ExamCalls(who, address=self.stack.address, recorder=self._recorders[-1]))
        return self._lines

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

    def _round(self) -> float:
        from_s = self.fault.strike(self)
        for client in self.clients:
            client.watch(from_s)
        recovered_s = self._recovered(from_s)
        time.sleep(self.random.uniform(*self.fault.pause_s))
        return recovered_s

    def _recovered(self, from_s: float) -> float:
        """Seconds until the first acknowledgement of a call that began afterwards; infinite after a minute."""
        while self.fault.sits and time.monotonic() - from_s < RECOVERS_WITHIN_S:
            first = [client.first_ok_after for client in self.clients if client.first_ok_after is not None]
            if first:
                return max(0.0, min(first) - from_s)
            if not any(client.is_alive() for client in self.clients):
                return 0.0
            time.sleep(0.02)
        return float("inf") if self.fault.sits else 0.0

    def _finish(self) -> None:
        for client in self.clients:
            client.stop()
        if not self.fault.sits:
            return
        deadline = time.monotonic() + FINISHES_WITHIN_S
        for client in self.clients:
            client.join(max(0.0, deadline - time.monotonic()))
        for client in self.clients:
            client.leave()
            client.join(15)

    def _drain(self) -> float | None:
        """How long the queues took to drain; None when they did not within the minute."""
        began = time.monotonic()
        while time.monotonic() - began < DRAINS_WITHIN_S:
            if count_waiting(self.stack.services, self.delivery_ids) == 0:
                return time.monotonic() - began
            time.sleep(0.5)
        return None

    def _judge(self, recoveries: Sequence[float], drained_s: float | None) -> Outcome:
        calls = calls_of(read_events([client.path for client in self.clients]))
        accepted = accepted_by_mail(self.stack, self.delivery_ids)
        stored: Stored = read_stored(self.stack.services, self.delivery_ids, accepted=accepted)
        stored = replace(stored, mails_planned=self.mails_planned)
        findings = check(calls, stored, Limits(answer_grace_s=ANSWER_GRACE.total_seconds()))
        if drained_s is None and not any(finding.kind is Kind.UNDRAINED for finding in findings):
            findings.append(Finding(kind=Kind.UNDRAINED, subject="queues", text="an ended attempt is not settled"))
        return Outcome(
            fault=self.fault.name,
            runs=self._rounds if not self.crashes else self.crashes,
            acked=count_acknowledged(calls),
            findings=findings,
            recoveries_s=recoveries,
            drained_s=drained_s,
            trouble=[client.trouble for client in self.clients if client.trouble],
        )
