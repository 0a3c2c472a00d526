"""Test formats as typed data: which parts, how many items of which kind, how long the windows are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backend.features.items.problems import ConfigProblems, Reader
from backend.features.items.types import ITEM_TYPES

TRAITS = frozenset({"sentence_mastery", "vocabulary", "fluency", "pronunciation"})


class Order(StrEnum):
    """`rising`: from easy to hard. `mixed`: a fixed order that has nothing to do with difficulty."""

    RISING = "rising"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part. `items` and `practice_items` are counts; items come from `pool`, practice items from "practice".

    The window opens when the prompt has ended (`lead_in_ms` of silence stand before it) and lasts `response_ms`; who
    has not begun after `begin_within_ms`, or is silent for `silence_ends_ms` after speaking, is moved on.
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

    @property
    def scored_items(self) -> int:
        return sum(section.items for section in self.sections)


_FORMAT_NAMES = frozenset(
    {"id", "version", "title", "description", "estimated_minutes", "scale", "forms", "demonstration", "sections"}
)
_SECTION_NAMES = frozenset(
    {
        "key", "letter", "title", "task", "instructions", "example", "pool", "items", "practice_items", "order",
        "lead_in_seconds", "response_seconds", "begin_within_seconds", "silence_ends_seconds", "traits",
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


def _read_section(reader: Reader) -> Section:
    reader.only(_SECTION_NAMES)
    section = Section(
        key=reader.text("key"),
        letter=reader.text("letter"),
        title=reader.text("title"),
        task=reader.one_of("task", ITEM_TYPES),
        instructions=reader.text("instructions"),
        example=reader.text("example"),
        pool=reader.text("pool"),
        items=reader.whole("items", least=1, most=60),
        practice_items=reader.whole("practice_items", least=0, most=3),
        order=Order(reader.one_of("order", [order.value for order in Order])),
        lead_in_ms=reader.milliseconds("lead_in_seconds", least_s=0, most_s=5),
        response_ms=reader.milliseconds("response_seconds", least_s=3, most_s=600),
        begin_within_ms=reader.milliseconds("begin_within_seconds", least_s=1, most_s=600),
        silence_ends_ms=reader.milliseconds("silence_ends_seconds", least_s=0.5, most_s=600),
        traits=reader.texts("traits", at_least=0),
    )
    _check_section(reader, section)
    return section


def _check_section(reader: Reader, section: Section) -> None:
    if section.begin_within_ms > section.response_ms:
        reader.note("begin_within_seconds", "is longer than response_seconds")
    if section.silence_ends_ms > section.response_ms:
        reader.note("silence_ends_seconds", "is longer than response_seconds")
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
