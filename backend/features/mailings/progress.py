"""How a mailing stands, live: a join answers with every row, then each event is one row that changed, ids only."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from backend.core.ports import Feed
from backend.features.mailings.model import Dispatch, DispatchState, Mailing, went_elsewhere
from backend.features.mailings.wording import reason_text
from backend.features.results.repository import Person

PROGRESSED = "mailing_progressed"

Json = dict[str, object]


def room_of(mailing_id: str) -> str:
    """The room of those who watch a mailing."""
    return f"mailing:{mailing_id}"


def describe_dispatch(dispatch: Dispatch) -> Json:
    """One row without its name. `version` only rises: an older one than the row's is ignored."""
    return {
        "dispatch_id": dispatch.id,
        "student_id": dispatch.student_id,
        "state": dispatch.state.value,
        "reason": reason_text(dispatch.reason),
        "sent_at": None if dispatch.sent_at is None else dispatch.sent_at.isoformat(timespec="seconds"),
        "version": dispatch.revision,
    }


def describe_pause(mailing: Mailing, now: datetime) -> Json:
    """Both None while nothing waits."""
    waits = mailing.is_paused(now) and mailing.paused_until is not None
    return {
        "paused_until": mailing.paused_until.isoformat(timespec="seconds") if waits and mailing.paused_until else None,
        "pause_reason": reason_text(mailing.pause_reason) if waits else None,
    }


def announce(dispatch: Dispatch, *, feed: Feed, now: datetime) -> None:
    """One mail's outcome changed."""
    event: Json = {"mailing_id": dispatch.mailing_id, "server_now": now.isoformat(), "row": describe_dispatch(dispatch)}
    feed.publish(room_of(dispatch.mailing_id), PROGRESSED, event)


def announce_pause(mailing: Mailing, *, feed: Feed, now: datetime) -> None:
    event: Json = {"mailing_id": mailing.id, "server_now": now.isoformat(), "pause": describe_pause(mailing, now)}
    feed.publish(room_of(mailing.id), PROGRESSED, event)


def take_snapshot(
    mailing: Mailing, dispatches: Sequence[Dispatch], recipients: Mapping[str, Person], *, now: datetime
) -> Json:
    """All rows by roll number, with names: only for those who passed the gate."""
    rows = [_named(dispatch, recipients.get(dispatch.student_id)) for dispatch in dispatches]
    return {
        "server_now": now.isoformat(),
        "mailing_id": mailing.id,
        "pause": describe_pause(mailing, now),
        "rows": sorted(rows, key=lambda row: str(row["roll_number"])),
    }


def _named(dispatch: Dispatch, recipient: Person | None) -> Json:
    email = recipient.email if recipient else None
    return describe_dispatch(dispatch) | {
        "student_name": recipient.name if recipient else "–",
        "roll_number": recipient.roll_number if recipient else "",
        "email": email or "",
        "went_elsewhere": went_elsewhere(dispatch, email),
    }


def count_states(dispatches: Sequence[Dispatch]) -> Mapping[str, int]:
    """How many are in each state; every state is there. Claimed ones count as queued: they are on their way."""
    counts = Counter(dispatch.state for dispatch in dispatches)
    waiting = counts[DispatchState.QUEUED] + counts[DispatchState.CLAIMED]
    return {
        "waiting": waiting,
        "sent": counts[DispatchState.SENT],
        "failed": counts[DispatchState.FAILED],
        "unknown": counts[DispatchState.UNKNOWN],
    }
