"""What a candidate must not lose points for, and what counts as a mistake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.scoring.text import Operation, align, closeness, edit_distance, number_words, sounds_like, words_of

WORDS = st.lists(st.sampled_from("the boy went home to see his old dog um again".split()), max_size=9)  # noqa: SIM905 reads better


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I've got 3 dogs.", "i have got three dogs"),
        ("It's 7:30 pm", "it is seven thirty p.m."),
        ("The 3rd of May, 1984", "the third of may nineteen eighty-four"),
        ("She can't pay $20", "she cannot pay twenty dollars"),
        ("The colour of the theatre", "the color of the theater"),
        ("50% of 1,200", "fifty percent of one thousand two hundred"),
        ("Café naïve", "cafe naive"),
        ("Don\u2019t", "do not"),
        ("At 8 o'clock", "at eight o'clock"),
        ("in 2005", "in two thousand five"),
    ],
)
def test_two_ways_to_write_the_same_words_are_equal(one: str, other: str) -> None:
    assert align(one, other).errors == 0


@pytest.mark.parametrize(
    "pair", [("their", "there"), ("two", "to"), ("write", "right"), ("eight", "ate"), ("see", "sea")]
)
def test_homophones_are_no_mistake(pair: tuple[str, str]) -> None:
    assert sounds_like(*pair)
    assert align(f"we {pair[0]} it", f"we {pair[1]} it").errors == 0


def test_different_words_are_mistakes() -> None:
    alignment = align("the boy bought a red car", "the girl bought a red")
    assert [step.operation for step in alignment.steps] == [
        Operation.MATCH,
        Operation.SUBSTITUTION,
        Operation.MATCH,
        Operation.MATCH,
        Operation.MATCH,
        Operation.DELETION,
    ]
    assert alignment.errors == 2


def test_an_inflection_is_half_a_mistake() -> None:
    assert align("she walks home", "she walked home").errors == 0.5


def test_fillers_cost_nothing_and_restarts_little() -> None:
    assert align("we went home", "um we uh went home").errors == 0
    alignment = align("the boy went home", "the boy the boy went home")
    assert alignment.count(Operation.RESTART) == 2
    assert alignment.errors == 0.5
    assert align("my sister", "my sis sister").count(Operation.RESTART) == 1


def test_inserted_words_are_mistakes() -> None:
    assert align("we went home", "we went quickly home").count(Operation.INSERTION) == 1


def test_compounds_may_be_written_apart() -> None:
    assert align("everyone likes ice cream", "every one likes icecream").errors == 0


@given(WORDS)
def test_a_text_against_itself_has_no_errors(words: list[str]) -> None:
    text = " ".join(words)
    assert align(text, text).errors == 0


@given(WORDS, WORDS)
def test_every_word_of_both_sides_appears_once_and_in_order(expected: list[str], said: list[str]) -> None:
    steps = align(" ".join(expected), " ".join(said)).steps
    assert [step.expected for step in steps if step.expected] == expected
    assert [step.heard for step in steps if step.heard] == said


@given(WORDS, WORDS)
def test_leaving_a_word_out_never_helps(expected: list[str], said: list[str]) -> None:
    full = align(" ".join(expected), " ".join(expected)).covered
    assert align(" ".join(expected), " ".join(said)).covered <= max(full, 0.0)


@given(st.text(max_size=60))
def test_any_text_becomes_words_without_failing(text: str) -> None:
    assert all(word == word.lower() and " " not in word for word in words_of(text))


@given(st.integers(min_value=0, max_value=999_999_999))
def test_numbers_in_digits_and_in_words_agree(value: int) -> None:
    grouped = f"{value:,}"
    if "," in grouped:  # four digits without a comma may be a year
        assert words_of(grouped) == tuple(number_words(value))


def test_edit_distance() -> None:
    assert edit_distance("kitten", "sitting") == 3
    assert closeness("walk", "walk") == 1
    assert closeness("cat", "dog") == 0
