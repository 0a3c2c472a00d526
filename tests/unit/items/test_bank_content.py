"""The bank's content: enough of everything, spread as the forms need it, nothing twice, in words that people know."""

import re
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import pytest
import wordfreq

from backend.features.items.model import BankItem
from backend.features.items.types.sentence_build import order_of
from backend.scoring.keys import key_from_dict
from tests.support.bank import real_bank

BANK = real_bank()
LEAST = {
    "main": {
        "read_aloud": 16,
        "repeat": 32,
        "short_answer": 48,
        "sentence_build": 20,
        "retelling": 6,
        "open_question": 4,
        "conversation": 24,
        "sentence_completion": 40,
        "dictation": 32,
        "passage_reconstruction": 6,
        "email": 2,
        "essay": 2,
        "typing": 2,
        "gap_fill": 8,
        "ordering": 6,
        "matching": 6,
    },
    "passage": {"read_aloud": 4},
    "conversation": {"multiple_choice": 20},
    "listening": {"multiple_choice": 24},
    "sentence": {"multiple_choice": 20},
    "reading": {"multiple_choice": 26, "multiple_response": 4},
    "short": {
        "read_aloud": 10,
        "repeat": 20,
        "short_answer": 28,
        "sentence_build": 12,
        "retelling": 4,
        "open_question": 2,
    },
    "practice": {
        "read_aloud": 2,
        "repeat": 2,
        "short_answer": 2,
        "sentence_build": 2,
        "multiple_choice": 1,
        "ordering": 1,
    },
}
CHOICE_POOLS = ("conversation", "listening", "sentence", "reading")


def of(task: str, pool: str | None = None) -> list[BankItem]:
    return [item for item in BANK if item.task == task and pool in (None, item.pool)]


def key_of(item: BankItem) -> Any:
    return item.body.answer_key


def shown_of(item: BankItem) -> Any:
    return item.body.shown


def texts_of(item: BankItem) -> list[str]:
    body, key = item.body, key_of(item)
    points = [text for point in key.get("key_points", ()) for text in (point["text"], *point["accepted"])]
    gaps = [text for gap in key.get("gaps", ()) for text in gap["accepted"]]
    offered = [text for name in ("options", "parts", "left", "right") for text in shown_of(item).get(name, ())]
    stimulus = shown_of(item).get("stimulus") or {}
    about = [stimulus.get("title") or "", stimulus.get("text") or ""]
    return [*body.heard, body.shown_text or "", *key.get("accepted", ()), *points, *gaps, *offered, *about]


@pytest.mark.parametrize(("pool", "task"), [(pool, task) for pool, tasks in LEAST.items() for task in tasks])
def test_there_is_enough_for_two_parallel_forms(pool, task):
    assert len(of(task, pool)) >= LEAST[pool][task]


@pytest.mark.parametrize("pool", ["main", "short"])
def test_repeats_go_from_three_to_fifteen_words_and_every_length_has_its_twin(pool):
    counts = Counter(len(item.body.headline.split()) for item in of("repeat", pool))
    assert min(counts) == 3
    assert max(counts) == 15
    assert all(count % 2 == 0 for count in counts.values())
    if pool == "main":
        assert set(counts) == set(range(3, 16))


def test_longer_repeats_are_never_called_easier():
    levels = defaultdict(set)
    for item in [*of("repeat", "main"), *of("repeat", "short")]:
        levels[len(item.body.headline.split())].add(item.level)
    ordered = [sorted(levels[length]) for length in sorted(levels)]
    assert all(len(found) == 1 for found in ordered)
    assert ordered == sorted(ordered)


def test_nothing_is_asked_twice():
    said = Counter(re.sub(r"[^a-z ]", "", " ".join((*item.body.heard, item.body.headline)).lower()) for item in BANK)
    assert [text for text, count in said.items() if count > 1] == []


def test_a_question_does_not_say_its_own_answer_unless_it_offers_a_choice():
    for item in of("short_answer"):
        question = f" {re.sub(r'[^a-z ]', ' ', item.body.headline.lower())} "
        if " or " not in question:
            assert not any(f" {answer.lower()} " in question for answer in key_of(item)["accepted"]), item.id


def test_builds_are_heard_in_an_order_that_is_no_sentence_and_every_accepted_sentence_is_one():
    for item in of("sentence_build"):
        orders = [order_of(sentence, item.body.heard) for sentence in key_of(item)["accepted"]]
        assert None not in orders, item.id
        assert "123" not in orders, item.id
        for sentence in key_of(item)["accepted"]:
            assert sentence[0].isupper(), item.id
            assert sentence[-1] in ".?", item.id


def test_first_places_do_not_give_the_order_of_builds_away():
    """Somebody who always says the phrases in one fixed order is right in less than half of the items."""
    orders = Counter(order_of(key_of(item)["accepted"][0], item.body.heard) for item in of("sentence_build"))
    assert max(orders.values()) < len(of("sentence_build")) / 2


def test_stories_are_as_long_as_they_should_be_and_say_their_key_points():
    for item in of("retelling"):
        key = key_of(item)
        assert 45 <= len(key["story"].split()) <= 70, item.id
        assert 6 <= len(key["key_points"]) <= 9, item.id


def test_key_points_are_told_apart():
    for item in of("retelling"):
        ways = [way.lower() for point in key_of(item)["key_points"] for way in (point["text"], *point["accepted"])]
        assert len(ways) == len(set(ways)), item.id


# -- what is chosen --------------------------------------------------------------------------------------------------


def answer_of(item: BankItem) -> str:
    (right,) = key_of(item)["correct"]
    return str(key_of(item)["options"][right])


def said_of(item: BankItem) -> str:
    """Everything that a candidate has before it answers but the options."""
    stimulus = shown_of(item).get("stimulus") or {}
    return " ".join((*item.body.heard, item.body.shown_text or "", stimulus.get("text") or ""))


@pytest.mark.parametrize("pool", [*CHOICE_POOLS, "practice"])
def test_a_choice_has_one_key_among_four_options_of_the_same_kind(pool):
    for item in of("multiple_choice", pool):
        options = shown_of(item)["options"]
        assert len(options) == 4, item.id
        assert len({re.sub(r"[^a-z]", "", option.lower()) for option in options}) == 4, item.id
        assert len(key_of(item)["correct"]) == 1, item.id
        assert len({option[0].isupper() and option[-1] == "." for option in options}) == 1, item.id
        lengths = sorted(len(option) for option in options)
        assert lengths[-1] <= 2.5 * lengths[0] + 6, item.id


@pytest.mark.parametrize("pool", CHOICE_POOLS)
def test_the_key_is_at_every_place_equally_often(pool):
    places = Counter(key_of(item)["correct"][0] for item in of("multiple_choice", pool))
    assert set(places) == {0, 1, 2, 3}
    assert max(places.values()) - min(places.values()) <= 2


@pytest.mark.parametrize("pool", CHOICE_POOLS)
@pytest.mark.parametrize("extreme", [max, min], ids=["longest", "shortest"])
def test_who_always_takes_the_longest_or_the_shortest_option_guesses(pool, extreme):
    """Half of the items would be twice what chance gives."""
    items = of("multiple_choice", pool)
    hits = 0.0
    for item in items:
        lengths = [len(option) for option in shown_of(item)["options"]]
        ends = [option for option in shown_of(item)["options"] if len(option) == extreme(lengths)]
        hits += (answer_of(item) in ends) / len(ends)
    assert hits < len(items) / 2


def test_of_several_right_options_it_is_said_how_many_and_they_have_no_fixed_places():
    words = {2: "two", 3: "three"}
    items = of("multiple_response")
    for item in items:
        right = key_of(item)["correct"]
        assert str(item.body.shown_text).endswith(f"Choose {words[len(right)]}."), item.id
        assert len(right) <= len(shown_of(item)["options"]) / 2 + 0.5, item.id
    places = Counter(tuple(key_of(item)["correct"]) for item in items)
    assert max(places.values()) <= len(items) / 2


def test_a_gap_has_every_word_that_fits_and_its_key_has_no_fixed_place():
    places: Counter[int] = Counter()
    for item in of("gap_fill"):
        for gap, shown in zip(key_of(item)["gaps"], shown_of(item)["gaps"], strict=True):
            if shown["options"]:
                assert len(shown["options"]) == 3, item.id
                assert len(gap["accepted"]) == 1, item.id
                places[shown["options"].index(gap["accepted"][0])] += 1
            else:
                assert all(len(word.split()) == 1 for word in gap["accepted"]), item.id
    assert set(places) == {0, 1, 2}
    assert max(places.values()) <= sum(places.values()) / 2


def test_every_order_and_every_pair_has_one_answer_that_is_not_where_it_is_shown():
    for item in of("ordering"):
        (order,) = key_of(item)["orders"]
        assert not set(pairwise(order)) & set(pairwise(range(len(order)))), (
            item.id
        )  # no two neighbours stand right already
    for item in of("matching"):
        correct = key_of(item)["correct"]
        assert len(shown_of(item)["right"]) > len(correct), item.id
        assert sum(right == left for left, right in enumerate(correct)) <= 1, item.id


def test_a_set_has_one_level_but_for_a_last_question_that_is_harder():
    sets = defaultdict(list)
    for item in BANK:
        if "stimulus" in shown_of(item):
            sets[shown_of(item)["stimulus"]["id"]].append(item)
    for items in sets.values():
        levels = sorted({item.level for item in items})
        assert len(levels) == 1 or levels == ["B2", "C1"], levels
        assert len({item.pool for item in items}) == 1
        assert len({item.body.shown_text for item in items}) == len(items)


def test_no_conversation_and_no_sentence_needs_more_than_is_said():
    """What is heard is short enough to be kept in mind, and each question is asked about something."""
    for item in of("multiple_choice", "conversation"):
        assert 15 <= len(said_of(item).split()) <= 75, item.id
    for item in of("multiple_choice", "sentence"):
        assert str(item.body.shown_text).count("___") == 1, item.id
        assert not item.body.heard, item.id
    for pool, least, most in (("listening", 70, 160), ("reading", 60, 330)):
        firsts = [item for item in of("multiple_choice", pool) if item.id.endswith("-1")]
        assert all(least <= len(said_of(item).split()) <= most for item in firsts), pool


def test_a_headline_shows_no_key():
    """Lists of the bank are on screens that others see too."""
    for item in BANK:
        headline, key = item.body.headline, key_of(item)
        if item.task in ("multiple_choice", "multiple_response"):
            assert headline == item.body.shown_text, item.id
        if item.task == "matching":
            assert all(right not in headline for right in shown_of(item)["right"]), item.id
        if item.task == "gap_fill":
            assert headline.count("___") == len(key["gaps"]), item.id
        if item.task == "ordering":
            assert headline.endswith(" / ".join(shown_of(item)["parts"])), item.id


def test_every_answer_key_is_one_that_scoring_reads():
    for item in BANK:
        assert key_from_dict(item.task, item.body.answer_key)


def test_every_word_is_one_that_people_use():
    """A typing mistake is a word that nobody writes; rare ones would also be unfair."""
    rare = set()
    for item in BANK:
        for word in re.findall(r"[^\W\d_]+", " ".join(texts_of(item)).lower().replace("'s", "").replace("n't", "")):
            if wordfreq.zipf_frequency(word, "en") < 2.4:
                rare.add((item.id, word))
    assert rare == set()


def test_names_say_what_they_are():
    starts = {
        "read_aloud": "read-",
        "repeat": "repeat-",
        "short_answer": "answer-",
        "sentence_build": "build-",
        "retelling": "story-",
        "open_question": "open-",
        "conversation": "talk-",
        "sentence_completion": "complete-",
        "dictation": "dictate-",
        "passage_reconstruction": "rebuild-",
        "email": "email-",
        "essay": "essay-",
        "typing": "type-",
        "multiple_choice": "choose-",
        "multiple_response": "several-",
        "gap_fill": "gaps-",
        "ordering": "order-",
        "matching": "match-",
    }
    assert all(item.id.startswith(starts[item.task]) for item in BANK)
