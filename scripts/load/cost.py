"""What an answer costs Viva, against what it costs a bare handler with the same write: in turn, on the same engine."""

import json
import statistics
from dataclasses import dataclass
from datetime import timedelta

from backend.features.attempts.answers import ANSWER_GRACE
from backend.features.attempts.responses import Answer, Response, ResponseState, response_id
from backend.wiring import Services
from scripts.load.campus import Cast
from scripts.load.generating import generate
from scripts.load.processes import cost_of
from scripts.load.stack import GUNICORN, Stack, server
from scripts.services.memory import free_port

WRITERS = 16
CONNECTIONS = 4
ROUNDS = 3
ROUND_S = 2.0
ANSWER = "The council wants to build a second bridge, because the old one is too narrow for the buses. " * 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One save: CPU of the web processes and time until the acknowledgement, the median of the rounds."""

    cpu_ms: float
    p50_ms: float
    saves: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    viva: Price
    bare: Price

    @property
    def ratio(self) -> float:
        return self.viva.cpu_ms / self.bare.cpu_ms

    @property
    def latency_ratio(self) -> float:
        return self.viva.p50_ms / self.bare.p50_ms


def compare(stack: Stack, services: Services, cast: Cast) -> Comparison:
    """Saves of typed answers, in turn to Viva and to the bare handler, each its own drafts."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = (*GUNICORN, "--bind", f"127.0.0.1:{port}", "scripts.load.bare:app")
    rounds: dict[str, list[Price]] = {"viva": [], "bare": []}
    with server(command, stack, name="bare", address=address):
        for attempt in ("viva", "bare"):
            _add_drafts(services, cast, attempt)
            _measure(stack, cast, attempt, address, number=0)  # not counted: connections, caches
        for number in range(1, ROUNDS + 1):
            for attempt, prices in rounds.items():
                prices.append(_measure(stack, cast, attempt, address, number=number))
    stack.groups.pop("bare")
    return Comparison(viva=_median(rounds["viva"]), bare=_median(rounds["bare"]))


def _add_drafts(services: Services, cast: Cast, attempt: str) -> None:
    """Answers that are being typed, as a first save leaves them."""
    now = services.now()
    for position, student in enumerate(cast.students[:WRITERS]):
        services.responses.add(
            Response(
                id=response_id(attempt, position),
                attempt_id=attempt,
                campus_id=cast.delivery.campus_id,
                delivery_id=f"cost of {cast.delivery.id}",
                position=position,
                task="essay",
                item_id="cost",
                item_version=1,
                state=ResponseState.DRAFT,
                student_id=student.account_id,
                answer=Answer(text=""),
                answered_at=now,
                answer_until=now + timedelta(hours=1) + ANSWER_GRACE,
            )
        )


def _measure(stack: Stack, cast: Cast, attempt: str, bare: str, *, number: int) -> Price:
    group = "web" if attempt == "viva" else "bare"
    leaders = [leader for name, leader in stack.groups.items() if name.startswith(group)]
    students = cast.students[:WRITERS]
    plan = {
        "kind": "saves",
        "address": stack.address if attempt == "viva" else bare,
        "paths": [
            f"/api/attempts/viva/answers/{position}" if attempt == "viva" else f"/{response_id(attempt, position)}"
            for position in range(len(students))
        ],
        "students": [{"account_id": one.account_id, "cookies": one.cookies, "csrf": one.csrf} for one in students],
        "text": ANSWER,
        "epoch": number,
        "connections": CONNECTIONS,
        "for_ms": ROUND_S * 1000,
        "outcome": str(stack.folder / "saves.json"),
    }
    path = stack.folder / "saves_plan.json"
    path.write_text(json.dumps(plan))
    before = sum(cost_of(leader).cpu_s for leader in leaders)
    generate(path)
    spent = sum(cost_of(leader).cpu_s for leader in leaders) - before
    outcome = json.loads((stack.folder / "saves.json").read_text())
    if outcome["failures"]:
        raise RuntimeError(f"saves to {group} failed: {outcome['failures']}")
    times = outcome["times"]["save"]
    return Price(cpu_ms=spent * 1000 / times["count"], p50_ms=times["p50"], saves=times["count"])


def _median(prices: list[Price]) -> Price:
    return Price(
        cpu_ms=statistics.median(price.cpu_ms for price in prices),
        p50_ms=statistics.median(price.p50_ms for price in prices),
        saves=sum(price.saves for price in prices),
    )
