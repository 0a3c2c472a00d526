"""Mailing released results: planned once, sent one by one, every outcome recorded, never doubled by a crash."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from backend.core.actor import Actor
from backend.core.clock import Clock
from backend.core.errors import (
    Conflict,
    NotFound,
    OutcomeUnknown,
    OverQuota,
    PermanentFailure,
    TemporaryFailure,
)
from backend.core.ids import IdSource
from backend.core.jobs import hand_over
from backend.core.ports import Feed, Jobs, Mail, Mailer
from backend.features.audit import usecases as audit
from backend.features.audit.repository import AuditLog
from backend.features.mailings import messages, model
from backend.features.mailings.model import RESULTS_READY, Dispatch, DispatchState, Mailing, MailingState
from backend.features.mailings.progress import announce, announce_pause
from backend.features.mailings.repository import Dispatches, Mailings
from backend.features.reports.usecases import Reporting, campus_name, make_report
from backend.features.results.model import Result
from backend.features.results.repository import People, Releases, Results
from backend.features.results.usecases import get_released, is_superseded, list_released

SEND_DISPATCH = "mailings.send_dispatch"
SWEEP = "mailings.sweep"
SWEPT_AT_ONCE = 200
QUEUE_IS_SHORT = 20
_RACES = 8

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostOffice:
    """What mailings read, write and send with."""

    mailings: Mailings
    dispatches: Dispatches
    results: Results
    releases: Releases
    people: People
    reporting: Reporting
    mailer: Mailer
    feed: Feed
    jobs: Jobs
    audit_log: AuditLog


# -- planning ----------------------------------------------------------------------------------------------------------


def list_unmailed(delivery_id: str, *, office: PostOffice) -> Sequence[Result]:
    """The delivery's released results that no mail was made for yet."""
    mailed = {dispatch.result_id for dispatch in office.dispatches.list_by_delivery(delivery_id)}
    released = list_released(delivery_id, results=office.results, releases=office.releases)
    return [result for result in released if result.id not in mailed]


def schedule_mailing(
    *,
    actor: Actor,
    delivery_id: str,
    campus_id: str,
    chosen: Sequence[str] | None,
    office: PostOffice,
    now: datetime,
    new_id: IdSource,
) -> Mailing:
    """One mailing with one dispatch per released result that has none; `chosen` limits it to these results.

    Pressed twice, no result is mailed twice. Refused: Conflict("nothing_to_mail").
    """
    plan = [each for each in list_unmailed(delivery_id, office=office) if chosen is None or each.id in chosen]
    if not plan:
        raise Conflict("nothing_to_mail", "There is no released result that was not mailed already.")
    mailing = Mailing(
        id=new_id(),
        kind=RESULTS_READY,
        delivery_id=delivery_id,
        campus_id=campus_id,
        result_ids=tuple(result.id for result in plan),
        state=MailingState.PREPARING,
        created_by=actor.account_id,
        created_at=now,
    )
    office.mailings.add(mailing)
    _record(actor, "mailing_scheduled", mailing, office, now, new_id, results=len(plan))
    log.info("mailing_scheduled", mailing_id=mailing.id, delivery_id=delivery_id, results=len(plan))
    return prepare_mailing(mailing_id=mailing.id, office=office, now=now)


def prepare_mailing(*, mailing_id: str, office: PostOffice, now: datetime) -> Mailing:
    """Writes the dispatches of the plan that are not there yet, then hands them over. Safe to repeat from any point."""
    mailing = _get(mailing_id, office)
    if mailing.state is MailingState.PREPARED:
        return mailing
    planned = office.results.find_many(mailing.result_ids)
    recipients = office.people.find_many([result.student_id for result in planned.values()])
    for result in planned.values():
        fresh = model.fresh_dispatch(mailing, result.id, result.student_id, at=now)
        recipient = recipients.get(result.student_id)
        if recipient is None or not recipient.email:
            fresh = model.failed(fresh, reason="no_address", permanent=True)
        office.dispatches.add(fresh)
    ready = _change_mailing(mailing_id, model.prepared, office)
    _hand_over(office.dispatches.list_by_mailing(mailing_id), office)
    return ready


def _hand_over(dispatches: Sequence[Dispatch], office: PostOffice) -> None:
    for dispatch in dispatches:
        if dispatch.state is DispatchState.QUEUED and not hand_over(office.jobs, SEND_DISPATCH, dispatch.id):
            return


# -- sending -----------------------------------------------------------------------------------------------------------


def send_dispatch(*, dispatch_id: str, office: PostOffice, clock: Clock) -> Dispatch | None:
    """Claims the dispatch, builds its message and sends it; None when there was nothing to claim.

    May run twice, at once or after a crash at any point: the claim is a conditional write, that the message is about to
    leave is written before it leaves, and what may have left is never sent again once the provider forgot its key.
    """
    dispatch = office.dispatches.find(dispatch_id)
    mailing = None if dispatch is None else office.mailings.find(dispatch.mailing_id)
    if dispatch is None or mailing is None:
        return None
    if mailing.is_paused(clock()):
        _wait_with(mailing, dispatch, office)
        return None
    claim = model.claimed(dispatch, at=clock())
    if claim is None or not office.dispatches.save(claim, seen=dispatch):
        return None
    return _deliver(claim, mailing, office, clock)


def _wait_with(mailing: Mailing, dispatch: Dispatch, office: PostOffice) -> None:
    if dispatch.state is DispatchState.QUEUED and mailing.paused_until is not None:
        office.dispatches.save(model.deferred(dispatch, until=mailing.paused_until), seen=dispatch)


def _deliver(claim: Dispatch, mailing: Mailing, office: PostOffice, clock: Clock) -> Dispatch | None:
    """A claimed dispatch up to its outcome."""
    lifetime = office.mailer.key_lifetime
    try:
        mail = _build(claim, office)
    except PermanentFailure as refusal:
        after = model.refused(claim, reason=refusal.reason, since=claim.first_sent_at)
        return _conclude(claim, after, office, clock)
    except TemporaryFailure as failure:
        return _conclude(claim, _put_back(claim, claim.first_sent_at, failure, clock()), office, clock)
    if not model.may_repeat(claim, key_lifetime=lifetime, at=clock()):
        return _conclude(claim, model.unknown(claim, reason=claim.reason or "interrupted"), office, clock)
    leaving = model.sending(claim, address=mail.to_address, at=clock())
    if not office.dispatches.save(leaving, seen=claim):
        return None
    try:
        message_id = office.mailer.send(mail, now=clock())
    except OverQuota as full:
        return _pause(leaving, claim.first_sent_at, full, office, clock)
    except OutcomeUnknown as failure:
        wait = model.backoff(leaving.tries)
        after = model.left_open(leaving, reason=failure.reason, key_lifetime=lifetime, wait=wait, at=clock())
        return _conclude(leaving, after, office, clock)
    except TemporaryFailure as failure:
        return _conclude(leaving, _put_back(leaving, claim.first_sent_at, failure, clock()), office, clock)
    except PermanentFailure as refusal:
        after = model.refused(leaving, reason=refusal.reason, since=claim.first_sent_at)
        return _conclude(leaving, after, office, clock)
    _resume(mailing, office)
    return _conclude_sent(leaving, message_id, office, clock)


def _build(claim: Dispatch, office: PostOffice) -> Mail:
    """The message, from what is true now. PermanentFailure: `withdrawn`, `superseded`, `student_missing`,
    `no_address`."""
    result = get_released(claim.result_id, results=office.results, releases=office.releases)
    recipient = office.people.find(claim.student_id)
    if result is None:
        raise PermanentFailure("withdrawn")
    if is_superseded(result, results=office.results, releases=office.releases):
        raise PermanentFailure("superseded")
    if recipient is None:
        raise PermanentFailure("student_missing")
    if not recipient.email:
        raise PermanentFailure("no_address")
    reporting = office.reporting
    return messages.results_ready(
        result,
        recipient,
        campus_name=campus_name(result, reporting),
        link=f"{reporting.public_url}/results/{result.id}",
        verify_url=f"{reporting.public_url}/verify",
        report=make_report("score_report", result=result, reporting=reporting),
        key=claim.idempotency_key,
    )


def _put_back(dispatch: Dispatch, since: datetime | None, failure: TemporaryFailure, now: datetime) -> Dispatch:
    wait = model.backoff(dispatch.tries)
    return model.put_back(dispatch, reason=failure.reason, since=since, wait=wait, at=now)


def _conclude(seen: Dispatch, after: Dispatch, office: PostOffice, clock: Clock) -> Dispatch | None:
    """Records an outcome over exactly what this worker wrote; whoever took over meanwhile knows better."""
    if not office.dispatches.save(after, seen=seen):
        return None
    log.info(
        "dispatch_concluded",
        dispatch_id=after.id,
        mailing_id=after.mailing_id,
        state=after.state.value,
        reason=after.reason,
    )
    announce(after, feed=office.feed, now=clock())
    return after


def _conclude_sent(leaving: Dispatch, message_id: str, office: PostOffice, clock: Clock) -> Dispatch | None:
    """Records that it went, also over a sweep's doubt: this worker has the provider's word for this very copy."""
    seen: Dispatch | None = leaving
    for _ in range(_RACES):
        if seen is None or seen.copy != leaving.copy or seen.state is DispatchState.SENT:
            return None
        done = _conclude(seen, model.sent(seen, message_id=message_id, at=clock()), office, clock)
        if done is not None:
            return done
        seen = office.dispatches.find(leaving.id)
    return None


def _pause(
    leaving: Dispatch, since: datetime | None, full: OverQuota, office: PostOffice, clock: Clock
) -> Dispatch | None:
    """The provider takes nothing more: the whole mailing waits, nobody fails."""
    now = clock()
    waiting = _change_mailing(
        leaving.mailing_id,
        lambda seen: (
            seen
            if seen.is_paused(now)
            else model.paused(seen, reason=full.reason, retry_after_s=full.retry_after_s, at=now)
        ),
        office,
    )
    announce_pause(waiting, feed=office.feed, now=now)
    log.warning("mailing_paused", mailing_id=waiting.id, reason=full.reason)
    until = waiting.paused_until or now
    return _conclude(leaving, model.held_back(leaving, since=since, until=until), office, clock)


def _resume(mailing: Mailing, office: PostOffice) -> None:
    if mailing.pauses:
        _change_mailing(mailing.id, model.resumed, office)


# -- what a crash left -------------------------------------------------------------------------------------------------


def sweep(*, office: PostOffice, now: datetime) -> int:
    """Completes plans, frees abandoned claims, hands over what waits; how many were handed over. Safe to repeat."""
    for mailing in office.mailings.list_preparing(before=now - model.LEASE, limit=SWEPT_AT_ONCE):
        prepare_mailing(mailing_id=mailing.id, office=office, now=now)
    for dispatch in office.dispatches.list_abandoned(at=now, limit=SWEPT_AT_ONCE):
        after = model.abandoned(dispatch, key_lifetime=office.mailer.key_lifetime, at=now)
        if office.dispatches.save(after, seen=dispatch):
            log.warning("dispatch_abandoned", dispatch_id=dispatch.id, state=after.state.value)
            announce(after, feed=office.feed, now=now)
    if office.jobs.waiting(SEND_DISPATCH) > QUEUE_IS_SHORT:
        return 0
    waiting = office.dispatches.list_waiting(at=now, limit=SWEPT_AT_ONCE)
    _hand_over(waiting, office)
    return len(waiting)


# -- decisions of people -----------------------------------------------------------------------------------------------


def send_again(*, actor: Actor, mailing: Mailing, office: PostOffice, now: datetime, new_id: IdSource) -> int:
    """Queues exactly those that failed, each under a new key; how many. Pressed twice, the second finds none."""
    again = []
    for dispatch in office.dispatches.list_by_mailing(mailing.id):
        if dispatch.state is not DispatchState.FAILED:
            continue
        after = model.sent_again(dispatch, at=now)
        if office.dispatches.save(after, seen=dispatch):
            announce(after, feed=office.feed, now=now)
            again.append(after)
    if again:
        _record(actor, "mailing_sent_again", mailing, office, now, new_id, dispatches=len(again))
    _hand_over(again, office)
    return len(again)


def decide_unknown(
    *, actor: Actor, dispatch: Dispatch, went: bool, office: PostOffice, now: datetime, new_id: IdSource
) -> Dispatch:
    """A person's word on one mail of unknown outcome: it went, or a second copy is to be risked.

    Refused: Conflict("not_unknown").
    """
    after = model.found_sent(dispatch, at=now) if went else model.risked_again(dispatch, at=now)
    if not office.dispatches.save(after, seen=dispatch):
        raise Conflict("not_unknown", "This mail's outcome became known meanwhile.")
    mailing = _get(dispatch.mailing_id, office)
    action = "dispatch_found_sent" if went else "dispatch_risked_again"
    _record(actor, action, mailing, office, now, new_id, result_id=dispatch.result_id)
    announce(after, feed=office.feed, now=now)
    _hand_over([after], office)
    return after


# -- shared by the above -----------------------------------------------------------------------------------------------


def _get(mailing_id: str, office: PostOffice) -> Mailing:
    mailing = office.mailings.find(mailing_id)
    if mailing is None:
        raise NotFound()
    return mailing


def _change_mailing(mailing_id: str, step: Callable[[Mailing], Mailing], office: PostOffice) -> Mailing:
    for _ in range(_RACES):
        seen = _get(mailing_id, office)
        after = step(seen)
        if after is seen or office.mailings.save(after, seen=seen):
            return after
    raise TemporaryFailure("mailing_contended")


def _record(
    actor: Actor,
    action: str,
    mailing: Mailing,
    office: PostOffice,
    now: datetime,
    new_id: IdSource,
    **details: str | int,
) -> None:
    audit.record(
        actor_id=actor.account_id,
        campus_id=mailing.campus_id,
        action=action,
        subject_kind="mailing",
        subject_id=mailing.id,
        audit_log=office.audit_log,
        now=now,
        new_id=new_id,
        delivery_id=mailing.delivery_id,
        **details,
    )
