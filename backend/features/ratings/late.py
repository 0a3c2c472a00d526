"""Answers that came after their time: listed for staff, who accept or leave each; both are audited."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from backend.core.actor import Actor
from backend.core.errors import AdapterError, Conflict, NotFound
from backend.core.ids import IdSource
from backend.features.attempts import model as attempt_rules
from backend.features.attempts.late.model import LateAnswer, LateState, decided
from backend.features.attempts.late.usecases import accept_late, get_late
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.repository import Candidate
from backend.features.attempts.usecases import SCORE_RESPONSE, change
from backend.features.audit.repository import AuditLog
from backend.features.audit.usecases import record
from backend.features.ratings.repository import Desk
from backend.features.ratings.usecases import LEFT_THE_BATCH, announce


@dataclass(frozen=True, slots=True, kw_only=True)
class LateLine:
    """One line of the list. `had_answer`: whether something came in time, which is scored otherwise; `was_reached`:
    whether the server ever heard that its question was opened; `recordings` counts what can be listened to."""

    late_id: str
    student_name: str
    roll_number: str
    section_letter: str
    number: int
    task: str
    received_at: datetime
    content: str
    recordings: int
    had_answer: bool
    was_reached: bool
    state: str


def list_late(*, delivery_id: str, candidates: Sequence[Candidate], desk: Desk) -> list[LateLine]:
    """What came late at a delivery: what waits for a decision first, then by roll number."""
    people = {candidate.student_id: candidate for candidate in candidates}
    lines = []
    for late in desk.late_answers.list_by_delivery(delivery_id):
        attempt = desk.attempts.find(late.attempt_id)
        if attempt is not None:
            lines.append(_line(late, attempt, people, desk))
    order = list(LateState)
    return sorted(lines, key=lambda line: (order.index(LateState(line.state)), line.roll_number, line.late_id))


def _line(late: LateAnswer, attempt: Attempt, people: Mapping[str, Candidate], desk: Desk) -> LateLine:
    item = desk.papers.get(attempt.form_id).get_item(late.position)
    person = people.get(attempt.student_id)
    response = desk.responses.find(late.id)
    return LateLine(
        late_id=late.id,
        student_name=person.name if person else LEFT_THE_BATCH,
        roll_number=person.roll_number if person else "",
        section_letter=item.section_letter,
        number=item.number,
        task=item.task,
        received_at=late.received_at,
        content=late.answer.as_line if late.answer is not None else "",
        recordings=len(late.recordings),
        had_answer=late.state is LateState.WAITING and response is not None and response.has_content,
        was_reached=attempt.was_opened(late.position),
        state=late.state.value,
    )


def decide_late(
    *,
    actor: Actor,
    delivery_id: str,
    late_id: str,
    accept: bool,
    desk: Desk,
    audit_log: AuditLog,
    now: datetime,
    new_id: IdSource,
) -> LateAnswer:
    """Scores a late answer, or leaves it kept and unscored. Safe to repeat.

    Accepted after the result was settled, a new result takes its place. Refused: `already_decided` the other way,
    `attempt_not_open` for a voided attempt.
    """
    late = get_late(late_id=late_id, delivery_id=delivery_id, late_answers=desk.late_answers)
    attempt = desk.attempts.find(late.attempt_id)
    if attempt is None or not actor.may_administer(late.campus_id):
        raise NotFound()
    if attempt.state is AttemptState.VOIDED:
        raise attempt_rules.not_open()
    state = LateState.ACCEPTED if accept else LateState.LEFT
    after = decided(late, state, by=actor.account_id, at=now)
    if after is not late:
        record(
            actor_id=actor.account_id,
            campus_id=late.campus_id,
            action=f"late_answer_{state.value}",
            subject_kind="response",
            subject_id=late.id,
            audit_log=audit_log,
            now=now,
            new_id=new_id,
        )
        if not desk.late_answers.save(after, seen=late):
            raise Conflict("changed_meanwhile", "This answer changed meanwhile. Load the page again.")
    if accept:
        _queue(after, attempt, desk, now)
    return after


def _queue(late: LateAnswer, attempt: Attempt, desk: Desk, now: datetime) -> None:
    change(attempt.id, lambda seen: attempt_rules.unsettled(seen, at=now), attempts=desk.attempts)
    paper = desk.papers.get(attempt.form_id)
    response = accept_late(late=late, attempt=attempt, paper=paper, responses=desk.responses, now=now)
    with suppress(AdapterError):  # it is stored as queued: the sweep hands it over
        desk.jobs.enqueue(SCORE_RESPONSE, response.id)
    announce(attempt, desk, now)
