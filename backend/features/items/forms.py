"""Forms: frozen, versioned sets of items in sections, made from a format and the bank.

Parallel forms of a format are disjoint and alike: the candidates of a section are ordered by difficulty and dealt in
rounds, one to each form, turning the order of dealing with each round, so that no form always gets the easier item.
The same bank, format and sound make the same forms, whatever the order in which the items come.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from backend.core.errors import Conflict
from backend.core.ports import Script
from backend.features.items.formats import Format, Offline, Order, Section
from backend.features.items.model import LEVELS, AnswerKind, ItemVersion, PromptAudio
from backend.features.items.types import ITEM_TYPES
from backend.features.items.types.base import Place

PRACTICE_POOL = "practice"
# For each section: reading its instructions again and going on; for the whole: loading and small breaks.
SECTION_ALLOWANCE_MS = 45_000
FORM_ALLOWANCE_MS = 120_000
EXAMPLE_PAUSE_MS = 700
# Instructions that are not spoken take about as long to read.
SILENT_READING_MS = 15_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FormItem:
    """One item as it stands in a form. `number` of `of` counts within the section, practice items by themselves.

    `prompt_ms` is the length of the prompt's sound, 0 without one; `window_ms` that of the response window after it.
    """

    position: int
    section_letter: str
    number: int
    of: int
    task: str
    practice: bool
    item_id: str
    item_version: int
    level: str
    shown_text: str | None
    prompt_blob_key: str | None
    prompt_content_type: str | None
    prompt_ms: int
    window_ms: int
    begin_within_ms: int
    silence_end_ms: int
    answer_kind: AnswerKind = AnswerKind.RECORDING
    shown: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSection:
    letter: str
    key: str
    title: str
    task: str
    instructions: str
    example: str
    instructions_blob_key: str | None
    instructions_ms: int
    first_position: int
    item_count: int
    practice_count: int
    traits: tuple[str, ...]
    time_limit_ms: int | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDemonstration:
    title: str
    text: str
    blob_key: str
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Immutable: another item, window or sound makes another form with another id. Holds no answer key."""

    id: str
    format_id: str
    format_version: str
    letter: str
    title: str
    scale: str
    sections: tuple[FormSection, ...]
    items: tuple[FormItem, ...]
    demonstration: FormDemonstration
    created_at: datetime
    goes_on_offline: bool = True

    @property
    def item_count(self) -> int:
        return len(self.items)

    @property
    def allowed(self) -> timedelta:
        """The longest that an attempt may take: every prompt, every window in full, time to read the instructions."""
        limits = {part.letter: part.time_limit_ms for part in self.sections if part.time_limit_ms is not None}
        own = [item for item in self.items if item.section_letter not in limits]
        windows_ms = sum(item.prompt_ms + item.window_ms for item in own) + sum(limits.values())
        sections_ms = sum(section.instructions_ms + SECTION_ALLOWANCE_MS for section in self.sections)
        return timedelta(milliseconds=windows_ms + sections_ms + FORM_ALLOWANCE_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFormat:
    """The forms of a format that new deliveries use, in the order of their letters."""

    id: str
    version: str
    title: str
    description: str
    estimated_minutes: int
    item_count: int
    allowed_ms: int
    form_ids: tuple[str, ...]
    published_at: datetime

    @property
    def allowed(self) -> timedelta:
        return timedelta(milliseconds=self.allowed_ms)


class FormShortage(Conflict):
    """The bank has too few active items; `lacking` names each section, what it has and what it needs."""

    def __init__(self, lacking: Sequence[str]) -> None:
        super().__init__("bank_too_small", "The item bank has too few active items: " + "; ".join(lacking) + ".")
        self.lacking = tuple(lacking)


# -- which items -----------------------------------------------------------------------------------------------------


def difficulty(item: ItemVersion) -> tuple[int, int, str]:
    """What items are ordered by, easy first: level, then length; repeats by length, then level."""
    level = LEVELS.index(item.level)
    return (item.word_count, level, item.id) if item.task == "repeat" else (level, item.word_count, item.id)


def _shuffled(item: ItemVersion) -> str:
    return hashlib.sha256(item.id.encode()).hexdigest()


def _spread(count: int, wanted: int) -> list[int]:
    """`wanted` of the numbers 0..count-1, evenly spread, both ends among them."""
    if wanted == 1:
        return [count // 2]
    return [round(at * (count - 1) / (wanted - 1)) for at in range(wanted)]


def select_scored(section: Section, items: Sequence[ItemVersion], *, turn: int, forms: int) -> list[ItemVersion]:
    """The items of the form number `turn` (from 0) of `forms` parallel ones. Empty when the bank has too few."""
    candidates = sorted((i for i in items if i.task in section.tasks and i.pool == section.pool), key=difficulty)
    if section.order is Order.SETS:
        return _select_sets(section, candidates, turn=turn, forms=forms)
    rounds = [candidates[at : at + forms] for at in range(0, len(candidates) - forms + 1, forms)]
    if len(rounds) < section.items:
        return []
    chosen = [rounds[at] for at in _spread(len(rounds), section.items)]
    dealt = [group[(turn + at) % forms] for at, group in enumerate(chosen)]
    return dealt if section.order is Order.RISING else sorted(dealt, key=_shuffled)


def _select_sets(section: Section, candidates: Sequence[ItemVersion], *, turn: int, forms: int) -> list[ItemVersion]:
    """Whole sets, dealt in rounds, until the section is full to the item. Empty when no whole sets make that many."""
    sets: dict[str, list[ItemVersion]] = {}
    for item in sorted(candidates, key=lambda item: (LEVELS.index(item.level), item.id)):
        sets.setdefault(item.stimulus_id or item.id, []).append(item)
    dealt: list[ItemVersion] = []
    for number, name in enumerate(sets):
        whole = sorted(sets[name], key=lambda item: item.id)
        if number % forms == turn and len(dealt) + len(whole) <= section.items:
            dealt += whole
    return dealt if len(dealt) == section.items else []


def select_practice(section: Section, items: Sequence[ItemVersion], *, turn: int) -> list[ItemVersion]:
    """The unscored items before the others; parallel forms may share them. Empty when there are too few."""
    wanted = section.practice_items
    candidates = sorted((i for i in items if i.task == section.task and i.pool == PRACTICE_POOL), key=difficulty)
    if len(candidates) < wanted:
        return []
    return [candidates[(turn * wanted + at) % len(candidates)] for at in range(wanted)]


def check_supply(format_: Format, items: Sequence[ItemVersion]) -> None:
    """Raises FormShortage when the active items do not suffice for all parallel forms."""
    lacking = []
    for section in format_.sections:
        turns = range(len(format_.forms)) if section.order is Order.SETS else ()
        if not all(select_scored(section, items, turn=turn, forms=len(format_.forms)) for turn in turns):
            lacking.append(f"part {section.letter} needs whole sets of {section.items} items for each form")
        for pool, tasks, needed in (
            (section.pool, section.tasks, section.items * len(format_.forms)),
            (PRACTICE_POOL, (section.task,), section.practice_items),
        ):
            there = sum(1 for item in items if item.task in tasks and item.pool == pool)
            if there < needed:
                lacking.append(f"part {section.letter} needs {needed} of pool {pool}, there are {there}")
    if lacking:
        raise FormShortage(lacking)
    _check_unheard(format_, items)


def _check_unheard(format_: Format, items: Sequence[ItemVersion]) -> None:
    """What is heard is heard once, when its item opens: a part with one window for all its items has no such items."""
    for section in format_.sections:
        mine = [item for item in items if item.task in section.tasks and item.pool == section.pool]
        heard = any(item_script(item, Place(number=1, practice=False), section) is not None for item in mine)
        if section.time_limit_ms is not None and heard:
            raise Conflict(
                "part_is_heard",
                f"Part {section.letter} has one time limit for its items, but items of pool {section.pool} are heard.",
            )


# -- what is heard ---------------------------------------------------------------------------------------------------


def item_script(
    item: ItemVersion, place: Place, section: Section, *, before: ItemVersion | None = None
) -> Script | None:
    """What is heard of an item; a stimulus that the item before it shares has been heard already."""
    if item.stimulus_id is not None and before is not None and before.stimulus_id == item.stimulus_id:
        return None
    return ITEM_TYPES[item.task].script_of(item.heard, place, section.lead_in_ms)


def instructions_script(section: Section) -> Script | None:
    """Spoken where the part is: who reads and types reads its instructions."""
    if ITEM_TYPES[section.task].script is None:
        return None
    title = f"Part {section.letter}. {section.title}."
    return Script(phrases=(title, section.instructions, section.example), pause_ms=EXAMPLE_PAUSE_MS)


def demonstration_script(format_: Format) -> Script:
    return Script(phrases=format_.demonstration.spoken, pause_ms=EXAMPLE_PAUSE_MS)


def scripts_of(format_: Format, items: Sequence[ItemVersion]) -> list[Script]:
    """Everything that the parallel forms of a format say; raises FormShortage."""
    check_supply(format_, items)
    scripts: list[Script | None] = [demonstration_script(format_)]
    for section in format_.sections:
        scripts.append(instructions_script(section))
        for letter in format_.forms:
            scripts += [script for _, _, script in _scripted(format_, letter, section, items)]
    return list(dict.fromkeys(script for script in scripts if script is not None))


def _scripted(
    format_: Format, letter: str, section: Section, items: Sequence[ItemVersion]
) -> list[tuple[ItemVersion, Place, Script | None]]:
    placed = _placed(format_, letter, section, items)
    before = [None, *(item for item, _ in placed)]
    return [
        (item, place, item_script(item, place, section, before=earlier))
        for (item, place), earlier in zip(placed, before, strict=False)
    ]


def _placed(
    format_: Format, letter: str, section: Section, items: Sequence[ItemVersion]
) -> list[tuple[ItemVersion, Place]]:
    turn = format_.forms.index(letter)
    practice = select_practice(section, items, turn=turn)
    scored = select_scored(section, items, turn=turn, forms=len(format_.forms))
    return [(item, Place(number=at, practice=True)) for at, item in enumerate(practice, start=1)] + [
        (item, Place(number=at, practice=False)) for at, item in enumerate(scored, start=1)
    ]


# -- the form --------------------------------------------------------------------------------------------------------


def assemble_form(
    *,
    format_: Format,
    letter: str,
    items: Sequence[ItemVersion],
    audio: Callable[[Script], PromptAudio],
    now: datetime,
) -> Form:
    """The form `letter` of a format, from the current versions of the active items and their rendered sound.

    Deterministic but for `created_at`, which does not count for the id. Raises FormShortage.
    """
    check_supply(format_, items)
    form_items: list[FormItem] = []
    sections: list[FormSection] = []
    for section in format_.sections:
        instructions = _sound(instructions_script(section), audio)
        sections.append(_form_section(section, instructions, first_position=len(form_items)))
        for item, place, script in _scripted(format_, letter, section, items):
            sound = _sound(script, audio)
            form_items.append(_form_item(item, place, section, sound, position=len(form_items)))
    spoken = audio(demonstration_script(format_))
    form = Form(
        id="",
        format_id=format_.id,
        format_version=format_.version,
        letter=letter,
        title=format_.title,
        scale=format_.scale,
        sections=tuple(sections),
        items=tuple(form_items),
        demonstration=FormDemonstration(
            title=format_.demonstration.title,
            text=format_.demonstration.text,
            blob_key=spoken.blob_key,
            duration_ms=spoken.duration_ms,
        ),
        created_at=now,
        goes_on_offline=format_.offline is Offline.CONTINUE,
    )
    return replace(form, id=f"{format_.id}-{letter}-{_content_hash(form)}")


def _sound(script: Script | None, audio: Callable[[Script], PromptAudio]) -> PromptAudio | None:
    return None if script is None else audio(script)


def _content_hash(form: Form) -> str:
    content = repr((form.format_id, form.format_version, form.letter, form.title, form.scale, form.goes_on_offline))
    content += repr((form.sections, form.items, form.demonstration))
    limits = [(part.letter, part.time_limit_ms) for part in form.sections if part.time_limit_ms is not None]
    content += repr(limits) if limits else ""  # forms without any keep the id that they always had
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _form_section(section: Section, sound: PromptAudio | None, *, first_position: int) -> FormSection:
    return FormSection(
        letter=section.letter,
        key=section.key,
        title=section.title,
        task=section.task,
        instructions=section.instructions,
        example=section.example,
        instructions_blob_key=sound.blob_key if sound else None,
        instructions_ms=sound.duration_ms if sound else SILENT_READING_MS,
        first_position=first_position,
        item_count=section.items + section.practice_items,
        practice_count=section.practice_items,
        traits=section.traits,
        time_limit_ms=section.time_limit_ms,
    )


def _form_item(
    item: ItemVersion, place: Place, section: Section, sound: PromptAudio | None, *, position: int
) -> FormItem:
    shown = {**item.shown, "reading_ms": section.reading_ms} if section.reading_ms else item.shown
    return FormItem(
        position=position,
        section_letter=section.letter,
        number=place.number,
        of=section.practice_items if place.practice else section.items,
        task=item.task,
        practice=place.practice,
        item_id=item.item_id,
        item_version=item.version,
        level=item.level,
        shown_text=item.shown_text,
        prompt_blob_key=sound.blob_key if sound else None,
        prompt_content_type=sound.content_type if sound else None,
        prompt_ms=sound.duration_ms if sound else 0,
        window_ms=section.window_ms,
        begin_within_ms=section.begin_within_ms,
        silence_end_ms=section.silence_ends_ms,
        answer_kind=ITEM_TYPES[item.task].answer_kind,
        shown=shown,
    )


def published(format_: Format, forms: Sequence[Form], *, now: datetime) -> PublishedFormat:
    """What is offered of a format: these forms, in the order of their letters."""
    return PublishedFormat(
        id=format_.id,
        version=format_.version,
        title=format_.title,
        description=format_.description,
        estimated_minutes=format_.estimated_minutes,
        item_count=max(form.item_count for form in forms),
        allowed_ms=round(max(form.allowed for form in forms).total_seconds() * 1_000),
        form_ids=tuple(form.id for form in forms),
        published_at=now,
    )
