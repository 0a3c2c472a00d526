"""Reading the bank's files: every mistake at once, each with file, item and field."""

import pytest
import yaml

from backend.features.items.bank import BankFile, read_bank
from backend.features.items.files import load_bank
from backend.features.items.problems import ConfigProblems

GOOD = {"id": "repeat-one", "version": 1, "level": "A1", "pool": "main", "status": "active", "text": "Close the door."}
BUILD = {
    **{name: value for name, value in GOOD.items() if name != "text"},
    "id": "build-one",
    "phrases": ["a book", "my sister", "is reading"],
    "accepted": ["My sister is reading a book."],
    "rejected": ["123", "132", "213", "312", "321"],
}


def problems_of(task, *items):
    with pytest.raises(ConfigProblems) as caught:
        read_bank([BankFile(name="bank/x.yaml", content={"task": task, "items": list(items)})])
    return list(caught.value.lines)


def test_a_good_item_is_read():
    (item,) = read_bank([BankFile(name="x", content={"task": "repeat", "items": [GOOD]})])
    assert item.body.heard == ("Close the door.",)
    assert item.body.shown_text is None
    assert item.body.answer_key == {"text": "Close the door."}


def test_every_mistake_is_named_at_once():
    lines = problems_of(
        "repeat", {**GOOD, "level": "Z9", "text": "Too short"}, {**GOOD, "id": "Not A Slug", "pool": ""}
    )
    assert sorted(lines) == [
        "bank/x.yaml: items[0].level: must be one of A1, A2, B1, B2, C1",
        "bank/x.yaml: items[0].text: must have 3 to 15 words, it has 2",
        "bank/x.yaml: items[1].id: may have small letters, digits and single hyphens",
        "bank/x.yaml: items[1].pool: must be a text",
    ]


def test_a_misspelt_field_is_not_ignored():
    assert "bank/x.yaml: items[0].txet: is not known here" in problems_of("repeat", {**GOOD, "txet": "x"})


def test_two_items_with_one_id():
    assert problems_of("repeat", GOOD, {**GOOD, "text": "Open the door."}) == [
        "the bank: repeat-one: 2 items have this id"
    ]


def test_an_unknown_task():
    assert "bank/x.yaml: task: must be one of" in problems_of("telepathy", GOOD)[0]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"accepted": ["My sister is reading books."]}, "accepted: must be the three phrases in some order"),
        ({"accepted": ["A book my sister is reading."]}, "phrases: must not be heard in an order that is right"),
        ({"rejected": ["123", "132", "213", "312"]}, "rejected: must be all orders that are not accepted, such as 123"),
        ({"rejected": ["123", "132", "213", "231", "312", "321"]}, "rejected: must be all orders"),
        ({"phrases": ["a book", "my sister"]}, "phrases: must be a list of at least 3"),
        ({"phrases": ["a", "b", "c", "d"]}, "phrases: must be three"),
    ],
)
def test_every_order_of_a_build_is_judged_once(change, problem):
    assert any(problem in line for line in problems_of("sentence_build", {**BUILD, **change}))


def test_a_good_build_says_its_orders():
    (item,) = read_bank([BankFile(name="x", content={"task": "sentence_build", "items": [BUILD]})])
    assert item.body.heard == ("a book", "my sister", "is reading")


def test_the_content_hash_is_of_what_is_asked_not_of_the_status():
    def read(**change):
        return read_bank([BankFile(name="x", content={"task": "repeat", "items": [{**GOOD, **change}]})])[0]

    assert read(status="retired").content_hash == read().content_hash
    assert read(version=3).content_hash == read().content_hash
    assert read(text="Open the door.").content_hash != read().content_hash
    assert read(level="A2").content_hash != read().content_hash


def test_a_file_that_is_no_yaml_names_its_line(tmp_path):
    (tmp_path / "repeat.yaml").write_text("task: repeat\nitems: [")
    with pytest.raises(ConfigProblems, match=r"repeat\.yaml: line \d+: is not YAML"):
        load_bank(tmp_path)


def test_a_file_with_a_list_on_top(tmp_path):
    (tmp_path / "repeat.yaml").write_text(yaml.safe_dump([GOOD]))
    with pytest.raises(ConfigProblems, match="must be a group of named values"):
        load_bank(tmp_path)


CHOICE = {
    "id": "choose-one",
    "version": 1,
    "level": "A2",
    "pool": "reading",
    "status": "active",
    "question": "What is the notice about?",
    "options": ["a pool", "a park", "a school"],
    "correct": 1,
    "skill": "reading",
}
ABOUT = {"id": "about-pool", "title": "A notice", "text": "The pool is closed.\n\n  Come back\n tomorrow."}


def test_items_of_two_files_may_be_about_one_text():
    several = {**CHOICE, "id": "several-one", "stimulus": "about-pool", "options": list("abcd"), "correct": [1, 3]}
    one, other = read_bank(
        [
            BankFile(name="a", content={"task": "multiple_response", "items": [several]}),
            BankFile(
                name="b",
                content={
                    "task": "multiple_choice",
                    "stimuli": [ABOUT],
                    "items": [{**CHOICE, "stimulus": "about-pool"}],
                },
            ),
        ]
    )
    assert one.body.shown["stimulus"] == other.body.shown["stimulus"]


def test_paragraphs_of_a_text_are_kept():
    content = {"task": "multiple_choice", "stimuli": [ABOUT], "items": [{**CHOICE, "stimulus": "about-pool"}]}
    (item,) = read_bank([BankFile(name="b", content=content)])
    about = {"id": "about-pool", "title": "A notice", "text": "The pool is closed.\nCome back\ntomorrow."}
    assert item.body.shown["stimulus"] == about


def test_a_stimulus_that_is_missing_or_there_twice_is_named():
    content = {"task": "multiple_choice", "stimuli": [ABOUT, ABOUT], "items": [{**CHOICE, "stimulus": "about-park"}]}
    with pytest.raises(ConfigProblems) as caught:
        read_bank([BankFile(name="b", content=content)])
    assert list(caught.value.lines) == [
        "b: items[0].stimulus: is none of the bank's stimuli",
        "the bank: about-pool: 2 stimuli have this id",
    ]
