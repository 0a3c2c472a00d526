"""The item bank as documents. Answer keys have their own collection, so that no reply can carry one by accident."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from backend.features.items.forms import Form, PublishedFormat
from backend.features.items.model import Item, ItemVersion, PromptAudio, StoredKey, version_id
from backend.features.items.repository import Forms, Items, PromptSounds
from backend.features.items.types import ITEM_TYPES
from backend.storage import CollectionSpec, IndexSpec, MongoDatabase, Records, RevisedRecords

T = TypeVar("T")
_CHUNK = 200

COLLECTIONS = (
    CollectionSpec(name="items", indexes=(IndexSpec(keys=(("task", 1),)),)),
    CollectionSpec(name="item_versions"),
    CollectionSpec(name="answer_keys"),
    CollectionSpec(name="prompt_audio"),
    CollectionSpec(name="forms"),
    CollectionSpec(name="form_uses", indexes=(IndexSpec(keys=(("item_id", 1),)),)),
    CollectionSpec(name="published_formats", indexes=(IndexSpec(keys=(("offered", 1),)),)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormUse:
    """That a form has an item: written before the form, so that none is missing."""

    id: str
    item_id: str
    form_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What is offered of a format; `offered` False keeps the place of a withdrawn one."""

    id: str
    offered: bool
    content: PublishedFormat


class MongoItems(Items):
    def __init__(self, database: MongoDatabase) -> None:
        self._items = RevisedRecords(database, "items", Item)
        self._versions = Records(database, "item_versions", ItemVersion)
        self._keys = Records(database, "answer_keys", StoredKey)

    def find(self, item_id: str) -> Item | None:
        return self._items.find(item_id)

    def list_all(self) -> Sequence[Item]:
        # One query a task: a list of all of them would not use the index on every engine.
        items = [item for task in ITEM_TYPES for item in self._items.list_by({"task": task})]
        return sorted(items, key=lambda item: (item.task, item.id))

    def add(self, item: Item) -> None:
        self._items.insert(item)

    def save(self, item: Item, *, seen: Item) -> bool:
        return self._items.save(item, seen=seen)

    def add_version(self, version: ItemVersion, key: StoredKey) -> None:
        self._keys.insert_if_absent(key)
        self._versions.insert_if_absent(version)

    def find_version(self, item_id: str, version: int) -> ItemVersion | None:
        return self._versions.find(version_id(item_id, version))

    def list_current_versions(self, items: Iterable[Item]) -> Mapping[str, ItemVersion]:
        found = _in_chunks(self._versions, [version_id(item.id, item.version) for item in items])
        return {version.item_id: version for version in found.values()}

    def find_key(self, item_id: str, version: int) -> StoredKey | None:
        return self._keys.find(version_id(item_id, version))


class MongoPromptSounds(PromptSounds):
    def __init__(self, database: MongoDatabase) -> None:
        self._sounds = Records(database, "prompt_audio", PromptAudio)

    def find_many(self, audio_ids: Iterable[str]) -> Mapping[str, PromptAudio]:
        return _in_chunks(self._sounds, list(audio_ids))

    def put(self, audio: PromptAudio) -> None:
        self._sounds.put(audio)


class MongoForms(Forms):
    def __init__(self, database: MongoDatabase) -> None:
        self._forms = Records(database, "forms", Form)
        self._uses = Records(database, "form_uses", FormUse)
        self._published = Records(database, "published_formats", Publication)

    def add(self, form: Form) -> bool:
        if self._forms.find(form.id) is not None:
            return False
        for item in form.items:
            use = FormUse(id=f"{form.id}:{item.position}", item_id=item.item_id, form_id=form.id)
            self._uses.insert_if_absent(use)
        return self._forms.insert_if_absent(form)

    def find(self, form_id: str) -> Form | None:
        return self._forms.find(form_id)

    def list_with_item(self, item_id: str) -> Sequence[str]:
        return sorted({use.form_id for use in self._uses.list_by({"item_id": item_id})})

    def publish(self, offered: PublishedFormat) -> None:
        self._published.put(Publication(id=offered.id, offered=True, content=offered))

    def find_published(self, format_id: str) -> PublishedFormat | None:
        found = self._published.find(format_id)
        return found.content if found is not None and found.offered else None

    def list_published(self) -> Sequence[PublishedFormat]:
        offered = [found.content for found in self._published.list_by({"offered": True})]
        return sorted(offered, key=lambda content: content.id)

    def withdraw(self, format_id: str) -> None:
        self._published.change(format_id, {"offered": True}, {"offered": False})


def _in_chunks(records: Records[T], ids: Sequence[str]) -> dict[str, T]:
    return {
        found_id: record
        for start in range(0, len(ids), _CHUNK)
        for found_id, record in records.find_many(ids[start : start + _CHUNK]).items()
    }
