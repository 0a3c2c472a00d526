"""`make load`: sits whole exams against a Viva of its own, checks the records, measures, and prints what it found.

    make load CANDIDATES=500 DURATION=192 ENGINE=rust WORKERS=1 MACHINES=2

The last line is one JSON object. Ends with 1 when there were errors, with 2 when the run says nothing (the generator
was too busy itself), with 3 when it could not start.
"""

import argparse
import json
import logging
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import structlog

from backend.features.attempts.paper import Paper
from backend.wiring import Services, build_services
from scripts.load import campus, records, sounds
from scripts.load.cost import compare
from scripts.load.generating import generate
from scripts.load.processes import Cost, costs_of
from scripts.load.report import Run, print_report, summary_line
from scripts.load.stack import Stack, discard, running_services, running_web
from scripts.services.handles import allow_many_open_files
from scripts.services.program import StartProblem

STARTS_A_SECOND = 100  # 1,000 in 10 s
ARRIVALS_A_SECOND = 20
HEARTBEAT_MS = 10_000  # frontend_templates/_client/src/exam/session.ts
SAVE_MS = 2_500  # frontend_templates/_client/src/exam/drafts.ts
PACES_OF_TYPING = 4
GENERATOR_TOO_BUSY = 0.8


def main() -> int:
    arguments = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    allow_many_open_files()
    folder = Path(tempfile.mkdtemp(prefix="viva-load-"))
    try:
        with running_services(folder, engine=arguments.engine, workers=arguments.workers) as stack:
            run = _run(stack, arguments)
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


def _run(stack: Stack, arguments: argparse.Namespace) -> Run:
    services = build_services(stack.settings)
    _say(f"Database: {stack.engine}. Preparing {arguments.candidates} candidates ...")
    campus.prepare_storage(stack.settings)
    campus.prepare_items(services)
    cast = campus.seed(services, candidates=arguments.candidates, format_id=arguments.format)
    plan = _plan(stack, services, cast, arguments)
    with running_web(stack, machines=arguments.machines):
        outcome, costs = _generate(stack, plan)
        _say("Comparing the cost of an answer with a bare handler's ...")
        comparison = compare(stack, services, cast)
    _say("Checking the records ...")
    verdict = records.check_records(
        services,
        delivery_id=cast.delivery.id,
        journal=stack.folder / "journal.jsonl",
        candidates=arguments.candidates,
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
    )


def _plan(stack: Stack, services: Services, cast: campus.Cast, arguments: argparse.Namespace) -> Path:
    """What the generator does, in a file."""
    recording = stack.folder / "answer.webm"
    sounds.make_recording(recording)
    pace_ms = _pace_ms(services.papers.get(cast.delivery.form_ids[0]), arguments.duration)
    plan = {
        "kind": "exams",
        "address": stack.address,
        "delivery_id": cast.delivery.id,
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
        "journal": str(stack.folder / "journal.jsonl"),
        "outcome": str(stack.folder / "outcome.json"),
    }
    path = stack.folder / "plan.json"
    path.write_text(json.dumps(plan))
    return path


def _pace_ms(paper: Paper, duration_s: float) -> float:
    """How long a prompt takes, so that the whole exam takes `duration_s`."""
    paces = sum(1 if item.is_spoken else PACES_OF_TYPING for item in paper.items)
    return duration_s * 1000 / paces


Costs = dict[str, tuple[Cost, Cost]]


def _generate(stack: Stack, plan: Path) -> tuple[dict[str, object], Costs]:
    """Runs the generator; its figures, and what everybody else cost from the start of the exams on."""
    before: dict[str, Cost] = {}

    def hear(line: str) -> None:
        if line == "start":
            before.update(costs_of(stack.groups))
        else:
            _say(line)

    generate(plan, on_line=hear)
    after = costs_of(stack.groups)
    outcome: dict[str, object] = json.loads((stack.folder / "outcome.json").read_text())
    return outcome, {name: (before[name], after[name]) for name in before}


def _say(text: str) -> None:
    print(text, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument(
        "--duration", type=float, default=192, help="seconds of the exam; 192: 16 a prompt, 64 an essay"
    )
    parser.add_argument("--engine", choices=("embedded", "rust"), default="embedded")
    parser.add_argument("--workers", type=int, default=2, help="web processes")
    parser.add_argument("--machines", type=int, default=1, help="installations behind a proxy that takes turns")
    parser.add_argument("--format", default="load_exam")
    parser.add_argument("--keep", action="store_true", help="leaves the run's folder, with its logs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
