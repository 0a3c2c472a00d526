"""What a candidate's client is told: the whole state of its attempt, and the open item with its clock.

Item text and prompt audio appear only in the item that is open.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from backend.core.ports import Blobs
from backend.core.sealing import derive_key, key_text
from backend.features.assessments.model import Delivery
from backend.features.attempts.answers import sequence_of
from backend.features.attempts.engine.pauses import break_left_ms
from backend.features.attempts.model import Attempt, Conditions, allowed_for
from backend.features.attempts.packages.usecases import section_key_of
from backend.features.attempts.paper import Demonstration, Paper, PaperItem, PaperSection
from backend.features.attempts.responses import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptView:
    url: str
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftView:
    """What is stored of a typed or chosen answer; `content` holds only the part that its kind uses."""

    sequence: tuple[int, int]
    content: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """The open item: 0..prompt.duration_ms the prompt plays, then the window, recorded or typed in."""

    position: int
    section_letter: str
    number: int
    of: int
    task: str
    practice: bool
    answer_kind: str
    text: str | None
    shown: Mapping[str, object]
    prompt: PromptView | None
    window_ms: int
    begin_within_ms: int
    silence_end_ms: int
    opened_at: datetime
    elapsed_ms: int
    heard: int
    replays_left: int
    draft: DraftView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionView:
    """`time_limit_ms`: the one time of all its items, as this candidate has it; None: each item has its own."""

    letter: str
    title: str
    task: str
    instructions: str
    example: str
    instructions_audio_url: str | None
    first_position: int
    item_count: int
    practice_count: int
    time_limit_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DemonstrationView:
    title: str
    text: str
    audio_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSnapshot:
    """`opens_at`, `closes_at` are the window as this candidate has it; who begins now has until the earlier of
    `closes_at` and now + `allowed_ms`. While `paused_at` is set, the time that is left is that from there to
    `deadline_at`. `version` grows with every change, `epoch` with every page that took the lease. With
    `storage_key` (base64url) the client seals what it keeps on the device, with `section_key` it opens the package of
    the part that is on. `part_items` are all items of an open part with a time limit, `item` the first of them; they
    share its clock. Empty where `item` is open alone.
    """

    id: str
    version: int
    epoch: int
    state: str
    number: int
    server_now: datetime
    opens_at: datetime
    closes_at: datetime
    started_at: datetime | None
    deadline_at: datetime | None
    allowed_ms: int
    paused_at: datetime | None
    break_until: datetime | None
    break_left_ms: int
    conditions: Conditions
    title: str
    student_name: str
    total_items: int
    position: int
    item: ItemView | None
    part_items: tuple[ItemView, ...]
    sections: tuple[SectionView, ...]
    demonstration: DemonstrationView | None
    stored_recordings: tuple[str, ...]
    goes_on_offline: bool
    asks_full_screen: bool
    section_key: str | None
    storage_key: str


def view_items(
    attempt: Attempt, paper: Paper, *, responses: Sequence[Response], address_of: Callable[[str], str], now: datetime
) -> tuple[ItemView, ...]:
    """What is open: no item, one, or all of a part; each with what its response holds already. Their clock is the one
    they were opened with. `address_of` gives the address of a sound's key."""
    known = {response.position: response for response in responses}
    return tuple(
        _view_item(attempt, paper.get_item(position), known.get(position), address_of, now)
        for position in attempt.open_positions
    )


def _view_item(
    attempt: Attempt, item: PaperItem, response: Response | None, address_of: Callable[[str], str], now: datetime
) -> ItemView:
    prompt_ms = attempt.item_prompt_ms or 0
    prompt = None
    if item.prompt_key is not None:
        prompt = PromptView(url=address_of(item.prompt_key), duration_ms=prompt_ms)
    return ItemView(
        position=item.position,
        section_letter=item.section_letter,
        number=item.number,
        of=item.of,
        task=item.task,
        practice=item.practice,
        answer_kind=item.answer_kind.value,
        text=item.text,
        shown=item.shown,
        prompt=prompt,
        window_ms=attempt.item_window_ms or item.window_ms,
        begin_within_ms=attempt.conditions.silence_limit(item.begin_within_ms),
        silence_end_ms=attempt.conditions.silence_limit(item.silence_end_ms),
        opened_at=attempt.item_opened_at or now,
        elapsed_ms=attempt.elapsed_ms(now),
        heard=attempt.item_replays,
        replays_left=max(0, attempt.conditions.replays - attempt.item_replays) if prompt_ms > 0 else 0,
        draft=_view_draft(response),
    )


def _view_draft(response: Response | None) -> DraftView | None:
    if response is None or response.answer is None:
        return None
    answer = response.answer
    parts = {"text": answer.text, "texts": list(answer.texts) or None, "choices": list(answer.choices) or None}
    content = {name: value for name, value in parts.items() if value is not None}
    return DraftView(sequence=sequence_of(response.answer_rank), content=content)


def take_snapshot(
    attempt: Attempt,
    paper: Paper,
    delivery: Delivery,
    *,
    student_name: str,
    responses: Sequence[Response],
    secret: str,
    blobs: Blobs,
    now: datetime,
) -> AttemptSnapshot:
    allowed = allowed_for(attempt.conditions, paper.allowed)
    extra = timedelta(milliseconds=attempt.extra_ms)
    address_of = partial(blobs.presign_get, now=now)
    items: tuple[ItemView, ...] = ()
    if attempt.is_running:
        items = view_items(attempt, paper, responses=responses, address_of=address_of, now=now)
    return AttemptSnapshot(
        id=attempt.id,
        version=attempt.revision,
        epoch=attempt.epoch,
        state=attempt.state.value,
        number=attempt.number,
        server_now=now,
        opens_at=delivery.opens_at,
        closes_at=delivery.closes_at + (allowed - paper.allowed) + extra,
        started_at=attempt.started_at,
        deadline_at=attempt.deadline_at,
        allowed_ms=round((allowed + extra).total_seconds() * 1000),
        paused_at=attempt.paused_at,
        break_until=attempt.break_until,
        break_left_ms=break_left_ms(attempt),
        conditions=attempt.conditions,
        title=delivery.title,
        student_name=student_name,
        total_items=paper.total_items,
        position=attempt.position,
        item=items[0] if items else None,
        part_items=items if len(items) > 1 else (),
        sections=tuple(_view_section(section, attempt.conditions, blobs, now) for section in paper.sections),
        demonstration=_view_demonstration(paper.demonstration, blobs, now),
        stored_recordings=tuple(each.recording_id for response in responses for each in response.recordings),
        goes_on_offline=paper.goes_on_offline,
        asks_full_screen=delivery.conditions.full_screen,
        section_key=section_key_of(attempt, paper, secret=secret),
        storage_key=storage_key_of(attempt, secret),
    )


def storage_key_of(attempt: Attempt, secret: str) -> str:
    """What this attempt's devices seal with. Derived: another machine gets the same, and nothing has to be stored."""
    return key_text(derive_key(secret, "storage", attempt.id))


def _address(key: str | None, blobs: Blobs, now: datetime) -> str | None:
    return None if key is None else blobs.presign_get(key, now=now)


def _view_section(section: PaperSection, conditions: Conditions, blobs: Blobs, now: datetime) -> SectionView:
    limit_ms = section.time_limit_ms
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
        time_limit_ms=None if limit_ms is None else conditions.stretched(limit_ms),
    )


def _view_demonstration(demonstration: Demonstration | None, blobs: Blobs, now: datetime) -> DemonstrationView | None:
    if demonstration is None:
        return None
    return DemonstrationView(
        title=demonstration.title, text=demonstration.text, audio_url=_address(demonstration.audio_key, blobs, now)
    )
