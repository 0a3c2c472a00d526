"""`make load`: sits whole exams against a Viva of its own, checks the records, measures, and prints what it found.

    make load CANDIDATES=500 DURATION=192 ENGINE=rust WORKERS=1 MACHINES=2
    make load CANDIDATES=100 OUTAGE=queue,objects,mail OUTAGE_S=60

With OUTAGE, candidates sit exam after exam, workers run, and those parts go away in the middle.

The last line is one JSON object. Ends with 1 when there were errors, with 2 when the run says nothing (the generator
was too busy itself), with 3 when it could not start.
"""

import argparse
import contextlib
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from backend.features.attempts.paper import Paper
from backend.wiring import Services, build_services
from scripts.faults.serve import with_our_doubles
from scripts.load import aftermath, campus, earlier, outage, records, sounds
from scripts.load.cost import compare
from scripts.load.doors import Doors, hung
from scripts.load.generating import generate
from scripts.load.outage import Outage
from scripts.load.processes import Cost, costs_of
from scripts.load.report import Run, print_report, summary_line
from scripts.load.stack import Stack, discard, running_services, running_web
from scripts.load.workers import running_workers
from scripts.services.handles import allow_many_open_files
from scripts.services.program import StartProblem

STARTS_A_SECOND = 100  # 1,000 in 10 s
ARRIVALS_A_SECOND = 20
HEARTBEAT_MS = 10_000  # frontend_templates/_client/src/exam/session.ts
SAVE_MS = 2_500  # frontend_templates/_client/src/exam/drafts.ts
PACES_OF_TYPING = 4
GENERATOR_TOO_BUSY = 0.8
EXAM_S = 192.0
MAILS = 100


def main() -> int:
    arguments = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    allow_many_open_files()
    folder = Path(tempfile.mkdtemp(prefix="viva-load-"))
    try:
        with (
            hung(arguments.outage) as doors,
            running_services(folder, engine=arguments.engine, workers=arguments.workers, doors=doors) as stack,
        ):
            run = _run(stack, arguments, doors)
    except StartProblem as problem:
        print(problem, file=sys.stderr)
        return 3
    finally:
        if arguments.keep:
            print(f"kept: {folder}")
        else:
            discard(folder)
    print_report(run)
    print(summary_line(run), flush=True)
    if run.errors:
        return 1
    return 2 if run.outcome["generator_cpu"] > GENERATOR_TOO_BUSY else 0


def _run(stack: Stack, arguments: argparse.Namespace, doors: Doors | None) -> Run:
    services = build_services(stack.settings)
    planned = _planned(arguments)
    _say(f"Database: {stack.engine}. Preparing {arguments.candidates} candidates ...")
    campus.prepare_storage(stack.settings)
    campus.prepare_items(services)
    cast = campus.seed(
        services,
        candidates=arguments.candidates,
        format_id=arguments.format,
        email="candidate@load.example",
        deliveries=planned.exams if planned else 1,
    )
    if planned:
        earlier.release_results(services, cast, most=MAILS)
    plan = _plan(stack, services, cast, arguments, planned)
    with running_web(stack, machines=arguments.machines):
        with _workers(stack, planned):
            outcome, costs = _generate(stack, plan, _actions(services, cast, doors))
            effect = _effect(services, cast, planned, doors, outcome)
        _say("Comparing the cost of an answer with a bare handler's ...")
        comparison = compare(stack, services, cast)
    _say("Checking the records ...")
    verdict = records.check_records(
        services,
        delivery_ids=[delivery.id for delivery in cast.deliveries],
        journal=stack.folder / "journal.jsonl",
        entered=int(str(outcome["entered"])),
    )
    return Run(
        candidates=arguments.candidates,
        engine=stack.engine,
        machines=arguments.machines,
        workers=arguments.workers,
        outcome=outcome,
        verdict=verdict,
        costs=costs,
        comparison=comparison,
        outage=planned,
        effect=effect,
    )


def _planned(arguments: argparse.Namespace) -> Outage | None:
    if not arguments.outage:
        return None
    return Outage(parts=arguments.outage, seconds=arguments.outage_s, exam_s=arguments.duration)


def _workers(stack: Stack, planned: Outage | None) -> contextlib.AbstractContextManager[None]:
    return running_workers(stack, ours=with_our_doubles) if planned else contextlib.nullcontext()


def _actions(services: Services, cast: campus.Cast, doors: Doors | None) -> Mapping[str, Callable[[], object]]:
    """What we do at a word of the generator's."""
    if doors is None:
        return {}
    return {"mail": lambda: earlier.mail_results(services, cast), "away": doors.close, "back": doors.open}


def _effect(
    services: Services,
    cast: campus.Cast,
    planned: Outage | None,
    doors: Doors | None,
    outcome: Mapping[str, Any],
) -> outage.Effect | None:
    if planned is None or doors is None:
        return None
    _say("Waiting for scoring, results and mails ...")
    drained_s, problems = aftermath.drain(services, cast, doors)
    return outage.Effect(
        spans=outage.spans_of(planned, outcome["acknowledgements"]),
        deferred=len(outcome["deferred"]),
        sent_after_s=outage.sent_after_s(planned, outcome["deferred"]),
        drained_s=drained_s,
        problems=problems,
    )


def _plan(
    stack: Stack, services: Services, cast: campus.Cast, arguments: argparse.Namespace, planned: Outage | None
) -> Path:
    """What the generator does, in a file."""
    recording = stack.folder / "answer.webm"
    sounds.make_recording(recording)
    pace_ms = _pace_ms(services.papers.get(cast.delivery.form_ids[0]), arguments.duration)
    plan = {
        "kind": "exams",
        "address": stack.address,
        "deliveries": [delivery.id for delivery in cast.deliveries],
        "students": [asdict(student) for student in cast.students],
        "admin": asdict(cast.admin),
        "recording": str(recording),
        "content_type": sounds.CONTENT_TYPE,
        "answer_ms": sounds.ANSWER_MS,
        "pace_ms": pace_ms,
        "typing_ms": pace_ms * PACES_OF_TYPING,
        "save_ms": SAVE_MS,
        "heartbeat_ms": HEARTBEAT_MS,
        "lobby_ms": arguments.candidates * 1000 / ARRIVALS_A_SECOND,
        "start_within_ms": arguments.candidates * 1000 / STARTS_A_SECOND,
        "fetches_packages": True,
        "takes_turns": False,
        "signals": [],
        "away": {"parts": []},
        "journal": str(stack.folder / "journal.jsonl"),
        "outcome": str(stack.folder / "outcome.json"),
    }
    path = stack.folder / "plan.json"
    path.write_text(json.dumps(plan | (_with_outage(planned) if planned else {})))
    return path


def _with_outage(planned: Outage) -> dict[str, object]:
    """Packages are taken to be on the devices when the store goes."""
    away = {"parts": planned.parts, "from_ms": planned.from_s * 1000, "until_ms": planned.until_s * 1000}
    return {
        "start_within_ms": planned.exam_s * 1000,
        "fetches_packages": "objects" not in planned.parts,
        "takes_turns": True,
        "ends_ms": planned.ends_s * 1000,
        "signals": [(at_s * 1000, word) for at_s, word in planned.signals],
        "away": away,
    }


def _pace_ms(paper: Paper, duration_s: float) -> float:
    """How long a prompt takes, so that the whole exam takes `duration_s`."""
    paces = sum(1 if item.is_spoken else PACES_OF_TYPING for item in paper.items)
    return duration_s * 1000 / paces


Costs = dict[str, tuple[Cost, Cost]]


def _generate(stack: Stack, plan: Path, actions: Mapping[str, Callable[[], object]]) -> tuple[dict[str, Any], Costs]:
    """Runs the generator, and the action of each of its words; its figures, and what everybody else cost from the start
    of the exams on."""
    before: dict[str, Cost] = {}

    def hear(line: str) -> None:
        if line == "start":
            before.update(costs_of(stack.groups))
            return
        _say(line)
        actions.get(line, lambda: None)()

    generate(plan, on_line=hear)
    after = costs_of(stack.groups)
    outcome: dict[str, Any] = json.loads((stack.folder / "outcome.json").read_text())
    return outcome, {name: (before[name], after[name]) for name in before}


def _say(text: str) -> None:
    print(text, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument(
        "--duration",
        type=float,
        help="seconds of the exam; default 192: 16 a prompt, 64 an essay (OUTAGE_S if shorter)",
    )
    parser.add_argument(
        "--outage", type=_parts, default=(), help=f"parts that go away in the middle: {','.join(outage.PARTS)}"
    )
    parser.add_argument("--outage-s", type=float, default=60, help="for so many seconds")
    parser.add_argument("--engine", choices=("embedded", "rust"), default="embedded")
    parser.add_argument("--workers", type=int, default=2, help="web processes")
    parser.add_argument("--machines", type=int, default=1, help="installations behind a proxy that takes turns")
    parser.add_argument("--format", default="load_exam")
    parser.add_argument("--keep", action="store_true", help="leaves the run's folder, with its logs")
    arguments = parser.parse_args()
    if arguments.duration is None:
        arguments.duration = min(EXAM_S, arguments.outage_s) if arguments.outage else EXAM_S
    return arguments


def _parts(words: str) -> tuple[str, ...]:
    try:
        return outage.read_parts(words)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


if __name__ == "__main__":
    sys.exit(main())
