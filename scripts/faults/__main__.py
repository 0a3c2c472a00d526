"""`make faults`: faults one after the other on a Viva of our own; a table, and one JSON line at the end.

FAULT=name,name (or a word that they begin with) chooses; ROUNDS=n sets how often each strikes. Ends with 1 when
anything was lost, late, doubled or otherwise broken, or when the negative control lost nothing.
"""

import argparse
import json
import logging
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from scripts.faults.campus import Drillground
from scripts.faults.catalogue import FAULTS
from scripts.faults.drill import Drill, Fault, Outcome
from scripts.faults.history import Kind
from scripts.faults.stack import ON_DISK, SETUPS, Setup, Stack, StackProblem, running, why_no_disk
from scripts.faults.storms import KILL_STORM, kill_web_process

# How often each strikes in `make test`.
SHORT = {
    "kill_web": 1,
    "kill_database": 1,
    "kill_storm": 40,
    "power_cut": 1,
    "power_storm": 4,
    "power_storm_control": 6,
}
MOST_LEGS = 1_000
BROKEN = (Kind.PHANTOM, Kind.BACKWARDS, Kind.RESUME, Kind.UNDRAINED, Kind.TAMPERED)


def main() -> int:
    chosen = _arguments()
    # Asked to end, it ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    faults = _choose(chosen.fault)
    folder = Path(tempfile.mkdtemp(prefix="viva-faults-"))
    print(f"Records and logs: {folder}", flush=True)
    runner = Runner(folder, rounds=chosen.rounds, patience=chosen.patience)
    try:
        outcomes = runner.run(faults)
    except StackProblem as problem:
        print(f"The programme's own stack failed: {problem}", file=sys.stderr)
        return 2
    verdict = summary(outcomes)
    is_good = is_kept(outcomes)
    print(table(outcomes))
    if is_good and not chosen.keep:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(verdict))
    return 0 if is_good else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fault", default="", help="names, or beginnings of names, with commas between; empty: all")
    parser.add_argument("--rounds", type=int, default=0, help="how often each fault strikes (default: its own number)")
    parser.add_argument("--patience", type=float, default=1, help="times the promised minute for recovery and queues")
    parser.add_argument("--keep", action="store_true", help="keep records and logs also when all is well")
    parser.add_argument("--list", action="store_true", help="only list the faults")
    chosen = parser.parse_args()
    if chosen.list:
        print("\n".join(f"{fault.name:22} {fault.title}" for fault in FAULTS.values()))
        sys.exit(0)
    return chosen


def _choose(words: str) -> list[Fault]:
    if not words:
        return list(FAULTS.values())
    wanted = [word.strip() for word in words.split(",") if word.strip()]
    if wanted == ["short"]:
        return [_shortened(FAULTS[name], rounds) for name, rounds in SHORT.items()]
    found = [fault for fault in FAULTS.values() if any(fault.name.startswith(word) for word in wanted)]
    if not found:
        sys.exit(f"No such fault. There are: {', '.join(FAULTS)}")
    return found


def _shortened(fault: Fault, rounds: int) -> Fault:
    """On one stack, with the disk that can lose power if this machine can have one, for all that bring no disk."""
    setup = fault.setup if fault.setup.disk or why_no_disk() else ON_DISK
    if fault is KILL_STORM:
        # Without what waits for leases.
        fault = replace(fault, strike=kill_web_process, then=None)
    if fault.forks:
        fault = replace(fault, clients=3, habits=replace(fault.habits, answers_an_item=5))
    return replace(fault, rounds=rounds, setup=setup)


class Runner:
    """Runs faults grouped by the stack that they need, so that each stack starts once."""

    def __init__(self, folder: Path, *, rounds: int, patience: float) -> None:
        self._folder, self._rounds, self._patience = folder, rounds, patience

    def run(self, faults: Sequence[Fault]) -> list[Outcome]:
        why = why_no_disk() if any(each.setup.disk for each in faults) else ""
        if why:
            print(f"No power cuts and no failing disks, nor their control: {why}.", flush=True)
        can = [each for each in faults if not (why and each.setup.disk)]
        groups = [(setup, [each for each in can if each.setup == setup]) for setup in SETUPS]
        return [outcome for setup, group in groups if group for outcome in self._group(setup, group)]

    def _group(self, setup: Setup, faults: Sequence[Fault]) -> list[Outcome]:
        began = time.monotonic()
        with running(self._folder / setup.name, setup) as stack:
            ground = Drillground(stack.services)
            print(f"Stack {setup.name}: ready after {time.monotonic() - began:.0f} s", flush=True)
            return [self._one(fault, stack, ground) for fault in faults]

    def _one(self, fault: Fault, stack: Stack, ground: Drillground) -> Outcome:
        began = time.monotonic()
        rounds = fault.rounds if fault.must_lose else self._rounds or fault.rounds
        outcome = self._leg(fault, stack, ground, rounds=min(fault.leg or rounds, rounds), leg=0)
        for leg in range(1, MOST_LEGS):
            left = rounds - outcome.runs
            if not fault.leg or left <= 0 or (_is_spoilt(outcome) and not fault.must_lose):
                break
            print(f"{line(outcome)}  ({time.monotonic() - began:.0f} s so far)", flush=True)
            outcome = outcome.plus(self._leg(fault, stack, ground, rounds=min(fault.leg, left), leg=leg))
        self._tell(fault, outcome, time.monotonic() - began)
        return outcome

    def _leg(self, fault: Fault, stack: Stack, ground: Drillground, *, rounds: int, leg: int) -> Outcome:
        folder = self._folder / "records" / fault.name / str(leg)
        return Drill(fault, stack, ground, folder, rounds=rounds, leg=leg, patience=self._patience).run()

    def _tell(self, fault: Fault, outcome: Outcome, took_s: float) -> None:
        print(f"{line(outcome)}  ({took_s:.0f} s)", flush=True)
        for name, seconds in outcome.spent_s.items():
            print(f"    {name}: {_in_the_middle(seconds)} s, {len(seconds)} times", flush=True)
        for finding in list(outcome.findings)[: 0 if fault.must_lose else 8]:
            print(f"    {finding.kind.value}: {finding.subject}: {finding.text}", flush=True)
        for trouble in outcome.trouble:
            print(f"    client: {trouble}", flush=True)


def _is_spoilt(outcome: Outcome) -> bool:
    """Whether it would only repeat what is broken. What merely came late spoils nothing that follows."""
    return len(outcome.findings) > outcome.count(Kind.UNDRAINED) or (
        bool(outcome.findings) and outcome.drained_s is None
    )


def table(outcomes: Iterable[Outcome]) -> str:
    return "\n".join((HEAD, *(line(outcome) for outcome in outcomes)))


HEAD = (
    f"{'fault':26} {'runs':>5} {'acked':>7} {'broken off':>10} {'lost':>5} {'late':>5} {'double':>6} {'other':>6} "
    f"{'back s':>14} {'drain s':>8}"
)


def line(outcome: Outcome) -> str:
    shown = _in_the_middle(outcome.recoveries_s)
    drain = "-" if outcome.drained_s is None else f"{outcome.drained_s:.1f}"
    return (
        f"{outcome.fault:26} {outcome.runs:5} {outcome.acked:7} {outcome.unknown:10} {outcome.count(Kind.LOST):5} "
        f"{outcome.count(Kind.LATE):5} {outcome.count(Kind.DOUBLED):6} {outcome.count(*BROKEN):6} "
        f"{shown:>14} {drain:>8}"
    )


def _in_the_middle(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    return f"{ordered[len(ordered) // 2]:.2f} (max {ordered[-1]:.1f})" if ordered else "-"


def summary(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """The last line: the control is not among what must not lose."""
    real = [each for each in outcomes if not FAULTS[each.fault].must_lose]
    control = [each for each in outcomes if FAULTS[each.fault].must_lose]
    return {
        "runs": sum(each.runs for each in real),
        "acked": sum(each.acked for each in real),
        "lost": sum(each.count(Kind.LOST) for each in real),
        "late": sum(each.count(Kind.LATE) for each in real),
        "doubled": sum(each.count(Kind.DOUBLED) for each in real),
        "control_lost": sum(each.count(Kind.LOST) for each in control),
    }


def is_kept(outcomes: Sequence[Outcome]) -> bool:
    """No promise broken, every recovery within its minute, and a control that lost."""
    real = [each for each in outcomes if not FAULTS[each.fault].must_lose]
    control = [each for each in outcomes if FAULTS[each.fault].must_lose]
    recovered = all(took != float("inf") for each in real for took in each.recoveries_s)
    loses = all(each.count(Kind.LOST) > 0 for each in control)
    showed = all(each.acked for each in outcomes)
    return recovered and loses and showed and not any(each.findings or each.trouble for each in real)


if __name__ == "__main__":
    sys.exit(main())
