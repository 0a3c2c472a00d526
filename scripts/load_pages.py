"""`make load-pages`: how fast pages answer while two batches of 30 students' tests are being scored.

Needs a running Viva (`make up`). Sits tests of demonstration students through the use cases, so that the workers have a
queue, then asks an admin's pages over HTTP, one after the other, and prints the times. Ends with 1 when the p99 of all
pages is above 500 ms.
"""

import argparse
import http.cookiejar
import json
import logging
import statistics
import sys
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from datetime import timedelta

import structlog

from backend.adapters.voices import find_voice
from backend.features.attempts.responses import WAITING
from backend.wiring import Services, build_services
from config.settings import load_settings
from scripts.demo.campus import PLANS, DemoBatch, SignIn, build_campus, renew_password, superadmin_of
from scripts.demo.sittings import Plan, Stage
from scripts.demo.speaking import Speaking

MOST_P99_MS = 500.0
THINK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Times of requests in milliseconds."""

    times_ms: tuple[float, ...]
    waiting_before: int
    waiting_after: int

    @property
    def p50_ms(self) -> float:
        return statistics.median(self.times_ms)

    @property
    def p99_ms(self) -> float:
        return sorted(self.times_ms)[max(0, int(len(self.times_ms) * 0.99) - 1)]


def main() -> int:
    arguments = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    services = build_services(load_settings())
    superadmin, _ = superadmin_of(services)
    batches, admin = build_campus(services, superadmin, PLANS[0])
    deliveries = fill_queue(services, batches[:2], students=arguments.students, format_id=arguments.format)
    paths = ["/", "/tests", "/batches", "/items", f"/batches/{batches[0].batch.id}"]
    paths += [f"/tests/{delivery_id}{page}" for delivery_id in deliveries for page in ("", "/results", "/unscored")]
    figures = measure(services, renew_password(services, admin, "admin"), paths, deliveries, seconds=arguments.seconds)
    print(
        f"{len(figures.times_ms)} pages: p50 {figures.p50_ms:.0f} ms, p99 {figures.p99_ms:.0f} ms, "
        f"longest {max(figures.times_ms):.0f} ms; answers waiting for a score: {figures.waiting_before} at the "
        f"beginning, {figures.waiting_after} at the end"
    )
    return 0 if figures.p99_ms <= MOST_P99_MS else 1


def fill_queue(services: Services, batches: list[DemoBatch], *, students: int, format_id: str) -> list[str]:
    """Sits a test with the first `students` of each batch; the ids of the deliveries."""
    stage = Stage(services, Speaking(find_voice(caches=(services.settings.viva_data / "cache" / "demo",))))
    made = []
    for batch in batches:
        title = f"Load {services.now():%H:%M:%S}"
        plan = Plan(title=title, format_id=format_id, opens_in=timedelta(hours=-1), closes_in=timedelta(hours=3))
        delivery, _ = stage.schedule(batch, plan)
        keys = stage.answer_keys([services.papers.get(form_id) for form_id in delivery.form_ids])
        for number, student in enumerate(batch.students[:students], start=1):
            stage.sit_all(delivery, student, keys)
            print(f"  {batch.batch.name}: {number} of {students} have handed in", flush=True)
        made.append(delivery.id)
    return made


def measure(services: Services, who: SignIn, paths: list[str], deliveries: list[str], *, seconds: float) -> Figures:
    """Asks the pages in turn for `seconds`."""
    opener = _signed_in(services.settings.public_url, who)
    for path in paths:
        _time_ms(opener, services.settings.public_url + path)  # not counted: the first of each compiles its template
    before, times, deadline = _waiting(services, deliveries), [], time.monotonic() + seconds
    while time.monotonic() < deadline:
        for path in paths:
            times.append(_time_ms(opener, services.settings.public_url + path))
            time.sleep(THINK_S)
    return Figures(times_ms=tuple(times), waiting_before=before, waiting_after=_waiting(services, deliveries))


def _signed_in(address: str, who: SignIn) -> urllib.request.OpenerDirector:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    body = json.dumps({"login": who.login, "password": who.password}).encode()
    request = urllib.request.Request(  # noqa: S310 - our own address
        urllib.parse.urljoin(address, "/api/session"), data=body, headers={"Content-Type": "application/json"}
    )
    with opener.open(request, timeout=30) as reply:
        reply.read()
    return opener


def _time_ms(opener: urllib.request.OpenerDirector, url: str) -> float:
    began = time.perf_counter()
    with opener.open(url, timeout=30) as reply:
        reply.read()
    return (time.perf_counter() - began) * 1000


def _waiting(services: Services, deliveries: list[str]) -> int:
    counts = [services.responses.count_by_delivery(delivery_id) for delivery_id in deliveries]
    return sum(
        number
        for by_attempt in counts
        for states in by_attempt.values()
        for state, number in states.items()
        if state in WAITING
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=30, help="of each of two batches")
    parser.add_argument("--format", default="versant_style_short")
    parser.add_argument("--seconds", type=float, default=60)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
