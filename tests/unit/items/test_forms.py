"""Forms: parallel, disjoint, balanced, deterministic, frozen; and what a candidate may see of them."""

import dataclasses
import random
from dataclasses import replace
from datetime import timedelta
from statistics import mean

import pytest

from backend.adapters.blobs.memory import MemoryBlobs
from backend.core.errors import Conflict
from backend.features.items import usecases
from backend.features.items.formats import Order
from backend.features.items.forms import (
    FormShortage,
    assemble_form,
    item_script,
    scripts_of,
    select_scored,
)
from backend.features.items.memory import MemoryForms, MemoryItems, MemoryPromptSounds
from backend.features.items.model import LEVELS, PromptAudio, audio_id
from tests.support.bank import NOW, fill_bank, published_forms, reading_format, real_formats

FORMATS = {format_.id: format_ for format_ in real_formats()}


@pytest.fixture(scope="module")
def storage():
    items, sounds, forms = MemoryItems(), MemoryPromptSounds(), MemoryForms()
    fill_bank(items=items, sounds=sounds, forms=forms, blobs=MemoryBlobs())
    return items, forms


@pytest.fixture(scope="module")
def active(storage):
    return usecases.list_active_versions(items=storage[0])


def test_a_part_with_one_time_limit_counts_once_in_the_tests_time(active):
    limited = reading_format()
    form = assembled(limited, "A", active)
    assert [item.window_ms for item in form.items] == [240_000] * 6
    each = replace(limited, sections=(replace(limited.sections[0], time_limit_ms=None),))
    assert assembled(each, "A", active).allowed - form.allowed == timedelta(minutes=4 * 5)


def test_another_time_limit_is_another_form(active):
    limited = reading_format()
    longer = replace(limited, sections=(replace(limited.sections[0], time_limit_ms=300_000),))
    none = replace(limited, sections=(replace(limited.sections[0], time_limit_ms=None),))
    assert len({assembled(each, "A", active).id for each in (limited, longer, none)}) == 3


def test_what_is_heard_has_a_time_of_its_own(active):
    listening = replace(reading_format().sections[0], pool="listening")
    with pytest.raises(Conflict, match="part_is_heard"):
        assembled(replace(reading_format(), sections=(listening,)), "A", active)


def test_a_set_may_ask_in_several_ways_about_its_text_and_stays_whole(storage):
    for form in published_forms(storage[1], "listening_reading"):
        texts = [item for item in form.items if item.section_letter == "G"]
        about = [str(item.shown["stimulus"]) for item in texts]
        assert [about.count(name) for name in dict.fromkeys(about)] == [3, 6, 6]
        assert about == sorted(about, key=about.index)
        assert [item.number for item in texts if item.task == "multiple_response"] == [9, 15]


def test_whole_sets_that_do_not_fill_a_part_are_a_shortage(active):
    format_ = FORMATS["listening_reading"]
    fewer = [item for item in active if item.item_id != "several-book-bus"]
    with pytest.raises(FormShortage) as caught:
        assembled(format_, "A", fewer)
    assert "part G needs whole sets of 15 items for each form" in caught.value.lacking


def test_turns_of_a_conversation_are_told_apart_by_a_pause(active):
    section = FORMATS["listening_reading"].sections[0]
    item = select_scored(section, active, turn=0, forms=2)[0]
    script = item_script(item, place=None, section=section)
    assert len(script.phrases) > 1
    assert script.pause_ms >= 500


def audio_of(script):
    name = audio_id(script, "test")
    return PromptAudio(
        id=name,
        voice="test",
        blob_key=f"prompts/{name}",
        content_type="audio/mpeg",
        duration_ms=1_000,
        size=1,
        created_at=NOW,
    )


def assembled(format_, letter, items):
    return assemble_form(format_=format_, letter=letter, items=items, audio=audio_of, now=NOW)


@pytest.mark.parametrize(
    ("format_id", "counts"),
    [("versant_style_full", [8, 16, 24, 10, 3, 2]), ("versant_style_short", [5, 10, 14, 6, 2, 1])],
)
def test_a_form_has_what_its_format_says(storage, format_id, counts):
    for form in published_forms(storage[1], format_id):
        scored = [[i for i in form.items if i.section_letter == s.letter and not i.practice] for s in form.sections]
        assert [len(part) for part in scored] == counts
        assert [item.position for item in form.items] == list(range(form.item_count))
        for section, part in zip(form.sections, scored, strict=True):
            assert [item.number for item in part] == list(range(1, len(part) + 1))
            assert {item.of for item in part} == {len(part)}
            own = form.items[section.first_position : section.first_position + section.item_count]
            assert {item.section_letter for item in own} == {section.letter}
            assert [item.practice for item in own] == sorted((item.practice for item in own), reverse=True)
            assert sum(item.practice for item in own) == section.practice_count


@pytest.mark.parametrize("format_id", FORMATS)
def test_no_scored_item_is_on_both_forms_of_a_format(storage, format_id):
    forms = published_forms(storage[1], format_id)
    scored = [item.item_id for form in forms for item in form.items if not item.practice]
    assert len(forms) == 2
    assert len(scored) == len(set(scored))


def test_the_two_spoken_formats_share_no_item(storage):
    spoken = [format_id for format_id in FORMATS if format_id.startswith("versant_style")]
    forms = [form for format_id in spoken for form in published_forms(storage[1], format_id)]
    scored = [item.item_id for form in forms for item in form.items if not item.practice]
    assert len(scored) == len(set(scored)) == 2 * (63 + 38)


@pytest.mark.parametrize("format_id", FORMATS)
def test_parallel_forms_are_alike_in_level_and_length(storage, format_id):
    a, b = published_forms(storage[1], format_id)
    for section in a.sections:
        levels = [
            [LEVELS.index(i.level) for i in form.items if i.section_letter == section.letter and not i.practice]
            for form in (a, b)
        ]
        assert abs(mean(levels[0]) - mean(levels[1])) <= 0.25, section.letter
    assert _repeat_lengths(storage, a) == _repeat_lengths(storage, b)


def _repeat_lengths(storage, form):
    versions = [
        storage[0].find_version(i.item_id, i.item_version) for i in form.items if i.task == "repeat" and not i.practice
    ]
    return [version.word_count for version in versions]


@pytest.mark.parametrize(
    "format_id", [name for name, each in FORMATS.items() if any(part.task == "repeat" for part in each.sections)]
)
def test_repeats_rise_from_three_to_fifteen_words(storage, format_id):
    for form in published_forms(storage[1], format_id):
        lengths = _repeat_lengths(storage, form)
        assert lengths == sorted(lengths)
        assert (lengths[0], lengths[-1]) == (3, 15)


@pytest.mark.parametrize("format_id", FORMATS)
def test_the_order_in_which_items_come_does_not_matter(active, format_id):
    shuffled = list(active)
    random.Random(4).shuffle(shuffled)
    assert assembled(FORMATS[format_id], "A", active) == assembled(FORMATS[format_id], "A", shuffled)


def test_what_a_candidate_meets_decides_the_id(active):
    format_ = FORMATS["versant_style_short"]
    form = assembled(format_, "A", active)
    assert form.id.startswith("versant_style_short-A-")
    later = assemble_form(format_=format_, letter="A", items=active, audio=audio_of, now=NOW + timedelta(days=1))
    assert later.id == form.id
    first = dataclasses.replace(format_.sections[0], response_ms=9_000)
    other = dataclasses.replace(format_, sections=(first, *format_.sections[1:]))
    assert assembled(other, "A", active).id != form.id
    used = next(item for item in form.items if not item.practice)
    changed = [dataclasses.replace(i, version=2) if i.item_id == used.item_id else i for i in active]
    assert assembled(format_, "A", changed).id != form.id
    assert (
        assemble_form(
            format_=format_,
            letter="A",
            items=active,
            audio=lambda script: dataclasses.replace(audio_of(script), duration_ms=2_000),
            now=NOW,
        ).id
        != form.id
    )


def test_a_mixed_section_has_the_same_items_in_another_order(active):
    section = FORMATS["versant_style_full"].sections[2]
    rising = select_scored(section, active, turn=0, forms=2)
    mixed = select_scored(dataclasses.replace(section, order=Order.MIXED), active, turn=0, forms=2)
    assert {item.id for item in rising} == {item.id for item in mixed}
    assert rising != mixed


def test_a_spare_item_may_retire_without_a_shortage(active):
    format_ = FORMATS["versant_style_full"]
    spare = next(item for item in active if item.task == "repeat" and item.pool == "main")
    fewer = [item for item in active if item.id != spare.id]
    form = assembled(format_, "A", fewer)
    assert spare.item_id not in {item.item_id for item in form.items}


def test_too_few_items_name_the_part_and_what_is_missing(active):
    fewer = [item for item in active if not (item.task == "retelling" and item.pool == "short")]
    with pytest.raises(FormShortage) as caught:
        assembled(FORMATS["versant_style_short"], "A", fewer)
    assert caught.value.lacking == ("part E needs 4 of pool short, there are 0",)


def test_a_candidate_sees_printed_sentences_and_nothing_of_what_is_heard(storage):
    for form in published_forms(storage[1], "versant_style_full"):
        for item in form.items:
            seen = repr((item.shown_text, item.shown))
            key = storage[0].find_key(item.item_id, item.item_version)
            assert item.item_id not in seen
            if item.task == "read_aloud":
                assert item.shown_text == key.content["text"]
            else:
                assert item.shown_text is None
                version = storage[0].find_version(item.item_id, item.item_version)
                assert not any(heard in seen for heard in version.heard)


def test_a_form_holds_no_answer_key(storage):
    """The form's own document must not give away what only a key knows."""
    for form in published_forms(storage[1], "versant_style_full"):
        stored = repr(form)
        for item in form.items:
            if item.task in ("short_answer", "sentence_build"):
                accepted = storage[0].find_key(item.item_id, item.item_version).content["accepted"]
                assert not any(f"'{answer}'" in stored for answer in accepted)
            if item.task in ("repeat", "retelling"):
                assert storage[0].find_version(item.item_id, item.item_version).headline not in stored


def test_read_sentences_are_never_spoken(active):
    read = {item.headline for item in active if item.task == "read_aloud"}
    spoken = {
        phrase for format_ in FORMATS.values() for script in scripts_of(format_, active) for phrase in script.phrases
    }
    assert not read & spoken
    assert {"Please read sentence one.", "Please read the practice sentence."} <= spoken


def test_builds_are_spoken_phrase_by_phrase_with_pauses(active):
    section = FORMATS["versant_style_full"].sections[3]
    item = select_scored(section, active, turn=0, forms=2)[0]
    script = item_script(item, place=None, section=section)
    assert script.phrases == item.heard
    assert script.pause_ms >= 500


@pytest.mark.parametrize("format_id", FORMATS)
def test_the_allowed_time_covers_every_prompt_and_window(storage, format_id):
    for form in published_forms(storage[1], format_id):
        limits = {part.letter: part.time_limit_ms for part in form.sections if part.time_limit_ms is not None}
        own = [item for item in form.items if item.section_letter not in limits]
        needed = sum(item.prompt_ms + item.window_ms for item in own) + sum(limits.values())
        assert form.allowed >= timedelta(milliseconds=needed) + timedelta(minutes=2)
