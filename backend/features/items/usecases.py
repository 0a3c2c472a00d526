"""Reading the bank, retiring items, and keeping items, sound and forms in step with the files."""

import contextlib
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from backend.core.actor import Actor
from backend.core.errors import Conflict, Forbidden, NotFound, PermanentFailure
from backend.core.ports import Blobs, Script, SpokenAudio, Voice
from backend.features.audit.repository import AuditLog
from backend.features.audit.usecases import record
from backend.features.items.access import check_reads_bank
from backend.features.items.formats import Format
from backend.features.items.forms import Form, FormShortage, assemble_form, published, scripts_of
from backend.features.items.model import (
    BankItem,
    Item,
    ItemStatus,
    ItemVersion,
    PromptAudio,
    StoredKey,
    audio_id,
    check_reason,
    version_id,
)
from backend.features.items.repository import Forms, Items, PromptSounds
from backend.features.items.types import ITEM_TYPES
from backend.scoring.keys import AnswerKey, key_from_dict

GONE_FROM_BANK = "No longer in the bank's files."


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedItem:
    """An item with its current content."""

    item: Item
    current: ItemVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFilter:
    """What a person looks for; empty matches everything."""

    task: str = ""
    level: str = ""
    status: str = ""
    pool: str = ""
    text: str = ""

    def matches(self, listed: ListedItem) -> bool:
        return (
            self.task in ("", listed.item.task)
            and self.level in ("", listed.current.level)
            and self.status in ("", listed.item.status.value)
            and self.pool in ("", listed.current.pool)
            and all(word in f"{listed.current.headline} {listed.item.id}".casefold() for word in self._words)
        )

    @property
    def _words(self) -> list[str]:
        return self.text.casefold().split()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSound:
    """What is heard for an item in a form."""

    blob_key: str
    content_type: str
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDetail:
    """All that an admin sees of an item; `sounds` are those of its current version, each once."""

    listed: ListedItem
    key: StoredKey | None
    sounds: tuple[ItemSound, ...]
    forms: tuple[Form, ...]


def list_items(*, actor: Actor, wanted: ItemFilter, items: Items) -> list[ListedItem]:
    """The items that match, by task, level and id; for admins only."""
    check_reads_bank(actor)
    return [listed for listed in _listed(items) if wanted.matches(listed)]


def _listed(items: Items) -> list[ListedItem]:
    stored = items.list_all()
    current = items.list_current_versions(stored)
    found = [ListedItem(item=item, current=current[item.id]) for item in stored if item.id in current]
    order = list(ITEM_TYPES)
    return sorted(found, key=lambda one: (order.index(one.item.task), one.current.level, one.item.id))


def get_item_detail(*, actor: Actor, item: Item, items: Items, forms: Forms) -> ItemDetail:
    """The item with its key, its sound and the forms that have it; for admins only."""
    check_reads_bank(actor)
    current = items.find_version(item.id, item.version)
    if current is None:
        raise PermanentFailure("item_version_missing")
    with_item = tuple(form for form_id in forms.list_with_item(item.id) if (form := forms.find(form_id)) is not None)
    return ItemDetail(
        listed=ListedItem(item=item, current=current),
        key=items.find_key(item.id, item.version),
        sounds=_sounds_in_forms(item, with_item),
        forms=with_item,
    )


def _sounds_in_forms(item: Item, forms: Iterable[Form]) -> tuple[ItemSound, ...]:
    sounds = [
        ItemSound(blob_key=one.prompt_blob_key, content_type=one.prompt_content_type, duration_ms=one.prompt_ms)
        for form in forms
        for one in form.items
        if one.item_id == item.id and one.item_version == item.version
        if one.prompt_blob_key is not None and one.prompt_content_type is not None
    ]
    return tuple(dict.fromkeys(sounds))


def get_item_sound(*, actor: Actor, item: Item, number: int, items: Items, forms: Forms) -> ItemSound:
    """The sound number `number` (from 0) of the item's current version; NotFound when it has none."""
    sounds = get_item_detail(actor=actor, item=item, items=items, forms=forms).sounds
    if not 0 <= number < len(sounds):
        raise NotFound()
    return sounds[number]


def change_status(
    *,
    actor: Actor,
    item: Item,
    status: ItemStatus,
    reason: str,
    items: Items,
    audit_log: AuditLog,
    now: datetime,
    new_id: Callable[[], str],
) -> Item:
    """Retires the item, which needs a reason, or makes it active again. Superadmins only. Safe to repeat.

    Forms that have the item keep it; the next forms are made without it.
    """
    if not actor.is_superadmin:
        raise Forbidden("not_yours_to_change", "Only a superadmin may change the item bank.")
    if item.status is status:
        return item
    changed = replace(
        item,
        status=status,
        status_reason=check_reason(reason, needed=status is ItemStatus.RETIRED),
        status_changed_at=now,
        status_changed_by=actor.account_id,
        revision=item.revision + 1,
    )
    if not items.save(changed, seen=item):
        raise Conflict("changed_meanwhile", "Somebody changed this item meanwhile. Look at it again.")
    record(
        actor_id=actor.account_id,
        campus_id=None,
        action="item_retired" if status is ItemStatus.RETIRED else "item_activated",
        subject_kind="item",
        subject_id=item.id,
        audit_log=audit_log,
        now=now,
        new_id=new_id,
        version=item.version,
    )
    return changed


# -- in step with the files ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSummary:
    """How many items were new, got a new version, were the same, and left the files."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    retired: int = 0


def sync_bank(*, bank: Sequence[BankItem], items: Items, now: datetime) -> SyncSummary:
    """Brings the stored items in step with the files. Safe to repeat, and to break off.

    Changed content is a new version; the versions before it stay. An item that a person retired stays retired; one that
    is not in the files any more is retired.
    """
    counts = {"added": 0, "changed": 0, "unchanged": 0, "retired": 0}
    for bank_item in bank:
        counts[_sync_item(bank_item, items, now)] += 1
    in_files = {bank_item.id for bank_item in bank}
    for stored in items.list_all():
        if stored.id not in in_files and stored.status is ItemStatus.ACTIVE:
            _retire(stored, GONE_FROM_BANK, items, now)
            counts["retired"] += 1
    return SyncSummary(**counts)


def _sync_item(bank_item: BankItem, items: Items, now: datetime) -> str:
    stored = items.find(bank_item.id)
    if stored is None:
        _add_version(bank_item, bank_item.version, items, now)
        items.add(_first(bank_item, now))
        return "added"
    outcome = "unchanged"
    if stored.content_hash != bank_item.content_hash:
        number = max(bank_item.version, stored.version + 1)
        _add_version(bank_item, number, items, now)
        changed = replace(stored, version=number, task=bank_item.task, content_hash=bank_item.content_hash)
        stored = _saved(changed, stored, items)
        outcome = "changed"
    _sync_status(bank_item, stored, items, now)
    return outcome


def _sync_status(bank_item: BankItem, stored: Item, items: Items, now: datetime) -> None:
    if bank_item.status is ItemStatus.RETIRED and stored.status is ItemStatus.ACTIVE:
        _retire(stored, "Retired in the bank's files.", items, now)
    returned = stored.status is ItemStatus.RETIRED and stored.status_reason == GONE_FROM_BANK
    if bank_item.status is ItemStatus.ACTIVE and returned:
        active = replace(stored, status=ItemStatus.ACTIVE, status_reason="", status_changed_at=now)
        _saved(active, stored, items)


def _retire(stored: Item, reason: str, items: Items, now: datetime) -> None:
    _saved(
        replace(
            stored,
            status=ItemStatus.RETIRED,
            status_reason=reason,
            status_changed_at=now,
            status_changed_by=None,
        ),
        stored,
        items,
    )


def _saved(after: Item, seen: Item, items: Items) -> Item:
    made = replace(after, revision=seen.revision + 1)
    if not items.save(made, seen=seen):
        raise Conflict("changed_meanwhile", "Somebody changed this item meanwhile. Try again.")
    return made


def _first(bank_item: BankItem, now: datetime) -> Item:
    return Item(
        id=bank_item.id,
        task=bank_item.task,
        version=bank_item.version,
        content_hash=bank_item.content_hash,
        status=bank_item.status,
        status_reason="",
        status_changed_at=now,
        status_changed_by=None,
    )


def _add_version(bank_item: BankItem, number: int, items: Items, now: datetime) -> None:
    name = version_id(bank_item.id, number)
    body = bank_item.body
    items.add_version(
        ItemVersion(
            id=name,
            item_id=bank_item.id,
            version=number,
            task=bank_item.task,
            level=bank_item.level,
            pool=bank_item.pool,
            shown_text=body.shown_text,
            heard=body.heard,
            headline=body.headline,
            created_at=now,
            shown=body.shown,
        ),
        StoredKey(id=name, item_id=bank_item.id, version=number, task=bank_item.task, content=body.answer_key),
    )


def list_active_versions(*, items: Items) -> list[ItemVersion]:
    """What new forms are made of."""
    return [listed.current for listed in _listed(items) if listed.item.status is ItemStatus.ACTIVE]


# -- sound and forms -------------------------------------------------------------------------------------------------

Progress = Callable[[int, int], None]


def prepare_sounds(
    *,
    scripts: Sequence[Script],
    voice: Voice,
    blobs: Blobs,
    sounds: PromptSounds,
    now: datetime,
    progress: Progress = lambda done, total: None,  # noqa: ARG005 - the names are the contract
) -> dict[Script, PromptAudio]:
    """The sound of every script in this voice, rendering and storing what is missing. Safe to repeat, and to break off.

    `progress(done, total)` counts scripts.
    """
    known = sounds.find_many([audio_id(script, voice.version) for script in scripts])
    ready = {
        script: known[audio_id(script, voice.version)]
        for script in scripts
        if audio_id(script, voice.version) in known and blobs.find(known[audio_id(script, voice.version)].blob_key)
    }
    missing = [script for script in dict.fromkeys(scripts) if script not in ready]
    total = len(ready) + len(missing)
    progress(len(ready), total)
    for script, spoken in zip(missing, voice.speak(missing), strict=True):
        ready[script] = _store_sound(audio_id(script, voice.version), voice.version, spoken, blobs, sounds, now)
        progress(len(ready), total)
    return ready


def _store_sound(
    sound_id: str, version: str, spoken: SpokenAudio, blobs: Blobs, sounds: PromptSounds, now: datetime
) -> PromptAudio:
    """Blob first: a record without its sound would be heard as silence."""
    blob_key = f"prompts/{hashlib.sha256(spoken.data).hexdigest()}.{spoken.extension}"
    blobs.put(blob_key, spoken.data, content_type=spoken.content_type)
    made = PromptAudio(
        id=sound_id,
        voice=version,
        blob_key=blob_key,
        content_type=spoken.content_type,
        duration_ms=spoken.duration_ms,
        size=len(spoken.data),
        created_at=now,
    )
    sounds.put(made)
    return made


def list_scripts(*, formats: Sequence[Format], items: Items) -> list[Script]:
    """Everything that the forms of these formats say, those left out for which the bank is too small."""
    active = list_active_versions(items=items)
    scripts: list[Script] = []
    for format_ in formats:
        with contextlib.suppress(FormShortage):
            scripts += scripts_of(format_, active)
    return list(dict.fromkeys(scripts))


def publish_forms(
    *,
    formats: Sequence[Format],
    audio: Mapping[Script, PromptAudio],
    items: Items,
    forms: Forms,
    now: datetime,
    kept: Collection[str] = (),
) -> list[FormShortage]:
    """Makes and publishes the parallel forms of each format. Safe to repeat: the same content makes the same forms.

    A format for which the bank has become too small keeps the forms it has; its FormShortage is returned. Formats that
    are no longer there are withdrawn, but for those of `kept`; deliveries that have their forms keep them.
    """
    active = list_active_versions(items=items)
    shortages = []
    for format_ in formats:
        try:
            _publish_format(format_, active, audio, forms, now)
        except FormShortage as shortage:
            shortages.append(shortage)
    known = {format_.id for format_ in formats} | set(kept)
    for offered in forms.list_published():
        if offered.id not in known:
            forms.withdraw(offered.id)
    return shortages


def _publish_format(
    format_: Format, active: Sequence[ItemVersion], audio: Mapping[Script, PromptAudio], forms: Forms, now: datetime
) -> None:
    made = [
        assemble_form(format_=format_, letter=letter, items=active, audio=audio.__getitem__, now=now)
        for letter in format_.forms
    ]
    for form in made:
        forms.add(form)
    offered = published(format_, made, now=now)
    before = forms.find_published(format_.id)
    if before is None or replace(before, published_at=now) != offered:
        forms.publish(offered)


def get_form(*, form_id: str, forms: Forms) -> Form:
    """The frozen form; raises NotFound."""
    form = forms.find(form_id)
    if form is None:
        raise NotFound()
    return form


def get_paper(*, actor: Actor, form_id: str, forms: Forms) -> Form:
    """The form with everything that its candidates see; for admins only."""
    check_reads_bank(actor)
    return get_form(form_id=form_id, forms=forms)


def get_answer_key(*, item_id: str, version: int, items: Items) -> AnswerKey:
    """The typed key of an item's version, for scorers; PermanentFailure("answer_key_missing") when there is none."""
    stored = items.find_key(item_id, version)
    if stored is None:
        raise PermanentFailure("answer_key_missing")
    return key_from_dict(stored.task, stored.content)


def list_headlines(*, actor: Actor, form: Form, items: Items) -> dict[int, str]:
    """What each item of a form is about, by position; for admins only."""
    check_reads_bank(actor)
    versions = [items.find_version(one.item_id, one.item_version) for one in form.items]
    return {
        one.position: version.headline for one, version in zip(form.items, versions, strict=True) if version is not None
    }
