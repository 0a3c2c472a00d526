"""Taking a response file: each answer in it goes the way that it would have gone from the candidate's page."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from backend.core.actor import Actor
from backend.core.errors import Conflict, NotFound, RuleViolation
from backend.core.ids import IdSource
from backend.features.attempts import answers
from backend.features.attempts import responses as rules
from backend.features.attempts import usecases as attempt_usecases
from backend.features.attempts.engine.moves import Move, MoveKind, closed, opened
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.paper import Paper
from backend.features.attempts.recordings import usecases as recordings
from backend.features.attempts.recordings.model import Upload
from backend.features.attempts.recordings.usecases import Shelves
from backend.features.attempts.repository import Attempts
from backend.features.attempts.response_files.model import Fate, FiledRecording, Line
from backend.features.attempts.responses import Answer
from backend.features.audit.repository import AuditLog
from backend.features.audit.usecases import record

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledDraft:
    """A typed or chosen answer in the file; `rank` orders it among others of its item."""

    position: int
    answer: Answer
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a response file holds, read and checked for shape."""

    moves: tuple[Move, ...]
    drafts: tuple[FiledDraft, ...]
    recordings: tuple[FiledRecording, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """What taking a file works on."""

    attempts: Attempts
    shelves: Shelves
    audit_log: AuditLog
    now: datetime
    new_id: IdSource


def take_contents(
    *, actor: Actor, attempt: Attempt, contents: Contents, paper: Paper, taking: Taking, max_bytes: int
) -> tuple[Line, ...]:
    """What became of each answer of the file, by position. Written to the audit log. Safe to repeat: what is here
    already stays as it is.

    Recordings are stored and scored, whatever the time: that staff bring them is the decision. Typed answers are stored
    while their time runs; later they are kept apart for staff to decide about, as late ones always are. So is whatever
    answers an item that was not reached, by the file's moves or at all: nothing of a file is lost.
    """
    attempt = _moved_on(attempt, contents.moves, paper, taking)
    lines = sorted(
        [
            *(_take_recording(attempt, each, paper, taking, max_bytes) for each in contents.recordings),
            *(_take_draft(attempt, each, paper, taking) for each in contents.drafts),
        ],
        key=lambda line: (line.position, line.is_recording),
    )
    record(
        actor_id=actor.account_id,
        campus_id=attempt.campus_id,
        action="response_file_taken",
        subject_kind="attempt",
        subject_id=attempt.id,
        audit_log=taking.audit_log,
        now=taking.now,
        new_id=taking.new_id,
        **Counter(line.fate.value for line in lines),
    )
    log.info("response_file_taken", attempt_id=attempt.id, answers=len(lines))
    return tuple(lines)


# -- how far the candidate came --------------------------------------------------------------------------------------


def _moved_on(attempt: Attempt, moves: Sequence[Move], paper: Paper, taking: Taking) -> Attempt:
    """The attempt with the file's moves: as a running client's while it runs, after its end as `reached` says."""
    if attempt.is_running and moves:
        with suppress(Conflict, NotFound):
            return answers.move_on(
                attempt=attempt,
                moves=moves,
                paper=paper,
                attempts=taking.attempts,
                responses=taking.shelves.responses,
                jobs=taking.shelves.jobs,
                now=taking.now,
            )
    now = attempt_usecases.refresh(attempt, attempts=taking.attempts, now=taking.now)
    return attempt_usecases.change(
        now.id, lambda seen: reached(seen, moves, paper), attempts=taking.attempts, first=now
    )


def reached(attempt: Attempt, moves: Sequence[Move], paper: Paper) -> Attempt:
    """An expired attempt with the items opened that its device had reached by its deadline; otherwise as it is."""
    ended_at = attempt.submitted_at
    if attempt.state is not AttemptState.EXPIRED or attempt.settled_at is not None or ended_at is None:
        return attempt
    after = attempt
    for move in moves:
        if move.at >= ended_at or move.position >= paper.total_items:
            continue
        if move.kind is MoveKind.OPEN and not after.is_item_open and move.position == after.position:
            after = opened(after, paper.get_item(move.position), paper, at=move.at)
        elif move.kind is MoveKind.CLOSE and after.is_item_open and move.position == after.last_open:
            after = closed(after, total_items=paper.total_items, at=move.at)
    if after is attempt:
        return attempt
    return replace(after, moved_at=attempt.moved_at, revision=attempt.revision + 1)


# -- one answer ------------------------------------------------------------------------------------------------------


def _take_recording(attempt: Attempt, filed: FiledRecording, paper: Paper, taking: Taking, max_bytes: int) -> Line:
    def line(fate: Fate, reason: str = "") -> Line:
        return Line(position=filed.position, is_recording=True, fate=fate, reason=reason)

    if not filed.is_whole:
        return line(Fate.DAMAGED)
    known = taking.shelves.responses.find(rules.response_id(attempt.id, filed.position))
    if known is not None and known.has_recording(filed.recording_id):
        return line(Fate.KNOWN)
    announced = Upload(
        attempt_id=attempt.id,
        recording_id=filed.recording_id,
        campus_id=attempt.campus_id,
        position=filed.position,
        segment=filed.segment,
        sha256=filed.sha256,
        size=len(filed.data),
        content_type=filed.content_type,
        duration_ms=filed.duration_ms,
        registered_at=taking.now,
        ended_by=filed.ended_by,
    )
    try:
        recordings.receive(
            attempt=attempt,
            announced=announced,
            offset=0,
            data=filed.data,
            paper=paper,
            shelves=taking.shelves,
            now=taking.now,
            max_bytes=max_bytes,
            is_brought=True,
        )
    except (Conflict, RuleViolation, NotFound) as refusal:
        return line(_fate_of(refusal), refusal.code)
    return line(Fate.STORED)


def _take_draft(attempt: Attempt, filed: FiledDraft, paper: Paper, taking: Taking) -> Line:
    try:
        saved = answers.save_answer(
            attempt=attempt,
            position=filed.position,
            answer=filed.answer,
            rank=filed.rank,
            paper=paper,
            responses=taking.shelves.responses,
            late_answers=taking.shelves.late_answers,
            jobs=taking.shelves.jobs,
            now=taking.now,
            is_brought=True,
        )
    except (Conflict, RuleViolation, NotFound) as refusal:
        return Line(position=filed.position, is_recording=False, fate=_fate_of(refusal), reason=refusal.code)
    fate = Fate.STORED if saved.saved_at == taking.now else Fate.KNOWN
    return Line(position=filed.position, is_recording=False, fate=fate)


def _fate_of(refusal: Conflict | RuleViolation | NotFound) -> Fate:
    return Fate.LATE if refusal.code == "answer_late" else Fate.REFUSED


def count_fates(lines: Sequence[Line]) -> Iterator[tuple[Fate, int]]:
    """How many answers met each fate that any met, in the order of `Fate`."""
    counts = Counter(line.fate for line in lines)
    return ((fate, counts[fate]) for fate in Fate if counts[fate])
