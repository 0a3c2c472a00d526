"""A process that dies at any step of storing a recording loses nothing: sending again, or the sweep, completes it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.core.errors import TemporaryFailure
from backend.features.attempts import model, usecases
from backend.features.attempts.recordings import usecases as usecases_of_recordings
from backend.features.attempts.recordings.incoming import forget_uploads_of
from backend.features.attempts.recordings.usecases import Shelves
from backend.features.attempts.responses import ResponseState
from backend.features.ratings.tasks import desk_of
from backend.features.ratings.usecases import sweep
from tests.support.exam import OPENS, WEBM, furnish, make_move, make_upload, shelves_of
from tests.support.services_memory import build_memory_services

# Every call that reaches outside, in order: (port, method). A small recording is one object and one document.
WHOLE = [("blobs", "put"), ("responses", "add"), ("jobs", "enqueue")]
# The second and last part of a recording.
LAST_PART = [
    ("uploads", "find"),
    ("blobs", "get"),
    *WHOLE,
    ("uploads", "remove"),
    ("blobs", "delete"),
]
FIRST_PART = [("uploads", "find"), ("blobs", "put"), ("uploads", "add")]
CUT = 500


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
        attempt=entered,
        delivery=delivery,
        paper=paper,
        deliveries=services.deliveries,
        attempts=services.attempts,
        now=OPENS,
    )
    moves = [make_move("open", 0)]
    return usecases.make_moves(attempt=begun, moves=moves, paper=paper, attempts=services.attempts, now=OPENS)


def send(services, attempt, *, offset=0, until=None, ports=None, upload=None, at=OPENS):
    return usecases_of_recordings.receive(
        attempt=attempt,
        announced=upload or make_upload(attempt),
        offset=offset,
        data=WEBM[offset:until],
        paper=services.papers.get(attempt.form_id),
        shelves=ports or shelves_of(services),
        now=at,
    )


def fragile(services, die_at, when):
    calls: list[tuple[str, str]] = []
    ports = {
        name: Fragile(getattr(services, name), name, calls, die_at, when)
        for name in ("responses", "late_answers", "uploads", "blobs", "jobs")
    }
    return Shelves(**ports), calls


def check_stored(services, attempt):
    upload = make_upload(attempt)
    response = services.responses.find(f"{attempt.id}:0")
    assert [recording.sha256 for recording in response.recordings] == [upload.sha256]
    assert services.blobs.get(upload.blob_key) == WEBM
    assert response.state is ResponseState.QUEUED


def test_a_small_recording_is_one_object_one_document_and_one_job(services, attempt):
    ports, calls = fragile(services, die_at=-1, when="before")
    send(services, attempt, ports=ports)
    assert calls == WHOLE


def test_the_steps_in_parts_are_these(services, attempt):
    ports, calls = fragile(services, die_at=-1, when="before")
    send(services, attempt, until=CUT, ports=ports)
    send(services, attempt, offset=CUT, ports=ports)
    assert calls == FIRST_PART + LAST_PART


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(len(WHOLE)))
def test_dying_at_any_step_and_sending_again(services, attempt, step, when):
    ports, _ = fragile(services, die_at=step, when=when)
    with pytest.raises(Died):
        send(services, attempt, ports=ports)
    assert send(services, attempt).is_stored
    check_stored(services, attempt)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(len(FIRST_PART)))
def test_dying_with_a_first_part_and_going_on_where_the_server_says(services, attempt, step, when):
    ports, _ = fragile(services, die_at=step, when=when)
    with pytest.raises(Died):
        send(services, attempt, until=CUT, ports=ports)
    found = usecases_of_recordings.find_receipt(
        attempt=attempt, recording_id="rec-00000001", shelves=shelves_of(services)
    )
    assert found.offset in (0, CUT)
    assert send(services, attempt, offset=found.offset).is_stored
    check_stored(services, attempt)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(len(LAST_PART)))
def test_dying_with_the_last_part_and_sending_it_again(services, attempt, step, when):
    send(services, attempt, until=CUT)
    ports, _ = fragile(services, die_at=step, when=when)
    with pytest.raises(Died):
        send(services, attempt, offset=CUT, ports=ports)
    assert send(services, attempt, offset=CUT).is_stored
    check_stored(services, attempt)
    forget_uploads_of(attempt_id=attempt.id, uploads=services.uploads, blobs=services.blobs)
    assert not services.uploads.list_by_attempt(attempt.id)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(len(WHOLE)))
def test_what_was_written_is_scored_even_if_nobody_asks_again(services, attempt, step, when):
    ports, _ = fragile(services, die_at=step, when=when)
    with pytest.raises(Died):
        send(services, attempt, ports=ports)
    services.jobs.take()
    sweep(desk=desk_of(services), now=OPENS + timedelta(seconds=15))
    written = services.responses.find(f"{attempt.id}:0") is not None
    assert written == (step > 1 or (step == 1 and when == "after"))
    assert services.jobs.take() == ([("ratings.score_response", (f"{attempt.id}:0",))] if written else [])


def test_a_queue_that_is_down_does_not_refuse_the_recording(services, attempt):
    class Down:
        def enqueue(self, *_args, **_kwargs):
            raise TemporaryFailure("queue_unreachable")

        def waiting(self, _job):
            return 0

    assert send(services, attempt, ports=replace(shelves_of(services), jobs=Down())).is_stored
    check_stored(services, attempt)


def test_a_recording_that_comes_after_the_result_is_kept_and_nothing_moves(services, attempt):
    send(services, attempt)
    over = model.expired(services.attempts.find(attempt.id), at=attempt.deadline_at)
    settled = replace(model.settled(over, at=attempt.deadline_at), revision=over.revision + 1)
    before = services.responses.find(f"{attempt.id}:0")
    late = make_upload(attempt, recording_id="rec-late-one", segment=1)
    send(services, settled, upload=late, at=attempt.deadline_at)
    after = services.responses.find(f"{attempt.id}:0")
    assert len(after.recordings) == 2
    assert after.state is before.state
