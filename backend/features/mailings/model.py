"""A mailing, and its dispatches: one mail to one student about one result.

    queued -> claimed -> sent
                      -> queued      a passing failure; the provider's quota; a worker that died before sending
                      -> failed      never left, and will not (`permanent`), or gave up after MAX_TRIES
                      -> unknown     may have gone: the worker died, or the connection broke, while sending, and it
                                     cannot be repeated: the provider no longer recognises it, or it is refused now
    failed  -> queued    "send again", for all that failed
    unknown -> queued    a person decides, for one mail, that a second copy is better than none
    unknown -> sent      the lost reply came after all, or a person found the mail in the provider's log

A claim lasts until its lease ends. `first_sent_at` is the moment from which the provider may have the message under the
present key; it is written *before* the message leaves. Within the time that the provider remembers keys, sending again
with the same key is safe; after it nobody sends blindly.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backend.core.errors import Conflict

RESULTS_READY = "results_ready"
MAX_TRIES = 6
# Longer than a provider may take to answer; a dead worker's mail goes on within a minute, sweep included.
LEASE = timedelta(seconds=40)
# Repeats stop this much before the provider forgets the key: clocks differ, and a request takes its time.
KEY_MARGIN = timedelta(minutes=3)
_LONGEST_PAUSE = timedelta(minutes=30)


class DispatchState(StrEnum):
    QUEUED = "queued"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class MailingState(StrEnum):
    PREPARING = "preparing"
    PREPARED = "prepared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """`result_ids` is the plan, written first: the sweep completes dispatches that a crash left unwritten."""

    id: str
    kind: str
    delivery_id: str
    campus_id: str
    result_ids: tuple[str, ...]
    state: MailingState
    created_by: str
    created_at: datetime
    paused_until: datetime | None = None
    pause_reason: str | None = None
    pauses: int = 0
    revision: int = 0

    def is_paused(self, at: datetime) -> bool:
        return self.paused_until is not None and at < self.paused_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Holds no address: that is read when the message is built, so that a corrected one is used. `sent_to` only tells
    whether the one known now is the one that the present key was first used for.

    `id` is made of kind and result: a result is mailed once, whatever is pressed twice. `copy` counts the keys: it
    rises only when a person sends again.
    """

    id: str
    mailing_id: str
    campus_id: str
    delivery_id: str
    result_id: str
    student_id: str
    state: DispatchState
    created_at: datetime
    copy: int = 1
    tries: int = 0
    not_before: datetime | None = None
    lease_until: datetime | None = None
    first_sent_at: datetime | None = None
    sent_to: str | None = None
    sent_at: datetime | None = None
    message_id: str | None = None
    permanent: bool | None = None
    reason: str | None = None
    revision: int = 0

    @property
    def idempotency_key(self) -> str:
        return f"{self.id}:{self.copy}"


def dispatch_id(kind: str, result_id: str) -> str:
    return f"{kind}:{result_id}"


def fresh_dispatch(mailing: Mailing, result_id: str, student_id: str, *, at: datetime) -> Dispatch:
    return Dispatch(
        id=dispatch_id(mailing.kind, result_id),
        mailing_id=mailing.id,
        campus_id=mailing.campus_id,
        delivery_id=mailing.delivery_id,
        result_id=result_id,
        student_id=student_id,
        state=DispatchState.QUEUED,
        created_at=at,
        not_before=at,
    )


# -- on the way --------------------------------------------------------------------------------------------------------


def claimed(dispatch: Dispatch, *, at: datetime) -> Dispatch | None:
    """Claimed by a worker until its lease ends; None when there is nothing to claim now."""
    if dispatch.state is not DispatchState.QUEUED or (dispatch.not_before is not None and at < dispatch.not_before):
        return None
    return _changed(
        dispatch, state=DispatchState.CLAIMED, tries=dispatch.tries + 1, lease_until=at + LEASE, not_before=None
    )


def may_repeat(dispatch: Dispatch, *, key_lifetime: timedelta, at: datetime) -> bool:
    """Whether sending now cannot make a second mail: it never left, or the provider still knows the key."""
    return dispatch.first_sent_at is None or at < dispatch.first_sent_at + key_lifetime - KEY_MARGIN


def sending(dispatch: Dispatch, *, address: str, at: datetime) -> Dispatch:
    """About to leave: from now on the provider may have it."""
    if dispatch.first_sent_at is not None:
        return _changed(dispatch, lease_until=at + LEASE)
    return _changed(dispatch, first_sent_at=at, sent_to=_mark_of(dispatch, address), lease_until=at + LEASE)


def went_elsewhere(dispatch: Dispatch, address: str | None) -> bool:
    """Whether it went, or may have gone, to another address than this one. Not known of those sent long ago: False."""
    if dispatch.sent_to is None or dispatch.state not in (DispatchState.SENT, DispatchState.UNKNOWN):
        return False
    return dispatch.sent_to != _mark_of(dispatch, address or "")


def _mark_of(dispatch: Dispatch, address: str) -> str:
    return hashlib.sha256(f"{dispatch.id}\n{address.casefold()}".encode()).hexdigest()[:16]


def sent(dispatch: Dispatch, *, message_id: str, at: datetime) -> Dispatch:
    return _changed(
        dispatch,
        state=DispatchState.SENT,
        sent_at=at,
        message_id=message_id,
        permanent=None,
        reason=None,
        lease_until=None,
        not_before=None,
    )


def refused(dispatch: Dispatch, *, reason: str, since: datetime | None) -> Dispatch:
    """It will never go as it is. `since` is what `first_sent_at` was before this try: where an earlier one may have got
    through, its outcome and its reason stay the question."""
    if since is not None:
        return unknown(replace(dispatch, first_sent_at=since), reason=dispatch.reason or "interrupted")
    return failed(dispatch, reason=reason, permanent=True)


def failed(dispatch: Dispatch, *, reason: str, permanent: bool) -> Dispatch:
    """It did not go, and will not by itself."""
    return _changed(
        dispatch, state=DispatchState.FAILED, reason=reason, permanent=permanent, lease_until=None, not_before=None
    )


def unknown(dispatch: Dispatch, *, reason: str) -> Dispatch:
    """It may have gone; nobody sends it again without a person's decision."""
    return _changed(dispatch, state=DispatchState.UNKNOWN, reason=reason, lease_until=None, not_before=None)


def put_back(dispatch: Dispatch, *, reason: str, since: datetime | None, wait: timedelta, at: datetime) -> Dispatch:
    """Queued again after a failure in which it surely did not go; given up after MAX_TRIES.

    `since` is what `first_sent_at` was before this try: an earlier one may have got through.
    """
    back = replace(dispatch, first_sent_at=since)
    if dispatch.tries >= MAX_TRIES:
        return unknown(back, reason=reason) if since is not None else failed(back, reason=reason, permanent=False)
    return _queued(back, reason=reason, not_before=at + wait)


def left_open(dispatch: Dispatch, *, reason: str, key_lifetime: timedelta, wait: timedelta, at: datetime) -> Dispatch:
    """Nobody knows whether it went: queued again with the same key while the provider will know it, else unknown."""
    if not may_repeat(dispatch, key_lifetime=key_lifetime, at=at + wait) or dispatch.tries >= MAX_TRIES:
        return unknown(dispatch, reason=reason)
    return _queued(dispatch, reason=reason, not_before=at + wait)


def held_back(dispatch: Dispatch, *, since: datetime | None, until: datetime) -> Dispatch:
    """Queued again, this try uncounted: the provider takes nothing from anybody for now."""
    return replace(
        _queued(dispatch, reason=None, not_before=until), tries=max(0, dispatch.tries - 1), first_sent_at=since
    )


def deferred(dispatch: Dispatch, *, until: datetime) -> Dispatch:
    """Waits as its mailing does."""
    return _changed(dispatch, not_before=until)


def abandoned(dispatch: Dispatch, *, key_lifetime: timedelta, at: datetime) -> Dispatch:
    """After its worker died: queued again where that is safe, MAX_TRIES times; then failed if it never left, else
    unknown."""
    if dispatch.tries < MAX_TRIES and may_repeat(dispatch, key_lifetime=key_lifetime, at=at):
        return _queued(dispatch, reason="interrupted", not_before=at)
    if dispatch.first_sent_at is None:
        return failed(dispatch, reason="not_made", permanent=False)
    return unknown(dispatch, reason="interrupted")


def backoff(tries: int) -> timedelta:
    """How long to wait after the n-th try: 30 s, 2 min, 8 min, 32 min, then an hour."""
    return min(timedelta(seconds=30 * 4 ** max(0, tries - 1)), timedelta(hours=1))


# -- decisions of people -----------------------------------------------------------------------------------------------


def sent_again(dispatch: Dispatch, *, at: datetime) -> Dispatch:
    """A failed one queued again, under a new key. Refused for any other: Conflict("not_failed")."""
    if dispatch.state is not DispatchState.FAILED:
        raise Conflict("not_failed", "Only what failed can be sent again.")
    return _another_copy(dispatch, at=at)


def risked_again(dispatch: Dispatch, *, at: datetime) -> Dispatch:
    """One of unknown outcome queued again, under a new key: a person prefers a possible second copy."""
    if dispatch.state is not DispatchState.UNKNOWN:
        raise Conflict("not_unknown", "This mail's outcome is known.")
    return _another_copy(dispatch, at=at)


def found_sent(dispatch: Dispatch, *, at: datetime) -> Dispatch:
    """A person found in the provider's log that it went."""
    if dispatch.state is not DispatchState.UNKNOWN:
        raise Conflict("not_unknown", "This mail's outcome is known.")
    return sent(dispatch, message_id="found-by-a-person", at=at)


def _another_copy(dispatch: Dispatch, *, at: datetime) -> Dispatch:
    fresh = _queued(dispatch, reason=None, not_before=at)
    return replace(fresh, copy=dispatch.copy + 1, tries=0, first_sent_at=None, permanent=None)


def _queued(dispatch: Dispatch, *, reason: str | None, not_before: datetime) -> Dispatch:
    return _changed(dispatch, state=DispatchState.QUEUED, reason=reason, not_before=not_before, lease_until=None)


def _changed(dispatch: Dispatch, **changes: object) -> Dispatch:
    return replace(dispatch, revision=dispatch.revision + 1, **changes)  # type: ignore[arg-type] # the callers' names


# -- the mailing -------------------------------------------------------------------------------------------------------


def prepared(mailing: Mailing) -> Mailing:
    return replace(mailing, state=MailingState.PREPARED, revision=mailing.revision + 1)


def paused(mailing: Mailing, *, reason: str, retry_after_s: float | None, at: datetime) -> Mailing:
    """Everything waits: as long as the provider said, else 1, 2, 4 ... minutes, at most half an hour."""
    wait = timedelta(seconds=retry_after_s) if retry_after_s else timedelta(minutes=2 ** min(mailing.pauses, 5))
    until = at + min(max(wait, timedelta(seconds=5)), _LONGEST_PAUSE)
    return replace(
        mailing, paused_until=until, pause_reason=reason, pauses=mailing.pauses + 1, revision=mailing.revision + 1
    )


def resumed(mailing: Mailing) -> Mailing:
    """The provider takes mail again."""
    if mailing.paused_until is None and mailing.pauses == 0:
        return mailing
    return replace(mailing, paused_until=None, pause_reason=None, pauses=0, revision=mailing.revision + 1)
