"""The paper: everything an attempt needs of its form, in the order in which a candidate meets it.

Holds no answer key. Frozen, as forms are, so a process may keep it for as long as it lives.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from backend.core.errors import NotFound
from backend.features.items.model import AnswerKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperItem:
    """One item as the candidate gets it. `number` counts within its section from 1, up to `of`.

    `shown`: options, gaps, points and the like, as the item's type has them; never a key.
    """

    position: int
    section_letter: str
    number: int
    of: int
    task: str
    practice: bool
    text: str | None
    prompt_key: str | None
    prompt_content_type: str | None
    prompt_ms: int
    window_ms: int
    begin_within_ms: int
    silence_end_ms: int
    item_id: str
    item_version: int
    answer_kind: AnswerKind = AnswerKind.RECORDING
    shown: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_spoken(self) -> bool:
        return self.answer_kind is AnswerKind.RECORDING


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSection:
    """`time_limit_ms`: one time for all its items, between which the candidate goes to and fro; None: each has its own
    (`PaperItem.window_ms`, which otherwise is the part's). `traits`: the subscores that it feeds."""

    letter: str
    title: str
    task: str
    instructions: str
    example: str
    instructions_audio_key: str | None
    first_position: int
    item_count: int
    practice_count: int
    time_limit_ms: int | None = None
    traits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """The spoken example that is heard before the test."""

    title: str
    text: str
    audio_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """`scale` is the id of the scale that results are reported on, as the form was made with: no file is asked later.

    `goes_on_offline`: whether candidates may go on while they are cut off (the format's `offline`)."""

    form_id: str
    sections: tuple[PaperSection, ...]
    items: tuple[PaperItem, ...]
    demonstration: Demonstration | None
    allowed: timedelta
    goes_on_offline: bool = True
    scale: str = ""

    @property
    def is_spoken(self) -> bool:
        """Whether every item is answered by voice."""
        return all(item.is_spoken for item in self.items)

    @property
    def total_items(self) -> int:
        return len(self.items)

    def get_item(self, position: int) -> PaperItem:
        """Raises NotFound for a position that the form does not have."""
        if not 0 <= position < len(self.items):
            raise NotFound()
        return self.items[position]

    def window_of(self, position: int) -> range:
        """The items that share a clock with this one: itself alone, or its whole part."""
        for part in self.sections:
            items = range(part.first_position, part.first_position + part.item_count)
            if part.time_limit_ms is not None and position in items:
                return items
        return range(position, position + 1)

    def section_letter_at(self, position: int) -> str:
        """The section of the item at `position`; past the end, the last one's."""
        return self.items[min(position, len(self.items) - 1)].section_letter
