"""The formats that ship, and how the loader names mistakes in one."""

import copy
import re

import pytest
import yaml

from backend.adapters.scales.files import FileScales
from backend.features.items.files import load_formats
from backend.features.items.formats import read_format
from backend.features.items.problems import ConfigProblems
from backend.features.items.types import ITEM_TYPES
from backend.scoring.scales import CHOSEN
from backend.scoring.score import ItemScore, ScoreStatus
from tests.support.bank import real_formats
from tests.support.source import ROOT, TEMPLATES

FULL = ROOT / "config" / "formats" / "versant_style_full.yaml"
FORMATS = real_formats()


SPOKEN = [format_ for format_ in FORMATS if format_.id.startswith("versant_style")]


def test_these_formats_are_offered_and_none_is_for_tests_only():
    assert [format_.id for format_ in FORMATS] == [
        "four_skills",
        "listening_reading",
        "placement",
        "versant_style_full",
        "versant_style_short",
        "writing",
    ]


@pytest.mark.parametrize(("name", "items"), [("four_skills", 70), ("placement", 81)])
def test_the_other_forms_have_the_published_counts(name, items):
    found = next(format_ for format_ in FORMATS if format_.id == name)
    assert sum(section.items for section in found.sections) == items
    typed = {section.task: section.response_ms for section in found.sections}
    assert (typed["sentence_completion"], typed["dictation"], typed["passage_reconstruction"]) == (
        25_000,
        25_000,
        90_000,
    )


def test_the_listening_and_reading_form_has_these_counts_and_windows():
    found = next(format_ for format_ in FORMATS if format_.id == "listening_reading")
    parts = {part.letter: (part.tasks, part.pool, part.items, part.window_ms // 1_000) for part in found.sections}
    assert parts == {
        "A": (("multiple_choice",), "conversation", 10, 20),
        "B": (("multiple_choice",), "listening", 12, 25),
        "C": (("multiple_choice",), "sentence", 10, 25),
        "D": (("gap_fill",), "main", 4, 75),
        "E": (("ordering",), "main", 3, 75),
        "F": (("matching",), "main", 3, 75),
        "G": (("multiple_choice", "multiple_response"), "reading", 15, 960),
    }
    assert sum(section.items for section in found.sections) == 57
    assert [part.letter for part in found.sections if part.time_limit_ms is not None] == ["G"]


@pytest.mark.parametrize("format_", FORMATS, ids=lambda format_: format_.id)
def test_a_part_feeds_the_subscores_that_its_scale_makes_of_its_tasks(format_):
    """What an answer that is missing would have counted for is read from the part."""
    scale = FileScales().get_newest(format_.scale)
    for part in format_.sections:
        fed = {
            trait.trait.value
            for trait in scale.traits
            if trait.counts(ItemScore(task=part.task, scorer_version="", status=ScoreStatus.NEEDS_HUMAN))
        }
        assert set(part.traits) <= fed, part.letter
        assert set(part.traits) == fed or part.task in CHOSEN, part.letter


def test_the_full_form_has_the_published_counts():
    full = SPOKEN[0]
    counts = {section.letter: (section.task, section.items) for section in full.sections}
    assert counts == {
        "A": ("read_aloud", 8),
        "B": ("repeat", 16),
        "C": ("short_answer", 24),
        "D": ("sentence_build", 10),
        "E": ("retelling", 3),
        "F": ("open_question", 2),
    }
    assert sum(section.items for section in full.sections) == 63
    windows = {section.letter: section.response_ms for section in full.sections}
    assert (windows["E"], windows["F"]) == (30_000, 40_000)


def test_both_formats_have_the_same_tasks_windows_and_traits():
    def shape(format_):
        return [(s.letter, s.task, s.response_ms, s.begin_within_ms, s.traits) for s in format_.sections]

    assert shape(SPOKEN[0]) == shape(SPOKEN[1])


@pytest.mark.parametrize("format_", FORMATS, ids=lambda format_: format_.id)
def test_the_product_never_claims_another_tests_name(format_):
    for said in (format_.title, format_.description, format_.demonstration.text):
        assert "versant" not in said.lower().replace("versant-style", "")


@pytest.mark.parametrize("format_", FORMATS, ids=lambda format_: format_.id)
def test_every_part_says_what_to_do_in_a_few_words(format_):
    for section in format_.sections:
        assert len(section.instructions.split()) <= 45, section.letter
        assert section.example
        assert set(section.traits) or section.task in ("open_question", "typing")


def test_every_item_type_has_its_templates_and_its_line():
    modules = {path.stem for path in (ROOT / "backend/features/items/types").glob("*.py")} - {"__init__", "base"}
    assert modules == set(ITEM_TYPES)
    for task, item_type in ITEM_TYPES.items():
        assert item_type.task == task
        assert (TEMPLATES / "items" / task / "key.html").is_file()


def _full():
    return yaml.safe_load(FULL.read_text())


def test_every_mistake_is_named_at_once_with_file_and_place():
    data = _full()
    data["version"] = 1
    data["estimated_minutes"] = "soon"
    data["sections"][1]["items"] = 0
    data["sections"][2]["task"] = "telepathy"
    data["sections"][3]["begin_within_seconds"] = 99
    data["sections"][4]["response_secnds"] = data["sections"][4].pop("response_seconds")
    data["sections"][5]["traits"] = ["charm"]
    with pytest.raises(ConfigProblems) as caught:
        read_format(data, file="formats/x.yaml")
    places = {line.split(": ")[1] for line in caught.value.lines}
    assert places == {
        "version",
        "estimated_minutes",
        "sections[1].items",
        "sections[2].task",
        "sections[3].begin_within_seconds",
        "sections[4].response_seconds",
        "sections[4].response_secnds",
        "sections[4].begin_within_seconds",
        "sections[4].silence_ends_seconds",
        "sections[5].traits",
    }
    assert all(line.startswith("formats/x.yaml: ") for line in caught.value.lines)


def _timed(**changes):
    """A format whose first part has one time limit for three questions about a text."""
    data = _full()
    section = {name: data["sections"][0][name] for name in ("key", "letter", "title", "instructions", "example")}
    own = {"task": "multiple_choice", "pool": "reading", "items": 3, "practice_items": 0, "order": "sets"}
    data["sections"][0] = section | own | {"time_limit_seconds": 240, "traits": []} | changes
    return data


def test_a_part_may_have_one_time_limit_for_all_its_items():
    section = read_format(_timed(), file="x").sections[0]
    assert (section.time_limit_ms, section.window_ms) == (240_000, 240_000)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"task": "repeat"}, "time_limit_seconds: is for parts that are typed or chosen"),
        ({"time_limit_seconds": 5}, "time_limit_seconds: must be a number of seconds from 30 to 5400"),
        ({"response_seconds": 20}, "response_seconds: is of a single item"),
        ({"reading_seconds": 20}, "reading_seconds: is of a single item"),
        ({"practice_items": 1}, "practice_items: must be 0 in a part with time_limit_seconds"),
        ({"other_tasks": ["repeat"]}, "other_tasks: repeat is no other task that is typed or chosen"),
        ({"other_tasks": ["multiple_choice"]}, "other_tasks: multiple_choice is no other task"),
        ({"other_tasks": ["matching"], "order": "rising"}, "other_tasks: are for parts whose order is sets"),
    ],
)
def test_what_does_not_go_with_a_time_limit_or_with_sets_is_refused(changes, problem):
    with pytest.raises(ConfigProblems, match=re.escape(f"sections[0].{problem}")):
        read_format(_timed(**changes), file="x")


def test_letters_and_keys_are_unique():
    data = _full()
    data["sections"][1]["letter"] = "A"
    data["sections"][1]["key"] = "read_aloud"
    with pytest.raises(ConfigProblems) as caught:
        read_format(data, file="x")
    assert caught.value.lines == (
        "x: sections: two have the letter A",
        "x: sections: two have the key read_aloud",
    )


@pytest.mark.parametrize("name", sorted(_full()))
def test_no_field_may_be_missing(name):
    data = copy.deepcopy(_full())
    del data[name]
    with pytest.raises(ConfigProblems, match=f"x: {name}"):
        read_format(data, file="x")


def test_the_file_is_named_after_its_format(tmp_path):
    (tmp_path / "other.yaml").write_text(FULL.read_text())
    with pytest.raises(ConfigProblems, match="must be the file's name, other"):
        load_formats(tmp_path)
