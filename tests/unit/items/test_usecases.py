"""The bank kept in step with its files, sound rendered once, items retired with a reason."""

import dataclasses
from typing import Any

import pytest

from backend.adapters.blobs.memory import MemoryBlobs
from backend.core.actor import Actor, Role
from backend.core.errors import Conflict, Forbidden, NotFound, PermanentFailure, RuleViolation
from backend.core.ports import Script
from backend.features.audit.memory import MemoryAuditLog
from backend.features.items import usecases
from backend.features.items.access import access_item
from backend.features.items.memory import MemoryForms, MemoryItems, MemoryPromptSounds
from backend.features.items.model import ItemStatus
from backend.features.items.usecases import GONE_FROM_BANK, ItemFilter, SyncSummary
from backend.scoring.keys import ShortAnswerKey
from tests.support.bank import NOW, CountingVoice, fill_bank, published_forms, real_bank, real_formats

SUSHMA = Actor(account_id="sushma", role=Role.SUPERADMIN, campus_id=None, display_name="Sushma")
MEERA = Actor(account_id="meera", role=Role.CAMPUS, campus_id="north", display_name="Meera")
ASHA = Actor(account_id="asha", role=Role.STUDENT, campus_id="north", display_name="Asha")
SHORT = next(format_ for format_ in real_formats() if format_.id == "versant_style_short")
BANK = real_bank()
REPEAT = next(item for item in BANK if item.task == "repeat")


@pytest.fixture
def items():
    stored = MemoryItems()
    usecases.sync_bank(bank=BANK, items=stored, now=NOW)
    return stored


def with_text(item, text):
    body = dataclasses.replace(item.body, heard=(text,), headline=text, answer_key={"text": text})
    return dataclasses.replace(item, body=body)


def replaced(item):
    return [item if one.id == item.id else one for one in BANK]


# -- in step with the files ------------------------------------------------------------------------------------------


def test_the_same_files_twice_change_nothing(items):
    before = items.list_all()
    again = usecases.sync_bank(bank=BANK, items=items, now=NOW)
    assert again == SyncSummary(unchanged=len(BANK))
    assert items.list_all() == before


def test_changed_content_is_a_new_version_and_the_old_one_stays(items):
    changed = replaced(with_text(REPEAT, "Shut the door."))
    summary = usecases.sync_bank(bank=changed, items=items, now=NOW)
    assert (summary.changed, summary.unchanged) == (1, len(BANK) - 1)
    assert items.find(REPEAT.id).version == 2
    assert items.find_version(REPEAT.id, 1).headline == REPEAT.body.headline
    assert items.find_key(REPEAT.id, 1).content == {"text": REPEAT.body.headline}
    assert items.find_key(REPEAT.id, 2).content == {"text": "Shut the door."}


def test_an_author_may_choose_the_number_of_the_version(items):
    usecases.sync_bank(
        bank=replaced(dataclasses.replace(with_text(REPEAT, "Shut the door."), version=7)), items=items, now=NOW
    )
    assert items.find(REPEAT.id).version == 7


def test_an_item_that_left_the_files_is_retired_and_comes_back_with_them(items):
    gone = [item for item in BANK if item.id != REPEAT.id]
    assert usecases.sync_bank(bank=gone, items=items, now=NOW).retired == 1
    assert items.find(REPEAT.id).status is ItemStatus.RETIRED
    assert items.find(REPEAT.id).status_reason == GONE_FROM_BANK
    usecases.sync_bank(bank=BANK, items=items, now=NOW)
    assert items.find(REPEAT.id).status is ItemStatus.ACTIVE


def test_what_a_person_retired_stays_retired(items):
    retire(items, REPEAT.id)
    usecases.sync_bank(bank=BANK, items=items, now=NOW)
    usecases.sync_bank(bank=replaced(with_text(REPEAT, "Shut the door.")), items=items, now=NOW)
    assert items.find(REPEAT.id).status is ItemStatus.RETIRED


# -- retiring --------------------------------------------------------------------------------------------------------


def retire(items, item_id, *, actor=SUSHMA, reason="Two readings", audit_log=None):
    return usecases.change_status(
        actor=actor,
        item=access_item(actor, item_id, items=items),
        status=ItemStatus.RETIRED,
        reason=reason,
        items=items,
        audit_log=audit_log or MemoryAuditLog(),
        now=NOW,
        new_id=lambda: "one",
    )


def test_retiring_says_why_and_leaves_a_trace(items):
    audit_log = MemoryAuditLog()
    changed = retire(items, REPEAT.id, audit_log=audit_log)
    assert (changed.status_reason, changed.status_changed_by) == ("Two readings", "sushma")
    (event,) = audit_log.list_all()
    assert (event.action, event.subject_id, event.actor_id) == ("item_retired", REPEAT.id, "sushma")
    assert "readings" not in str(event.details)


def test_retiring_without_a_reason_is_refused(items):
    with pytest.raises(RuleViolation) as caught:
        retire(items, REPEAT.id, reason="  ")
    assert "reason" in caught.value.errors
    assert items.find(REPEAT.id).status is ItemStatus.ACTIVE


def test_a_campus_admin_reads_and_never_changes(items):
    assert access_item(MEERA, REPEAT.id, items=items).id == REPEAT.id
    with pytest.raises(Forbidden):
        retire(items, REPEAT.id, actor=MEERA)


def test_to_a_student_there_is_no_bank(items):
    with pytest.raises(NotFound):
        access_item(ASHA, REPEAT.id, items=items)
    with pytest.raises(NotFound):
        usecases.list_items(actor=ASHA, wanted=ItemFilter(), items=items)


def test_two_people_at_once_are_told(items):
    seen = access_item(SUSHMA, REPEAT.id, items=items)
    retire(items, REPEAT.id)
    with pytest.raises(Conflict):
        usecases.change_status(
            actor=SUSHMA,
            item=seen,
            status=ItemStatus.RETIRED,
            reason="Too easy",
            items=items,
            audit_log=MemoryAuditLog(),
            now=NOW,
            new_id=lambda: "two",
        )
    assert items.find(REPEAT.id).status_reason == "Two readings"


def test_the_list_is_filtered_by_every_field(items):
    def found(**wanted):
        return usecases.list_items(actor=MEERA, wanted=ItemFilter(**wanted), items=items)

    assert len(found()) == len(BANK)
    assert {one.item.task for one in found(task="retelling")} == {"retelling"}
    assert {one.current.level for one in found(level="C1")} == {"C1"}
    assert {one.current.pool for one in found(pool="short")} == {"short"}
    assert found(status="retired") == []
    assert [one.item.id for one in found(text="LIBRARY closes")] == ["repeat-library-closes-six"]


# -- sound and forms -------------------------------------------------------------------------------------------------


def test_sound_is_rendered_once_and_again_only_when_it_is_gone():
    sounds, blobs, voice = MemoryPromptSounds(), MemoryBlobs(), CountingVoice()
    scripts = [Script(phrases=("One.",)), Script(phrases=("Two.",)), Script(phrases=("One.",))]

    def prepare(voice=voice):
        return usecases.prepare_sounds(scripts=scripts, voice=voice, blobs=blobs, sounds=sounds, now=NOW)

    first = prepare()
    assert len(voice.spoken) == 2
    assert prepare() == first
    assert len(voice.spoken) == 2
    blobs.delete(first[scripts[1]].blob_key)
    assert prepare() == first
    assert [script.phrases for script in voice.spoken[2:]] == [("Two.",)]
    other = prepare(CountingVoice("counting/2"))
    assert other[scripts[0]].id != first[scripts[0]].id


def test_sound_lies_under_its_own_hash():
    blobs = MemoryBlobs()
    made = usecases.prepare_sounds(
        scripts=[Script(phrases=("One.",))], voice=CountingVoice(), blobs=blobs, sounds=MemoryPromptSounds(), now=NOW
    )
    (sound,) = made.values()
    assert sound.blob_key.startswith("prompts/")
    assert sound.blob_key.endswith(".mp3")
    assert blobs.find(sound.blob_key).size == sound.size


def test_a_rendering_that_breaks_off_goes_on_where_it_was():
    class TiredVoice(CountingVoice):
        def speak(self, scripts):
            yield from super().speak(scripts[:1])
            raise PermanentFailure("voice_ended_early")

    sounds, blobs, voice = MemoryPromptSounds(), MemoryBlobs(), CountingVoice()
    scripts = [Script(phrases=("One.",)), Script(phrases=("Two.",))]
    with pytest.raises(PermanentFailure):
        usecases.prepare_sounds(scripts=scripts, voice=TiredVoice(), blobs=blobs, sounds=sounds, now=NOW)
    usecases.prepare_sounds(scripts=scripts, voice=voice, blobs=blobs, sounds=sounds, now=NOW)
    assert [script.phrases for script in voice.spoken] == [("Two.",)]


def filled(**changes):
    storage: dict[str, Any] = {
        "items": MemoryItems(),
        "sounds": MemoryPromptSounds(),
        "forms": MemoryForms(),
        "blobs": MemoryBlobs(),
    }
    fill_bank(**storage, **changes)
    return storage


def test_publishing_twice_publishes_the_same_forms():
    storage = filled()
    before = storage["forms"].list_published()
    fill_bank(**storage)
    assert storage["forms"].list_published() == before


def test_a_changed_item_makes_a_new_form_and_the_old_one_stays():
    storage = filled()
    old = published_forms(storage["forms"], "versant_style_full")
    fill_bank(**storage, bank=replaced(with_text(REPEAT, "Shut the door.")))
    new = published_forms(storage["forms"], "versant_style_full")
    assert {form.id for form in new} != {form.id for form in old}
    assert all(storage["forms"].find(form.id) == form for form in old)
    with_it = [name for name in storage["forms"].list_with_item(REPEAT.id) if name.startswith("versant_style_full")]
    assert len(with_it) == 2


def test_a_format_without_enough_items_keeps_its_forms_and_says_what_is_missing():
    storage = filled()
    before = storage["forms"].find_published("versant_style_short")
    for item in BANK:
        if item.task == "retelling" and item.pool == "short":
            retire(storage["items"], item.id)
    shortages = usecases.publish_forms(
        formats=[SHORT], audio={}, items=storage["items"], forms=storage["forms"], now=NOW
    )
    assert [shortage.lacking for shortage in shortages] == [("part E needs 4 of pool short, there are 0",)]
    assert storage["forms"].find_published("versant_style_short") == before


def test_a_format_whose_file_is_gone_is_offered_no_more():
    storage = filled()
    form = published_forms(storage["forms"], "versant_style_short")[0]
    fill_bank(**storage, formats=[format_ for format_ in real_formats() if format_ is not SHORT])
    assert SHORT.id not in [offered.id for offered in storage["forms"].list_published()]
    assert usecases.get_form(form_id=form.id, forms=storage["forms"]) == form


def test_scorers_get_typed_keys_of_the_version_that_was_answered(items):
    item = next(item for item in BANK if item.task == "short_answer")
    key = usecases.get_answer_key(item_id=item.id, version=1, items=items)
    accepted: Any = item.body.answer_key["accepted"]
    assert key == ShortAnswerKey(accepted=tuple(accepted))
    with pytest.raises(PermanentFailure):
        usecases.get_answer_key(item_id=item.id, version=2, items=items)
