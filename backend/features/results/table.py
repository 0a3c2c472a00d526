"""A delivery's results as rows, one a student: how far each is, and what came out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.monitor import counting_attempts, latest_attempts
from backend.features.attempts.responses import ResponseState
from backend.features.invigilation.model import Incident
from backend.features.invigilation.signals import SignalRecord
from backend.features.results.model import Release, Result, latest_of
from backend.features.results.repository import MailMark, Person
from backend.scoring.score import Trait

_SPOKEN = ("sentence_mastery", "vocabulary", "fluency", "pronunciation")
_FIGURES = frozenset({"overall", "confidence", *(trait.value for trait in Trait)})


class RowState(StrEnum):
    """Where a student's sitting stands on its way to a result."""

    NOT_STARTED = "not_started"
    SITTING = "sitting"
    SCORING = "scoring"
    UNSCORED = "unscored"
    SCORED = "scored"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """A later attempt on its way to a result, which will take the place of the one that the row tells of."""

    number: int
    state: RowState


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """`failed` answers need a person's decision. `result` is the latest settlement, unless the attempt was reopened or
    voided since; `is_released` whether its student sees it; `older_released` says that the student still sees a result
    that was superseded since; `under_way` a later attempt than the one that all this is of."""

    student_id: str
    name: str
    roll_number: str
    has_email: bool
    attempt_id: str | None
    state: RowState
    waiting: int
    failed: int
    result: Result | None
    is_released: bool
    older_released: bool
    mail: MailMark | None
    incidents: int = 0
    signals: int = 0
    finding: str = ""
    under_way: UnderWay | None = None

    def value_of(self, trait: str) -> int | None:
        """The subscore of a trait, or the overall; None where there is none."""
        if self.result is None:
            return None
        if trait == "overall":
            return self.result.outcome.overall
        subscore = self.result.get_subscore(trait)
        return None if subscore is None else subscore.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What the rows are made of, as it was read."""

    people: Sequence[Person]
    attempts: Sequence[Attempt]
    counts: Mapping[str, Mapping[ResponseState, int]]
    results: Sequence[Result]
    releases: Sequence[Release]
    mails: Mapping[str, MailMark]
    incidents: Sequence[Incident] = ()
    records: Mapping[str, SignalRecord] = field(default_factory=dict)


def make_rows(gathered: Gathered) -> list[ResultRow]:
    """A row for each person, in the order given: from each one's latest attempt that has a result; where there is none,
    from the one that counts."""
    results = latest_of(gathered.results)
    counting = counting_attempts(gathered.attempts)
    scored = latest_attempts(each for each in gathered.attempts if _counting_result(each, results) is not None)
    return [
        _row(person, scored.get(person.student_id), counting.get(person.student_id), results, gathered)
        for person in gathered.people
    ]


def _row(
    person: Person, scored: Attempt | None, latest: Attempt | None, results: Mapping[str, Result], gathered: Gathered
) -> ResultRow:
    attempt = scored or latest
    result = _counting_result(attempt, results)
    waiting, failed = _left(attempt, gathered)
    open_ids = {each.id for each in gathered.releases if each.is_open and attempt and each.attempt_id == attempt.id}
    released = result is not None and result.id in open_ids
    record = gathered.records.get(attempt.id) if attempt is not None else None
    return ResultRow(
        student_id=person.student_id,
        name=person.name,
        roll_number=person.roll_number,
        has_email=bool(person.email),
        attempt_id=attempt.id if attempt is not None else None,
        state=_state(attempt, failed=failed, is_scored_again=result is not None and waiting > 0),
        waiting=waiting,
        failed=failed,
        result=result,
        is_released=released,
        older_released=bool(open_ids) and not released,
        mail=gathered.mails.get(result.id) if result is not None else None,
        incidents=sum(person.student_id in incident.student_ids for incident in gathered.incidents),
        signals=record.total if record is not None else 0,
        finding=record.finding.value if record is not None and record.total else "",
        under_way=_under_way(latest, gathered) if latest is not attempt else None,
    )


def _left(attempt: Attempt | None, gathered: Gathered) -> tuple[int, int]:
    """How many of its answers wait to be scored, and how many for a person's decision."""
    counts = gathered.counts.get(attempt.id, {}) if attempt is not None else {}
    waiting = counts.get(ResponseState.QUEUED, 0) + counts.get(ResponseState.CLAIMED, 0)
    return waiting, counts.get(ResponseState.FAILED, 0) + counts.get(ResponseState.MISSING, 0)


def _under_way(attempt: Attempt | None, gathered: Gathered) -> UnderWay | None:
    if attempt is None:
        return None
    _, failed = _left(attempt, gathered)
    return UnderWay(number=attempt.number, state=_state(attempt, failed=failed, is_scored_again=False))


def _counting_result(attempt: Attempt | None, results: Mapping[str, Result]) -> Result | None:
    """The latest settlement. None where the attempt was reopened or voided since; while an answer is scored again, the
    result from before it."""
    result = None if attempt is None else results.get(attempt.id)
    if attempt is None or result is None or not attempt.is_over:
        return None
    return result if attempt.settled_at is not None or attempt.submitted_at == result.completed_at else None


def _state(attempt: Attempt | None, *, failed: int, is_scored_again: bool) -> RowState:
    if attempt is None:
        return RowState.NOT_STARTED
    if attempt.state is AttemptState.VOIDED:
        return RowState.VOIDED
    if not attempt.is_over:
        return RowState.SITTING
    if attempt.settled_at is not None:
        return RowState.SCORED
    # Of a result that was settled before, an answer without a score may have been decided about.
    return RowState.UNSCORED if failed and not is_scored_again else RowState.SCORING


def traits_of(rows: Sequence[ResultRow]) -> tuple[str, ...]:
    """The subscores that these results have, in the order of their scale; the spoken four while there is no result."""
    found = dict.fromkeys(each.trait for row in rows if row.result for each in row.result.outcome.subscores)
    return tuple(found) or _SPOKEN


def sorted_rows(rows: Sequence[ResultRow], *, by: str, descending: bool) -> list[ResultRow]:
    """By name, overall, confidence or a trait, rows without that figure last either way; else by roll number."""
    if by in _FIGURES:
        known = [(figure, row) for row in rows if (figure := _figure(row, by)) is not None]
        unknown = [row for row in rows if _figure(row, by) is None]
        known.sort(key=lambda pair: pair[0], reverse=descending)
        return [row for _, row in known] + unknown
    text = "name" if by == "name" else "roll_number"
    return sorted(rows, key=lambda row: str(getattr(row, text)).casefold(), reverse=descending)


def _figure(row: ResultRow, by: str) -> float | None:
    if by == "confidence":
        return row.result.outcome.confidence if row.result is not None else None
    return row.value_of(by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """`scored` are settled; `unreleased` of these are not seen by their students. `results` counts also those that a
    later one is about to take the place of; `waiting` and `unscored` students with an attempt that is so, whatever came
    out of an earlier one."""

    students: int
    results: int
    scored: int
    unreleased: int
    waiting: int
    unscored: int
    released: int
    mailed: int


def count_rows(rows: Sequence[ResultRow]) -> Totals:
    return Totals(
        students=len(rows),
        results=sum(row.result is not None for row in rows),
        scored=sum(row.state is RowState.SCORED for row in rows),
        unreleased=sum(row.state is RowState.SCORED and not row.is_released for row in rows),
        waiting=sum(RowState.SCORING in _states(row) for row in rows),
        unscored=sum(RowState.UNSCORED in _states(row) for row in rows),
        released=sum(row.is_released for row in rows),
        mailed=sum(row.mail is not None and row.mail.state == "sent" for row in rows),
    )


def _states(row: ResultRow) -> tuple[RowState, ...]:
    return (row.state,) if row.under_way is None else (row.state, row.under_way.state)
