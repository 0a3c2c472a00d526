"""Test formats as typed data: which parts, how many items of which kind, how long the windows are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backend.features.items.model import AnswerKind
from backend.features.items.problems import ConfigProblems, Reader
from backend.features.items.types import ITEM_TYPES
from backend.scoring.score import Trait

TRAITS = frozenset(trait.value for trait in Trait)


class Order(StrEnum):
    """`rising`: from easy to hard. `mixed`: a fixed order that has nothing to do with difficulty. `sets`: items that
    share a stimulus stay together, in the order of their ids."""

    RISING = "rising"
    MIXED = "mixed"
    SETS = "sets"


class Offline(StrEnum):
    """What a candidate's client does while it is cut off: go on, and bring everything later, or wait."""

    CONTINUE = "continue"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part. `items` and `practice_items` are counts; items come from `pool`, practice items from "practice".

    The window opens when the prompt has ended (`lead_in_ms` of silence stand before it) and lasts `response_ms`; who
    has not begun after `begin_within_ms`, or is silent for `silence_ends_ms` after speaking, is moved on.
    Of typed and chosen parts the window alone counts; `reading_ms` of it stand first, for a text that then goes.
    With `time_limit_ms` the part has one window for all its items instead of one for each, and the candidate goes to
    and fro between them; only for what is typed or chosen, and not heard.
    `other_tasks` are those that the sets of this part may ask about their text beside `task`.
    `traits` are the subscores that this part feeds; none means that it is recorded for raters only.
    """

    key: str
    letter: str
    title: str
    task: str
    instructions: str
    example: str
    pool: str
    items: int
    practice_items: int
    order: Order
    lead_in_ms: int
    response_ms: int
    begin_within_ms: int
    silence_ends_ms: int
    traits: tuple[str, ...]
    reading_ms: int = 0
    time_limit_ms: int | None = None
    other_tasks: tuple[str, ...] = ()

    @property
    def tasks(self) -> tuple[str, ...]:
        return (self.task, *self.other_tasks)

    @property
    def window_ms(self) -> int:
        """Of an item; with a time limit, of the part."""
        return self.reading_ms + self.response_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatDemonstration:
    """What is heard and read before the test starts; nothing is recorded."""

    title: str
    text: str
    spoken: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """`forms` are the letters of its parallel forms; `scale` names the cut table that its results use."""

    id: str
    version: str
    title: str
    description: str
    estimated_minutes: int
    scale: str
    forms: tuple[str, ...]
    demonstration: FormatDemonstration
    sections: tuple[Section, ...]
    offline: Offline = Offline.CONTINUE


_FORMAT_NAMES = frozenset(
    {
        "id", "version", "title", "description", "estimated_minutes", "scale", "forms", "demonstration", "sections",
        "offline",
    }
)  # fmt: skip
_SECTION_NAMES = frozenset(
    {
        "key", "letter", "title", "task", "instructions", "example", "pool", "items", "practice_items", "order",
        "lead_in_seconds", "response_seconds", "begin_within_seconds", "silence_ends_seconds", "reading_seconds",
        "traits", "time_limit_seconds", "other_tasks",
    }
)  # fmt: skip


def read_format(data: Mapping[str, object], *, file: str) -> Format:
    """The format of a file's content. Raises ConfigProblems with every mistake, each naming file, place and problem."""
    reader = Reader(file=file, path="", data=data)
    reader.only(_FORMAT_NAMES)
    sections = tuple(_read_section(part) for part in reader.parts("sections"))
    made = Format(
        id=reader.text("id"),
        version=reader.text("version"),
        title=reader.text("title"),
        description=reader.text("description"),
        estimated_minutes=reader.whole("estimated_minutes", least=1, most=180),
        scale=reader.text("scale"),
        forms=reader.texts("forms", at_least=1),
        demonstration=_read_demonstration(reader.part("demonstration")),
        sections=sections,
        offline=Offline(reader.one_of("offline", list(Offline))) if "offline" in data else Offline.CONTINUE,
    )
    _check_names(reader, made)
    if reader.problems:
        raise ConfigProblems(reader.problems)
    return made


def _read_demonstration(reader: Reader) -> FormatDemonstration:
    reader.only(("title", "text", "spoken"))
    return FormatDemonstration(
        title=reader.text("title"), text=reader.text("text"), spoken=reader.texts("spoken", at_least=1)
    )


# What an item's own window is made of, which a part with one window for all its items has not.
_OF_AN_ITEM = (
    "response_seconds", "begin_within_seconds", "silence_ends_seconds", "reading_seconds", "lead_in_seconds",
)  # fmt: skip


def _read_section(reader: Reader) -> Section:
    reader.only(_SECTION_NAMES)
    task = reader.one_of("task", ITEM_TYPES)
    spoken = ITEM_TYPES[task].answer_kind is AnswerKind.RECORDING
    time_limit_ms = _read_time_limit(reader, spoken=spoken)
    response_ms = time_limit_ms or reader.milliseconds("response_seconds", least_s=3, most_s=1_800)
    whole = None if spoken else response_ms / 1_000
    section = Section(
        key=reader.text("key"),
        letter=reader.text("letter"),
        title=reader.text("title"),
        task=task,
        instructions=reader.text("instructions"),
        example=reader.text("example"),
        pool=reader.text("pool"),
        items=reader.whole("items", least=1, most=60),
        practice_items=reader.whole("practice_items", least=0, most=3),
        order=Order(reader.one_of("order", [order.value for order in Order])),
        lead_in_ms=reader.milliseconds("lead_in_seconds", least_s=0, most_s=5, default=None if spoken else 0),
        response_ms=response_ms,
        begin_within_ms=reader.milliseconds("begin_within_seconds", least_s=1, most_s=1_800, default=whole),
        silence_ends_ms=reader.milliseconds("silence_ends_seconds", least_s=0.5, most_s=1_800, default=whole),
        reading_ms=reader.milliseconds("reading_seconds", least_s=0, most_s=300, default=0),
        time_limit_ms=time_limit_ms,
        other_tasks=reader.texts("other_tasks", at_least=1) if "other_tasks" in reader.data else (),
        traits=reader.texts("traits", at_least=0),
    )
    _check_section(reader, section)
    return section


def _read_time_limit(reader: Reader, *, spoken: bool) -> int | None:
    """The one window of a part; None where its items have one each."""
    if "time_limit_seconds" not in reader.data:
        return None
    if spoken:
        reader.note("time_limit_seconds", "is for parts that are typed or chosen: each recording has its own window")
        return None
    for name in _OF_AN_ITEM:
        if name in reader.data:
            reader.note(name, "is of a single item: a part with time_limit_seconds has one time for all its items")
    if reader.data.get("practice_items"):
        reader.note("practice_items", "must be 0 in a part with time_limit_seconds")
    return reader.milliseconds("time_limit_seconds", least_s=30, most_s=5_400)


def _check_section(reader: Reader, section: Section) -> None:
    if section.begin_within_ms > section.response_ms:
        reader.note("begin_within_seconds", "is longer than response_seconds")
    if section.silence_ends_ms > section.response_ms:
        reader.note("silence_ends_seconds", "is longer than response_seconds")
    if section.other_tasks and section.order is not Order.SETS:
        reader.note("other_tasks", "are for parts whose order is sets")
    for task in section.other_tasks:
        if task == section.task or task not in ITEM_TYPES or ITEM_TYPES[task].answer_kind is AnswerKind.RECORDING:
            reader.note("other_tasks", f"{task} is no other task that is typed or chosen")
    for trait in sorted(set(section.traits) - TRAITS):
        reader.note("traits", f"{trait} is none of {', '.join(sorted(TRAITS))}")


def _check_names(reader: Reader, made: Format) -> None:
    for name, values in (
        ("letter", [section.letter for section in made.sections]),
        ("key", [section.key for section in made.sections]),
    ):
        for value in _twice(values):
            reader.note("sections", f"two have the {name} {value}")
    for letter in _twice(made.forms):
        reader.note("forms", f"{letter} is there twice")


def _twice(values: Sequence[str]) -> list[str]:
    return sorted({value for value in values if value and values.count(value) > 1})
