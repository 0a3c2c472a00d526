"""What the item bank needs from storage."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from backend.features.items.forms import Form, PublishedFormat
from backend.features.items.model import Item, ItemVersion, PromptAudio, StoredKey


class Items(Protocol):
    """Items, their immutable versions, and their answer keys, which no other call hands out."""

    def find(self, item_id: str) -> Item | None: ...

    def list_all(self) -> Sequence[Item]:
        """By task, then id."""

    def add(self, item: Item) -> None:
        """Raises Conflict when the id exists."""

    def save(self, item: Item, *, seen: Item) -> bool:
        """Replaces the item if its revision still is that of `seen`; says whether it did."""

    def add_version(self, version: ItemVersion, key: StoredKey) -> None:
        """Key first, so that no version is ever without one. Safe to repeat; never changes what is there."""

    def find_version(self, item_id: str, version: int) -> ItemVersion | None: ...

    def list_current_versions(self, items: Iterable[Item]) -> Mapping[str, ItemVersion]:
        """The current version of each item, by item id."""

    def find_key(self, item_id: str, version: int) -> StoredKey | None: ...


class PromptSounds(Protocol):
    """Rendered prompts by `audio_id`."""

    def find_many(self, audio_ids: Iterable[str]) -> Mapping[str, PromptAudio]: ...

    def put(self, audio: PromptAudio) -> None:
        """Safe to repeat."""


class Forms(Protocol):
    """Immutable forms, and which of them a format offers now."""

    def add(self, form: Form) -> bool:
        """Whether it was new. Safe to repeat."""

    def find(self, form_id: str) -> Form | None: ...

    def list_with_item(self, item_id: str) -> Sequence[str]:
        """The ids of the forms that have the item, in any version."""

    def publish(self, offered: PublishedFormat) -> None: ...

    def find_published(self, format_id: str) -> PublishedFormat | None: ...

    def list_published(self) -> Sequence[PublishedFormat]:
        """By id."""

    def withdraw(self, format_id: str) -> None:
        """Offers the format no more; its forms stay. Safe to repeat."""
