"""The item bank in memory, for tests."""

from collections.abc import Iterable, Mapping, Sequence

from backend.core.changes import write_over
from backend.core.errors import Conflict
from backend.features.items.forms import Form, PublishedFormat
from backend.features.items.model import Item, ItemVersion, PromptAudio, StoredKey, version_id
from backend.features.items.repository import Forms, Items, PromptSounds


class MemoryItems(Items):
    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._versions: dict[str, ItemVersion] = {}
        self._keys: dict[str, StoredKey] = {}

    def find(self, item_id: str) -> Item | None:
        return self._items.get(item_id)

    def list_all(self) -> Sequence[Item]:
        return sorted(self._items.values(), key=lambda item: (item.task, item.id))

    def add(self, item: Item) -> None:
        if item.id in self._items:
            raise Conflict("already_exists", "This exists already.")
        self._items[item.id] = item

    def save(self, item: Item, *, seen: Item) -> bool:
        return write_over(self._items, item, seen=seen)

    def add_version(self, version: ItemVersion, key: StoredKey) -> None:
        self._keys.setdefault(key.id, key)
        self._versions.setdefault(version.id, version)

    def find_version(self, item_id: str, version: int) -> ItemVersion | None:
        return self._versions.get(version_id(item_id, version))

    def list_current_versions(self, items: Iterable[Item]) -> Mapping[str, ItemVersion]:
        found = {item.id: self._versions.get(version_id(item.id, item.version)) for item in items}
        return {item_id: version for item_id, version in found.items() if version is not None}

    def find_key(self, item_id: str, version: int) -> StoredKey | None:
        return self._keys.get(version_id(item_id, version))


class MemoryPromptSounds(PromptSounds):
    def __init__(self) -> None:
        self._sounds: dict[str, PromptAudio] = {}

    def find_many(self, audio_ids: Iterable[str]) -> Mapping[str, PromptAudio]:
        return {audio_id: self._sounds[audio_id] for audio_id in audio_ids if audio_id in self._sounds}

    def put(self, audio: PromptAudio) -> None:
        self._sounds[audio.id] = audio


class MemoryForms(Forms):
    def __init__(self) -> None:
        self._forms: dict[str, Form] = {}
        self._published: dict[str, PublishedFormat] = {}

    def add(self, form: Form) -> bool:
        if form.id in self._forms:
            return False
        self._forms[form.id] = form
        return True

    def find(self, form_id: str) -> Form | None:
        return self._forms.get(form_id)

    def list_with_item(self, item_id: str) -> Sequence[str]:
        return sorted(form.id for form in self._forms.values() if any(i.item_id == item_id for i in form.items))

    def publish(self, offered: PublishedFormat) -> None:
        self._published[offered.id] = offered

    def find_published(self, format_id: str) -> PublishedFormat | None:
        return self._published.get(format_id)

    def list_published(self) -> Sequence[PublishedFormat]:
        return [self._published[format_id] for format_id in sorted(self._published)]

    def withdraw(self, format_id: str) -> None:
        self._published.pop(format_id, None)
