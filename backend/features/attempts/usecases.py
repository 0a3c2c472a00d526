"""What a candidate does: enter, begin, move through the items. What is handed in: `recordings`, `answers`.

Each of these may be sent again at any time, after a reload or a lost reply, and then changes nothing more. What two
requests do at once is decided by the revision in storage: one of them wins, the other reads again.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from backend.core.errors import AdapterError, Conflict, PermanentFailure, TemporaryFailure
from backend.core.ids import IdSource
from backend.core.ports import Blobs, Feed, Presence, PresenceMark
from backend.features.assessments.conditions import IdentityRule
from backend.features.assessments.model import Delivery, DeliveryState, Phase
from backend.features.assessments.repository import Deliveries
from backend.features.attempts import model
from backend.features.attempts import responses as rules
from backend.features.attempts.engine.moves import Move, moved
from backend.features.attempts.engine.pauses import paused, up_to_now
from backend.features.attempts.model import USUAL, Attempt, AttemptState, Conditions
from backend.features.attempts.monitor import announce_presence
from backend.features.attempts.paper import Paper
from backend.features.attempts.recordings.incoming import forget_uploads_of
from backend.features.attempts.repository import Attempts, Oversight, Uploads
from backend.features.attempts.responses import Response, ResponseState

SCORE_RESPONSE = "ratings.score_response"
REVIEW_ATTEMPT = "ratings.review_attempt"
_RACES = 8

log = structlog.get_logger()


# -- entering and beginning ------------------------------------------------------------------------------------------


def enter_attempt(
    *,
    delivery: Delivery,
    student_id: str,
    attempts: Attempts,
    now: datetime,
    new_id: IdSource,
    client_id: str | None = None,
    conditions: Conditions = USUAL,
) -> Attempt:
    """The student's attempt to go on with, or a new one in state checking; the page `client_id` holds its lease.

    Refused: `delivery_not_open` (nothing to go on with and the test cannot be entered), `attempts_used_up`.
    """
    for _ in range(_RACES):
        mine = [
            refresh(attempt, attempts=attempts, now=now)
            for attempt in attempts.list_by_student(delivery.id, student_id)
        ]
        running = _find_resumable(mine, delivery, now)
        if running is not None:
            return take_lease(running, client_id, conditions=conditions, attempts=attempts)
        fresh = _new_attempt(mine, delivery, student_id, now, new_id)
        attempt = replace(fresh, client_id=client_id, epoch=0 if client_id is None else 1, conditions=conditions)
        try:
            attempts.add(attempt)
        except Conflict:
            continue
        log.info("attempt_entered", attempt_id=attempt.id, delivery_id=delivery.id, number=attempt.number)
        return attempt
    raise TemporaryFailure("attempt_contended")


def take_lease(attempt: Attempt, client_id: str | None, *, conditions: Conditions, attempts: Attempts) -> Attempt:
    """The attempt held by that page; an older page's calls are refused from now on."""

    def step(seen: Attempt) -> Attempt:
        shown = model.prepared(seen, conditions)
        return shown if client_id is None else model.leased(shown, client_id)

    return change(attempt.id, step, attempts=attempts, first=attempt)


def _find_resumable(mine: list[Attempt], delivery: Delivery, now: datetime) -> Attempt | None:
    for attempt in mine:
        if attempt.is_running:
            return attempt
        if attempt.state is AttemptState.CHECKING and delivery.lets_check(now):
            return attempt
    return None


def _new_attempt(mine: list[Attempt], delivery: Delivery, student_id: str, now: datetime, new_id: IdSource) -> Attempt:
    used = sum(1 for attempt in mine if attempt.state is not AttemptState.VOIDED)
    if used >= delivery.attempts_allowed:
        raise Conflict("attempts_used_up", "You have used all attempts at this test.")
    if not delivery.lets_check(now):
        raise _delivery_not_open(delivery, now)
    return Attempt(
        id=new_id(),
        delivery_id=delivery.id,
        campus_id=delivery.campus_id,
        student_id=student_id,
        number=len(mine) + 1,
        form_id=choose_form(delivery, student_id, number=len(mine) + 1),
        state=AttemptState.CHECKING,
        created_at=now,
    )


def _check_may_begin(delivery: Delivery, now: datetime) -> None:
    if delivery.state is DeliveryState.CANCELLED:
        raise _delivery_not_open(delivery, now)
    if delivery.held_at is not None:
        raise Conflict("delivery_not_open", "The test is paused for everybody. Press again when it goes on.")


def _delivery_not_open(delivery: Delivery, now: datetime) -> Conflict:
    texts = {
        Phase.UPCOMING: "This test has not opened yet.",
        Phase.CLOSED: "This test is closed.",
        Phase.CANCELLED: "This test was cancelled.",
        Phase.OPEN: "This test is not open.",
    }
    return Conflict("delivery_not_open", texts[delivery.phase(now)])


def choose_form(delivery: Delivery, student_id: str, *, number: int) -> str:
    """The parallel form of a student's n-th attempt: half of the students begin with each, then they take turns."""
    digest = hashlib.sha256(f"{delivery.id}:{student_id}".encode()).digest()
    return delivery.form_ids[(digest[0] + number - 1) % len(delivery.form_ids)]


def store_check(*, attempt: Attempt, outcomes: Mapping[str, str], attempts: Attempts, now: datetime) -> Attempt:
    """Keeps the outcome of the device check."""
    fresh = refresh(attempt, attempts=attempts, now=now)
    return change(attempt.id, lambda seen: model.checked(seen, outcomes), attempts=attempts, first=fresh)


def check_identified(*, attempt: Attempt, delivery: Delivery, oversight: Oversight) -> None:
    """Refuses to begin before somebody has checked who the candidate is, where the delivery asks for it."""
    if delivery.conditions.identity_check is IdentityRule.NONE or attempt.state is not AttemptState.CHECKING:
        return
    if not oversight.is_identity_checked(delivery.id, attempt.student_id):
        raise Conflict(
            "identity_not_checked",
            "First the invigilator checks who you are. Show or say the code on your login card, then press again.",
        )


def begin_attempt(
    *,
    attempt: Attempt,
    delivery: Delivery,
    paper: Paper,
    attempts: Attempts,
    deliveries: Deliveries,
    now: datetime,
    conditions: Conditions | None = None,
) -> Attempt:
    """Starts the clock, once, under these conditions (None: those that were shown when the attempt was entered).

    Refused: `delivery_not_open`, `attempt_not_open`.
    """
    if attempt.state is AttemptState.CHECKING:
        _check_may_begin(delivery, now)

    def start(seen: Attempt) -> Attempt:
        return model.begun(
            seen,
            opens_at=delivery.opens_at,
            closes_at=delivery.closes_at,
            allowed=paper.allowed,
            at=now,
            conditions=conditions,
        )

    seen = refresh(attempt, attempts=attempts, now=now)
    after = change(attempt.id, start, attempts=attempts, first=seen)
    log.info("attempt_begun", attempt_id=after.id, delivery_id=after.delivery_id)
    return _paused_with_all(after, attempts=attempts, deliveries=deliveries, now=now)


def _paused_with_all(attempt: Attempt, *, attempts: Attempts, deliveries: Deliveries, now: datetime) -> Attempt:
    """A pause for everybody that came while this attempt was beginning may have missed it: then it is paused here."""
    seen = deliveries.find(attempt.delivery_id)
    if seen is None or seen.held_at is None or attempt.started_at != now:
        return attempt
    return change(attempt.id, lambda read: paused(read, at=now), attempts=attempts)


# -- items -----------------------------------------------------------------------------------------------------------


def make_moves(
    *,
    attempt: Attempt,
    moves: Sequence[Move],
    paper: Paper,
    attempts: Attempts,
    now: datetime,
    epoch: int | None = None,
) -> Attempt:
    """Opens and closes items, all of it in one write. Past the last item the attempt is submitted.

    Safe to repeat: what was made already is passed over. Refused as `moves.moved`, and `attempt_elsewhere` when another
    page took the lease before the write.
    """
    states = [attempt.state]

    def step(seen: Attempt) -> Attempt:
        model.check_lease(seen, epoch)
        states.append(seen.state)
        return moved(seen, moves, paper, now=now)

    first = refresh(attempt, attempts=attempts, now=now)
    after = change(attempt.id, step, attempts=attempts, first=first)
    if after.state is AttemptState.SUBMITTED and states[-1] is not AttemptState.SUBMITTED:
        log.info("attempt_submitted", attempt_id=after.id, delivery_id=after.delivery_id)
    return after


def refresh(attempt: Attempt, *, attempts: Attempts, now: datetime) -> Attempt:
    """The attempt, with what the clock alone has done since: expired, or its break ended."""
    if not attempt.is_due(now):
        return attempt
    return catch_up(attempt_id=attempt.id, attempts=attempts, now=now)


def catch_up(*, attempt_id: str, attempts: Attempts, now: datetime, first: Attempt | None = None) -> Attempt:
    """Ends the attempt when its deadline has passed, and a break that was used up; exactly once however many ask.

    `first` is what the caller has just read.
    """
    after = change(attempt_id, lambda seen: up_to_now(seen, now=now), attempts=attempts, first=first)
    if after.state is AttemptState.EXPIRED and after.due_at == now:
        log.info("attempt_expired", attempt_id=attempt_id, delivery_id=after.delivery_id)
    return after


def settle_attempt(*, attempt_id: str, attempts: Attempts, uploads: Uploads, blobs: Blobs, now: datetime) -> Attempt:
    """To be called once the result is stored: nothing waits for this attempt any more. Safe to repeat."""
    after = change(attempt_id, lambda seen: model.settled(seen, at=now), attempts=attempts)
    forget_uploads_of(attempt_id=attempt_id, uploads=uploads, blobs=blobs)
    return after


def change(
    attempt_id: str, step: Callable[[Attempt], Attempt], *, attempts: Attempts, first: Attempt | None = None
) -> Attempt:
    """The attempt after `step`, written over exactly what `step` saw; a step that changes nothing writes nothing.

    `first` is what the caller has just read: a read less, and no risk, because only its revision is written over.
    """
    seen = first
    for _ in range(_RACES):
        seen = seen or attempts.find(attempt_id)
        if seen is None:
            raise PermanentFailure("attempt_missing")
        after = step(seen)
        if after is seen or attempts.save(after, seen=seen):
            return after
        seen = None
    raise TemporaryFailure("attempt_contended")


def note_presence(*, attempt: Attempt, mark: PresenceMark, presence: Presence, feed: Feed, now: datetime) -> None:
    """Keeps what the client said of itself and tells those who watch. Best effort: an exam never waits for it."""
    try:
        presence.mark(attempt.id, mark)
    except AdapterError as failure:
        log.warning("presence_not_kept", attempt_id=attempt.id, reason=failure.reason)
    announce_presence(attempt, mark, feed=feed, now=now)


def fresh_response(attempt: Attempt, position: int, paper: Paper) -> Response:
    """The response to an item before any recording."""
    item = paper.get_item(position)
    return Response(
        id=rules.response_id(attempt.id, position),
        attempt_id=attempt.id,
        campus_id=attempt.campus_id,
        delivery_id=attempt.delivery_id,
        position=position,
        task=item.task,
        item_id=item.item_id,
        item_version=item.item_version,
        state=ResponseState.PRACTICE if item.practice else ResponseState.QUEUED,
    )
