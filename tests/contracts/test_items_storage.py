"""One suite over both storages of the item bank."""

import dataclasses

import pytest

from backend.adapters.blobs.memory import MemoryBlobs
from backend.core.errors import Conflict
from backend.features.items import usecases
from backend.features.items.forms import PublishedFormat
from backend.features.items.memory import MemoryForms, MemoryItems, MemoryPromptSounds
from backend.features.items.model import Item, ItemStatus, ItemVersion, PromptAudio, StoredKey, version_id
from backend.features.items.mongo import COLLECTIONS, MongoForms, MongoItems, MongoPromptSounds
from backend.storage import ensure_collections
from tests.support.bank import NOW, CountingVoice, real_bank, real_formats


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.services)])
def storage(request):
    if request.param == "memory":
        return MemoryItems(), MemoryPromptSounds(), MemoryForms()
    database = request.getfixturevalue("mongo_database")
    ensure_collections(database, COLLECTIONS)
    return MongoItems(database), MongoPromptSounds(database), MongoForms(database)


ITEM = Item(
    id="repeat-one",
    task="repeat",
    version=1,
    content_hash="c0ffee",
    status=ItemStatus.ACTIVE,
    status_reason="",
    status_changed_at=NOW,
    status_changed_by=None,
)


def make_version(number=1, text="Close the door."):
    name = version_id(ITEM.id, number)
    version = ItemVersion(
        id=name,
        item_id=ITEM.id,
        version=number,
        task="repeat",
        level="A1",
        pool="main",
        shown_text=None,
        heard=(text,),
        headline=text,
        created_at=NOW,
    )
    return version, StoredKey(id=name, item_id=ITEM.id, version=number, task="repeat", content={"text": text})


def test_an_item_is_added_once_and_found(storage):
    items, _, _ = storage
    items.add(ITEM)
    with pytest.raises(Conflict):
        items.add(ITEM)
    assert items.find(ITEM.id) == ITEM
    assert items.find("nobody") is None
    assert list(items.list_all()) == [ITEM]


def test_saving_is_refused_when_somebody_was_quicker(storage):
    items, _, _ = storage
    items.add(ITEM)
    retired = dataclasses.replace(ITEM, status=ItemStatus.RETIRED, revision=1)
    assert items.save(retired, seen=ITEM)
    assert not items.save(dataclasses.replace(ITEM, revision=1), seen=ITEM)
    assert items.find(ITEM.id) == retired


def test_a_version_and_its_key_never_change(storage):
    items, _, _ = storage
    items.add_version(*make_version())
    items.add_version(*make_version(text="Open the door."))
    assert items.find_version(ITEM.id, 1) == make_version()[0]
    assert items.find_key(ITEM.id, 1) == make_version()[1]
    assert items.find_version(ITEM.id, 2) is None
    assert items.find_key(ITEM.id, 2) is None


def test_the_current_version_of_each_item(storage):
    items, _, _ = storage
    items.add_version(*make_version(1))
    items.add_version(*make_version(2, "Open the door."))
    current = items.list_current_versions([dataclasses.replace(ITEM, version=2)])
    assert current == {ITEM.id: make_version(2, "Open the door.")[0]}


def test_sounds_by_their_ids(storage):
    _, sounds, _ = storage
    made = [
        PromptAudio(
            id=f"sound-{number}",
            voice="test",
            blob_key="prompts/x.mp3",
            content_type="audio/mpeg",
            duration_ms=1_234,
            size=99,
            created_at=NOW,
        )
        for number in range(230)
    ]
    for sound in made:
        sounds.put(sound)
    sounds.put(made[0])
    found = sounds.find_many([*(sound.id for sound in made), "sound-x"])
    assert found == {sound.id: sound for sound in made}


def test_what_is_offered_is_replaced_and_withdrawn(storage):
    _, _, forms = storage
    offered = PublishedFormat(
        id="short",
        version="1",
        title="Short",
        description="A short one.",
        estimated_minutes=12,
        item_count=42,
        allowed_ms=1_000_000,
        form_ids=("short-A-1", "short-B-1"),
        published_at=NOW,
    )
    forms.publish(offered)
    forms.publish(dataclasses.replace(offered, version="2"))
    assert forms.find_published("short").version == "2"
    assert [one.version for one in forms.list_published()] == ["2"]
    forms.withdraw("short")
    forms.withdraw("short")
    forms.withdraw("never")
    assert forms.find_published("short") is None
    assert list(forms.list_published()) == []
    forms.publish(offered)
    assert list(forms.list_published()) == [offered]


def test_the_whole_bank_comes_back_as_it_went_in(storage):
    """A form, with its sections and items, survives storage; and only its items know that they are on it."""
    items, sounds, forms = storage
    bank = [item for item in real_bank() if item.pool in ("short", "practice")]
    short = next(each for each in real_formats() if each.id == "versant_style_short")
    usecases.sync_bank(bank=bank, items=items, now=NOW)
    audio = usecases.prepare_sounds(
        scripts=usecases.list_scripts(formats=[short], items=items),
        voice=CountingVoice(),
        blobs=MemoryBlobs(),
        sounds=sounds,
        now=NOW,
    )
    assert usecases.publish_forms(formats=[short], audio=audio, items=items, forms=forms, now=NOW) == []
    form_id = forms.find_published(short.id).form_ids[0]
    form = forms.find(form_id)
    assert form.item_count == 42
    assert form.id == form_id
    assert not forms.add(form)
    scored = next(item for item in form.items if not item.practice)
    assert forms.list_with_item(scored.item_id) == [form_id]
    assert usecases.sync_bank(bank=bank, items=items, now=NOW).unchanged == len(bank)
