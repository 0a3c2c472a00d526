"""`make faults`: faults one after the other on a Viva of our own; a table, and one JSON line at the end.

FAULT=name,name (or a word that they begin with) chooses; ROUNDS=n sets how often each strikes. Ends with 1 when
anything was lost, late, doubled or otherwise broken, or when the negative control lost nothing.
"""

import argparse
import json
import logging
import shutil
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
from scripts.faults.stack import Stack, StackProblem, running, why_no_disk

SHORT = ("kill_web", "kill_database", "power_cut", "control")
BROKEN = (Kind.PHANTOM, Kind.BACKWARDS, Kind.RESUME, Kind.UNDRAINED, Kind.TAMPERED)


def main() -> int:
    chosen = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    faults = _choose(chosen.fault)
    folder = Path(tempfile.mkdtemp(prefix="viva-faults-"))
    print(f"Records and logs: {folder}", flush=True)
    runner = Runner(folder, rounds=chosen.rounds)
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
        # One stack for all of them, on the disk that can lose power, if this machine can have one.
        can_cut = not why_no_disk()
        return [replace(FAULTS[name], needs_disk=can_cut or FAULTS[name].needs_disk) for name in SHORT]
    found = [fault for fault in FAULTS.values() if any(fault.name.startswith(word) for word in wanted)]
    if not found:
        sys.exit(f"No such fault. There are: {', '.join(FAULTS)}")
    return found


class Runner:
    """Runs faults grouped by the stack that they need, so that each stack starts once."""

    def __init__(self, folder: Path, *, rounds: int) -> None:
        self._folder, self._rounds = folder, rounds

    def run(self, faults: Sequence[Fault]) -> list[Outcome]:
        outcomes = self._group("plain", [each for each in faults if not each.needs_disk])
        on_disk = [each for each in faults if each.needs_disk]
        why = why_no_disk() if on_disk else ""
        if why:
            print(f"No power cuts and no failing disks, nor their control: {why}.", flush=True)
            return outcomes
        outcomes += self._group("disk", [each for each in on_disk if not each.must_lose], disk=True)
        outcomes += self._group("control", [each for each in on_disk if each.must_lose], disk=True, sync=False)
        return outcomes

    def _group(self, name: str, faults: Sequence[Fault], *, disk: bool = False, sync: bool = True) -> list[Outcome]:
        if not faults:
            return []
        began = time.monotonic()
        with running(self._folder / name, disk=disk, sync=sync, workers=sync) as stack:
            ground = Drillground(stack.services)
            print(f"Stack {name}: ready after {time.monotonic() - began:.0f} s", flush=True)
            return [self._one(fault, stack, ground) for fault in faults]

    def _one(self, fault: Fault, stack: Stack, ground: Drillground) -> Outcome:
        began = time.monotonic()
        rounds = fault.rounds if fault.must_lose else self._rounds or fault.rounds
        drill = Drill(fault, stack, ground, self._folder / "records" / fault.name, rounds)
        outcome = drill.run()
        print(f"{line(outcome)}  ({time.monotonic() - began:.0f} s)", flush=True)
        for finding in list(outcome.findings)[: 0 if fault.must_lose else 8]:
            print(f"    {finding.kind.value}: {finding.subject}: {finding.text}", flush=True)
        for trouble in outcome.trouble:
            print(f"    client: {trouble}", flush=True)
        return outcome


def table(outcomes: Iterable[Outcome]) -> str:
    return "\n".join((HEAD, *(line(outcome) for outcome in outcomes)))


HEAD = (
    f"{'fault':26} {'runs':>5} {'acked':>7} {'lost':>5} {'late':>5} {'double':>6} {'other':>6} "
    f"{'back s':>14} {'drain s':>8}"
)


def line(outcome: Outcome) -> str:
    back = sorted(outcome.recoveries_s)
    shown = f"{back[len(back) // 2]:.1f} (max {back[-1]:.1f})" if back else "-"
    drain = "-" if outcome.drained_s is None else f"{outcome.drained_s:.1f}"
    return (
        f"{outcome.fault:26} {outcome.runs:5} {outcome.acked:7} {outcome.count(Kind.LOST):5} "
        f"{outcome.count(Kind.LATE):5} {outcome.count(Kind.DOUBLED):6} {outcome.count(*BROKEN):6} "
        f"{shown:>14} {drain:>8}"
    )


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
