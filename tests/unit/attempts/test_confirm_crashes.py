"""A process that dies at any step of confirming loses nothing: asking again, or the sweep, completes it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.core.errors import TemporaryFailure
from backend.features.attempts import model, usecases
from backend.features.attempts.responses import ResponseState, Upload
from backend.features.ratings.tasks import desk_of
from backend.features.ratings.usecases import sweep
from tests.support.exam import OPENS, WEBM, announce, furnish
from tests.support.services_memory import build_memory_services

# Every call of confirming that reaches outside, in order: (port, method).
STEPS = [
    ("uploads", "find"),
    ("responses", "find"),
    ("blobs", "find"),
    ("blobs", "get"),
    ("blobs", "put"),
    ("responses", "find"),
    ("responses", "add"),
    ("jobs", "enqueue"),
    ("blobs", "delete"),
]


class Died(BaseException):
    """kill -9: nothing catches it."""


class Fragile:
    """A port whose process dies at one call: before the call has happened, or just after."""

    def __init__(self, inner, port, calls, die_at, when):
        self._inner, self._port, self._calls, self._die_at, self._when = inner, port, calls, die_at, when

    def __getattr__(self, name):
        method = getattr(self._inner, name)

        def call(*args, **kwargs):
            number = len(self._calls)
            self._calls.append((self._port, name))
            if number == self._die_at and self._when == "before":
                raise Died
            outcome = method(*args, **kwargs)
            if number == self._die_at:
                raise Died
            return outcome

        return call


@pytest.fixture
def services():
    return furnish(build_memory_services())


@pytest.fixture
def attempt(services):
    delivery = services.deliveries.find("delivery")
    entered = usecases.enter_attempt(
        delivery=delivery, student_id="asha", attempts=services.attempts, now=OPENS, new_id=services.new_id
    )
    paper = services.papers.get(entered.form_id)
    begun = usecases.begin_attempt(
        attempt=entered, delivery=delivery, paper=paper, attempts=services.attempts, now=OPENS
    )
    return usecases.open_item(attempt=begun, position=0, paper=paper, attempts=services.attempts, now=OPENS)


@pytest.fixture
def upload(services, attempt):
    announced = Upload(attempt_id=attempt.id, campus_id="north", registered_at=OPENS, **announce())
    registration = usecases.register_recording(
        attempt=attempt,
        announced=announced,
        paper=services.papers.get(attempt.form_id),
        attempts=services.attempts,
        responses=services.responses,
        uploads=services.uploads,
        blobs=services.blobs,
        now=OPENS,
    )
    assert services.blobs.receive(registration.upload.url, WEBM, registration.upload.headers, at=OPENS)
    return announced


def confirm(services, attempt, ports=None):
    found = ports or {name: getattr(services, name) for name in ("responses", "uploads", "blobs", "jobs")}
    return usecases.confirm_recording(
        attempt=attempt,
        recording_id="rec-00000001",
        paper=services.papers.get(attempt.form_id),
        now=OPENS,
        **found,
    )


def fragile(services, die_at, when):
    calls: list[tuple[str, str]] = []
    ports = {
        name: Fragile(getattr(services, name), name, calls, die_at, when)
        for name in ("responses", "uploads", "blobs", "jobs")
    }
    return ports, calls


def test_the_steps_are_these(services, attempt, upload):
    ports, calls = fragile(services, die_at=-1, when="before")
    confirm(services, attempt, ports)
    assert calls == STEPS


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(len(STEPS)))
def test_dying_at_any_step_and_asking_again(services, attempt, upload, step, when):
    ports, _ = fragile(services, die_at=step, when=when)
    with pytest.raises(Died):
        confirm(services, attempt, ports)
    response = confirm(services, attempt)
    assert [recording.sha256 for recording in response.recordings] == [upload.sha256]
    assert services.blobs.get(upload.blob_key) == WEBM
    assert services.responses.find(response.id).state is ResponseState.QUEUED


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(len(STEPS)))
def test_what_was_written_is_scored_even_if_nobody_asks_again(services, attempt, upload, step, when):
    ports, _ = fragile(services, die_at=step, when=when)
    with pytest.raises(Died):
        confirm(services, attempt, ports)
    services.jobs.take()
    sweep(desk=desk_of(services), now=OPENS + timedelta(seconds=15))
    written = services.responses.find(f"{attempt.id}:0") is not None
    assert written == (step > 6 or (step == 6 and when == "after"))
    assert services.jobs.take() == ([("ratings.score_response", (f"{attempt.id}:0",))] if written else [])


def test_a_queue_that_is_down_does_not_refuse_the_recording(services, attempt, upload):
    class Down:
        def enqueue(self, *_args, **_kwargs):
            raise TemporaryFailure("queue_unreachable")

    ports = {name: getattr(services, name) for name in ("responses", "uploads", "blobs")} | {"jobs": Down()}
    assert confirm(services, attempt, ports).state is ResponseState.QUEUED


def test_a_recording_that_comes_after_the_result_is_kept_and_nothing_moves(services, attempt, upload):
    confirm(services, attempt)
    over = model.expired(services.attempts.find(attempt.id), at=attempt.deadline_at)
    settled = replace(model.settled(over, at=attempt.deadline_at), revision=over.revision + 1)
    services.attempts.save(settled, seen_revision=attempt.revision)
    late = replace(upload, recording_id="rec-late-one", segment=1)
    services.uploads.add(late)
    services.blobs.put(late.incoming_key, WEBM, content_type=late.content_type)
    before = services.responses.find(f"{attempt.id}:0")
    response = usecases.confirm_recording(
        attempt=settled,
        recording_id="rec-late-one",
        paper=services.papers.get(attempt.form_id),
        responses=services.responses,
        uploads=services.uploads,
        blobs=services.blobs,
        jobs=services.jobs,
        now=attempt.deadline_at,
    )
    assert len(response.recordings) == 2
    assert response.state is before.state
