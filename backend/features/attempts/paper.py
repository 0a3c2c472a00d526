"""The paper: everything an attempt needs of its form, in the order in which a candidate meets it.

Holds no answer key. Frozen, as forms are, so a process may keep it for as long as it lives.
"""

from dataclasses import dataclass
from datetime import timedelta

from backend.core.errors import NotFound
from backend.features.attempts.model import ItemClock


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperItem:
    """One item as the candidate gets it. `number` counts within its section from 1, up to `of`."""

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

    @property
    def clock(self) -> ItemClock:
        return ItemClock(prompt_ms=self.prompt_ms, window_ms=self.window_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSection:
    letter: str
    title: str
    task: str
    instructions: str
    example: str
    instructions_audio_key: str | None
    first_position: int
    item_count: int
    practice_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """The spoken example that is heard before the test."""

    title: str
    text: str
    audio_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    form_id: str
    sections: tuple[PaperSection, ...]
    items: tuple[PaperItem, ...]
    demonstration: Demonstration | None
    allowed: timedelta

    @property
    def total_items(self) -> int:
        return len(self.items)

    def get_item(self, position: int) -> PaperItem:
        """Raises NotFound for a position that the form does not have."""
        if not 0 <= position < len(self.items):
            raise NotFound()
        return self.items[position]

    def section_letter_at(self, position: int) -> str:
        """The section of the item at `position`; past the end, the last one's."""
        return self.items[min(position, len(self.items) - 1)].section_letter
