"""What a candidate's client is told: the whole state of its attempt, and the open item with its clock.

Item text and prompt audio appear only in the item that is open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.core.ports import Blobs
from backend.features.assessments.model import Delivery
from backend.features.attempts.model import Attempt
from backend.features.attempts.paper import Demonstration, Paper, PaperSection


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptView:
    url: str
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """The open item: 0..prompt.duration_ms the prompt plays, then the window records for `window_ms`."""

    position: int
    section_letter: str
    number: int
    of: int
    task: str
    practice: bool
    text: str | None
    prompt: PromptView | None
    window_ms: int
    begin_within_ms: int
    silence_end_ms: int
    opened_at: datetime
    elapsed_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionView:
    letter: str
    title: str
    task: str
    instructions: str
    example: str
    instructions_audio_url: str | None
    first_position: int
    item_count: int
    practice_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemonstrationView:
    title: str
    text: str
    audio_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSnapshot:
    """`deadline_at` is never after the window's end. `opens_at`, `closes_at` are the window."""

    id: str
    state: str
    number: int
    server_now: datetime
    opens_at: datetime
    closes_at: datetime
    started_at: datetime | None
    deadline_at: datetime | None
    title: str
    student_name: str
    total_items: int
    position: int
    item: ItemView | None
    sections: tuple[SectionView, ...]
    demonstration: DemonstrationView | None
    stored_recordings: tuple[str, ...]


def view_item(attempt: Attempt, paper: Paper, *, blobs: Blobs, now: datetime) -> ItemView | None:
    """The open item; None when none is open. Its clock is the one it was opened with."""
    if attempt.item_opened_at is None:
        return None
    item = paper.get_item(attempt.position)
    prompt_ms = attempt.item_prompt_ms or 0
    prompt = None
    if item.prompt_key is not None:
        prompt = PromptView(url=blobs.presign_get(item.prompt_key, now=now), duration_ms=prompt_ms)
    return ItemView(
        position=item.position,
        section_letter=item.section_letter,
        number=item.number,
        of=item.of,
        task=item.task,
        practice=item.practice,
        text=item.text,
        prompt=prompt,
        window_ms=attempt.item_window_ms or item.window_ms,
        begin_within_ms=item.begin_within_ms,
        silence_end_ms=item.silence_end_ms,
        opened_at=attempt.item_opened_at,
        elapsed_ms=attempt.elapsed_ms(now),
    )


def take_snapshot(
    attempt: Attempt,
    paper: Paper,
    delivery: Delivery,
    *,
    student_name: str,
    stored_recordings: Sequence[str],
    blobs: Blobs,
    now: datetime,
) -> AttemptSnapshot:
    return AttemptSnapshot(
        id=attempt.id,
        state=attempt.state.value,
        number=attempt.number,
        server_now=now,
        opens_at=delivery.opens_at,
        closes_at=delivery.closes_at,
        started_at=attempt.started_at,
        deadline_at=attempt.deadline_at,
        title=delivery.title,
        student_name=student_name,
        total_items=paper.total_items,
        position=attempt.position,
        item=None if attempt.is_over else view_item(attempt, paper, blobs=blobs, now=now),
        sections=tuple(_view_section(section, blobs, now) for section in paper.sections),
        demonstration=_view_demonstration(paper.demonstration, blobs, now),
        stored_recordings=tuple(stored_recordings),
    )


def _address(key: str | None, blobs: Blobs, now: datetime) -> str | None:
    return None if key is None else blobs.presign_get(key, now=now)


def _view_section(section: PaperSection, blobs: Blobs, now: datetime) -> SectionView:
    return SectionView(
        letter=section.letter,
        title=section.title,
        task=section.task,
        instructions=section.instructions,
        example=section.example,
        instructions_audio_url=_address(section.instructions_audio_key, blobs, now),
        first_position=section.first_position,
        item_count=section.item_count,
        practice_count=section.practice_count,
    )


def _view_demonstration(demonstration: Demonstration | None, blobs: Blobs, now: datetime) -> DemonstrationView | None:
    if demonstration is None:
        return None
    return DemonstrationView(
        title=demonstration.title, text=demonstration.text, audio_url=_address(demonstration.audio_key, blobs, now)
    )
