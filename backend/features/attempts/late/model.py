"""Answers that came after their time: kept apart as a `LateAnswer`, never lost, never scored by themselves.

Typed ones that came behind their window; and, once the attempt is over, typed and spoken ones to items that the server
never heard to have been opened, because their moves came too late or not at all (docs/adr/0134). Staff decide about
each. One an item, under the response's id: the newest typed answer, and every recording.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from backend.core.errors import Conflict
from backend.features.attempts.responses import Answer, Recording


class LateState(StrEnum):
    """`waiting` for staff; then `accepted` (scored) or `left` (kept, not scored)."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class LateAnswer:
    """What came to an item after it could be taken: the newest typed answer, or all recordings. `id` is the
    response's."""

    id: str
    attempt_id: str
    campus_id: str
    delivery_id: str
    position: int
    received_at: datetime
    answer: Answer | None = None
    answer_rank: int = 0
    recordings: tuple[Recording, ...] = ()
    state: LateState = LateState.WAITING
    decided_by: str | None = None
    decided_at: datetime | None = None
    revision: int = 0


def kept_apart() -> Conflict:
    """What the device is told: it need not send this answer again."""
    return Conflict("answer_late", "The time for this answer was over. It is kept, and your institution decides.")


def undecided(late: LateAnswer, **changes: object) -> LateAnswer:
    """With something newer, about which nobody has decided yet. The caller raises the revision."""
    return replace(late, state=LateState.WAITING, decided_by=None, decided_at=None, **changes)  # type: ignore[arg-type] # as in model.py


def decided(late: LateAnswer, state: LateState, *, by: str, at: datetime) -> LateAnswer:
    """With a person's decision; decided the same way already: as it is. A decision is not turned round."""
    if late.state is state:
        return late
    if late.state is not LateState.WAITING:
        raise Conflict("already_decided", "This late answer was decided about already.")
    return replace(late, state=state, decided_by=by, decided_at=at, revision=late.revision + 1)
