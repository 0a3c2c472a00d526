"""The bank's content: enough of everything, spread as the forms need it, nothing twice, in words that people know."""

import re
from collections import Counter, defaultdict
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
    },
    "passage": {"read_aloud": 4},
    "reading": {"multiple_choice": 6},
    "listening": {"multiple_choice": 6},
    "short": {
        "read_aloud": 10,
        "repeat": 20,
        "short_answer": 28,
        "sentence_build": 12,
        "retelling": 4,
        "open_question": 2,
    },
    "practice": {"read_aloud": 2, "repeat": 2, "short_answer": 2, "sentence_build": 2},
}


def of(task: str, pool: str | None = None) -> list[BankItem]:
    return [item for item in BANK if item.task == task and pool in (None, item.pool)]


def key_of(item: BankItem) -> Any:
    return item.body.answer_key


def texts_of(item: BankItem) -> list[str]:
    body, key = item.body, key_of(item)
    points = [text for point in key.get("key_points", ()) for text in (point["text"], *point["accepted"])]
    return [*body.heard, body.shown_text or "", *key.get("accepted", ()), *points]


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
