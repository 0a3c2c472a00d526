"""A roster between its preview and its confirmation, kept by us: the browser only says which."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from backend.core.errors import PermanentFailure, RuleViolation
from backend.core.ports import Blobs
from backend.features.students.roster import Roster, RosterProblem, RosterRow

KEPT_FOR = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterUpload:
    """`id` is new with every upload: what is confirmed is what was previewed."""

    id: str
    uploaded_at: datetime
    roster: Roster


def keep_upload(upload: RosterUpload, *, batch_id: str, account_id: str, blobs: Blobs) -> None:
    """Replaces the former upload of this person for this batch: none is ever left behind but the last."""
    body = {
        "id": upload.id,
        "uploaded_at": upload.uploaded_at.isoformat(),
        "rows": [asdict(row) for row in upload.roster.rows],
        "problems": [asdict(problem) for problem in upload.roster.problems],
    }
    data = json.dumps(body, ensure_ascii=False).encode()
    blobs.put(_key(batch_id, account_id), data, content_type="application/json")


def get_upload(upload_id: str, *, batch_id: str, account_id: str, blobs: Blobs, now: datetime) -> RosterUpload:
    """The upload; RuleViolation("upload_gone") when it is too old, was replaced, or was never there."""
    try:
        body = json.loads(blobs.get(_key(batch_id, account_id)))
    except PermanentFailure:
        raise _gone() from None
    uploaded_at = datetime.fromisoformat(body["uploaded_at"])
    if body["id"] != upload_id or now - uploaded_at > KEPT_FOR:
        raise _gone()
    roster = Roster(
        rows=tuple(RosterRow(**row) for row in body["rows"]),
        problems=tuple(RosterProblem(**problem) for problem in body["problems"]),
    )
    return RosterUpload(id=upload_id, uploaded_at=uploaded_at, roster=roster)


def forget_upload(*, batch_id: str, account_id: str, blobs: Blobs) -> None:
    """Safe to repeat."""
    blobs.delete(_key(batch_id, account_id))


def _key(batch_id: str, account_id: str) -> str:
    return f"rosters/{batch_id}/{account_id}.json"


def _gone() -> RuleViolation:
    return RuleViolation("upload_gone", "This preview is too old, or a newer file was uploaded. Upload the file again.")
