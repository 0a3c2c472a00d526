"""What must hold on the real processes, whatever dies: an acknowledged recording is kept, and it is scored."""

import hashlib

import pytest

from backend.features.attempts.responses import ResponseState, response_id
from backend.wiring import Services
from scripts.demo.campus import renew_password
from scripts.load_pages import MOST_P99_MS, fill_queue, measure
from tests.browser.sitting import Sitting, open_test, own_campus
from tests.support.live import LiveProduct
from tests.support.sittings import VOICE, Candidate

# A dead scorer's claim ends within 45 s; the real engine then loads its models, beside whatever else runs here.
SCORED_WITHIN_S = 300
SCORED_POSITION = 1  # the item at 0 is for practice
# One after the other is what `make faults` does, of which tests/faults has a short version.
EVERYTHING = ("database", "objects", "queue", "web", "scorer", "worker")


@pytest.fixture
def sitting(services: Services) -> Sitting:
    return open_test(services, "Must hold")


def test_an_acknowledged_recording_survives_kill_9_of_everything_and_is_scored(
    live: LiveProduct, services: Services, sitting: Sitting
) -> None:
    asha = Candidate(live, sitting.login.login, sitting.login.password)
    attempt = asha.begin(sitting.delivery_id)
    for position in range(SCORED_POSITION + 1):
        assert asha.open_item(attempt, position).status == 200
        recording = asha.record(attempt, position)
        if position < SCORED_POSITION:
            assert asha.close_item(attempt, position).status == 200
    for name in EVERYTHING:
        live.kill(name)

    live.wait_until(lambda: live.answers("/readyz"), within_s=300, what="the product is back")
    stored = services.responses.find(response_id(attempt, SCORED_POSITION))
    assert stored is not None, "an acknowledged answer was lost"
    kept = next(each for each in stored.recordings if each.recording_id == recording)
    sent = VOICE.read_bytes()
    assert hashlib.sha256(services.blobs.get(kept.blob_key)).hexdigest() == hashlib.sha256(sent).hexdigest()

    def dealt_with() -> bool:
        response = services.responses.find(response_id(attempt, SCORED_POSITION))
        return response is not None and response.state in (ResponseState.SCORED, ResponseState.FAILED)

    live.wait_until(dealt_with, within_s=SCORED_WITHIN_S, what="the answer was scored")
    after = services.responses.find(response_id(attempt, SCORED_POSITION))
    assert after is not None
    assert after.score is not None, "dealt with means: a score, or a verdict that a person is needed, never nothing"


def test_pages_stay_quick_while_two_batches_are_being_scored(services: Services, report) -> None:
    """The short version of `make load-pages`: a student of each batch, for a few seconds. What else runs here takes its
    part of the machine, so the longest times are reported; what is asserted is the usual one."""
    batches, admin = own_campus(services, batches=2)
    deliveries = fill_queue(services, batches, students=1, format_id="short_journey")
    paths = ["/", "/tests", "/batches", f"/tests/{deliveries[0]}", f"/tests/{deliveries[1]}/results"]
    figures = measure(services, renew_password(services, admin, "admin"), paths, deliveries, seconds=8)
    assert figures.waiting_before > 0, "nothing was being scored: this showed nothing"
    report("pages while two batches are scored, p99 (0.5 s is the goal)", figures.p99_ms / 1000)
    assert figures.p50_ms < MOST_P99_MS
