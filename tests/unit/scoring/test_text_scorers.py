"""Typed and chosen answers: what earns what, and what must earn nothing (docs/scoring/<task>.md)."""

import random
from typing import Any

import pytest

from backend.scoring.keys import key_from_dict
from backend.scoring.score import ScoreStatus
from backend.scoring.scorers import TEXT_SCORERS
from backend.scoring.writing import Flaw, TextEvidence

EMAIL_KEY: dict[str, Any] = {
    "prompt": (
        "You bought a pair of headphones from an online shop last week. When the parcel arrived, one side did not "
        "work. Write an e-mail to the shop's customer service."
    ),
    "register": "formal",
    "least_words": 70,
    "most_words": 140,
    "key_points": [
        {"text": "what you bought and when", "accepted": ["I ordered headphones last week", "bought headphones"]},
        {"text": "what is wrong with it", "accepted": ["one side does not work", "the left side does not work"]},
        {"text": "what you want the shop to do", "accepted": ["send me a new pair", "I would like a refund"]},
    ],
}
GOOD = """Dear Sir or Madam,

I am writing about a pair of headphones that I ordered from your website last Tuesday. They arrived on Friday, and the
packaging was in good condition. However, when I tried them, I noticed that the left side does not work at all,
although I have tested them with two different phones.

Because I need them for my online classes, I would be grateful if you could send me a new pair. If that is not possible,
I would like a refund instead. Please let me know whether I should return the faulty pair.

Yours faithfully,
Anita"""
LEVELS = {"A1": 10, "A2": 8, "B1": 6, "B2": 5}


def judge(task, key, text="", **changes):
    evidence = TextEvidence(task=task, text=text, **changes)
    return TEXT_SCORERS[task](evidence, key_from_dict(task, key))


def value(score, trait):
    return round(next(points.value for name, points in score.points.items() if name.value == trait), 3)


def written(text, **changes):
    return judge("email", EMAIL_KEY, text, levels=LEVELS, **changes)


class TestCompletion:
    KEY = {"text": "The ___ of the meeting was written on the board.", "accepted": ["purpose", "aims"]}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("typed", "unknown", "credit"),
        [
            ("purpose", (), 1),
            ("  PURPOSE. ", (), 1),
            ("the purpose of", (), 1),
            ("purpos", ("purpos",), 0.75),
            ("porpoise", (), 0),
            ("purposes", (), 0.5),
            ("purpose meeting", (), 0),
            ("time", (), 0),
            ("", (), 0),
        ],
    )
    def test_what_earns_what(self, typed, unknown, credit):
        score = judge("sentence_completion", self.KEY, typed, unknown_words=unknown)
        assert (score.status, value(score, "vocabulary")) == (ScoreStatus.SCORED, credit)

    def test_nothing_typed_says_so(self):
        assert judge("sentence_completion", self.KEY).reason == "empty"


class TestDictation:
    KEY = {"text": "Their flight was delayed because of heavy rain."}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("typed", "listening", "writing"),
        [
            ("Their flight was delayed because of heavy rain.", 1, 1),
            ("their flight was delayed because of heavy rain", 1, 1),
            ("There flight was delayed because of heavy rain", 1, 0.906),
            ("Their flight was delaied because of heavy rain", 0.988, 0.938),
            ("Their flight was delayed", 0.5, 0.5),
            ("rain heavy of because delayed was flight their", 0.0, 0.0),
            ("Their new flight was delayed because of heavy rain", 0.938, 0.938),
            ("I like to drink tea in the morning every day", 0, 0),
        ],
    )
    def test_partial_credit_by_word_in_order(self, typed, listening, writing):
        score = judge("dictation", self.KEY, typed)
        assert (value(score, "listening"), value(score, "writing")) == (listening, writing)

    def test_digits_and_contractions_are_words(self):
        score = judge("dictation", {"text": "I'm meeting him at three o'clock."}, "I am meeting him at 3 o'clock")
        assert value(score, "writing") == 1

    def test_every_word_more_of_the_sentence_never_costs(self):
        words = self.KEY["text"].split()
        values = [value(judge("dictation", self.KEY, " ".join(words[:n])), "writing") for n in range(1, len(words) + 1)]
        assert values == sorted(values)


class TestPassage:
    KEY = {  # noqa: RUF012
        "passage": "Nadia works in a library. She helps students find books every day.",
        "key_points": [
            {"text": "Nadia works in a library", "accepted": ["she has a job at the library"]},
            {"text": "she helps students find books", "accepted": ["helping students with books"]},
        ],
    }

    def test_all_points_in_sentences_earn_it(self):
        score = judge(
            "passage_reconstruction", self.KEY, "Nadia works in a library. She helps the students find books."
        )
        assert value(score, "reading_comprehension") == 1

    def test_half_of_the_points_is_half(self):
        score = judge("passage_reconstruction", self.KEY, "There is a woman called Nadia and she works in a library.")
        assert 0.45 < value(score, "reading_comprehension") <= 0.5

    def test_another_subject_earns_nothing(self):
        score = judge(
            "passage_reconstruction", self.KEY, "Football is played by two teams on a green field in the sun."
        )
        assert value(score, "reading_comprehension") == 0
        assert score.reason == "off_topic"


class TestFreeWriting:
    def test_a_good_email_earns_well_and_never_more_than_all(self):
        score = written(GOOD)
        assert score.status is ScoreStatus.SCORED
        assert all(points.value > 0.6 for points in score.points.values())
        assert all(points.value <= 1 for points in score.points.values())

    def test_flaws_cost_grammar_only(self):
        flaws = tuple(Flaw(kind="grammar", start=at, end=at + 2, advice="") for at in range(12))
        assert value(written(GOOD, flaws=flaws), "grammar") < value(written(GOOD), "grammar") - 0.2
        assert value(written(GOOD, flaws=flaws), "vocabulary") == value(written(GOOD), "vocabulary")

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "empty"),
            (EMAIL_KEY["prompt"], "copied"),
            (EMAIL_KEY["prompt"] + " " + EMAIL_KEY["prompt"], "copied"),
            ("I bought headphones last week and one side does not work. " * 8, "repeated"),
            (
                "Namaste mujhe aapki dukaan se headphone mila lekin ek taraf kaam nahi karta hai kripya mujhe naya "
                "bhej dijiye main bahut pareshan hoon kyunki meri class hai aur sunai nahi deta hai",
                "other_language",
            ),
            (
                "Bonjour madame, je vous ecris parce que le casque que j'ai commande dans votre magasin ne marche pas. "
                "Merci beaucoup et bonne journee.",
                "other_language",
            ),
            ("Hello", "too_few_words"),
            (
                "The weather in the mountains is cold in winter. People wear warm coats and drink hot soup. Snow "
                "covers the roads, so that buses stop.",
                "off_topic",
            ),
        ],
    )
    def test_what_is_no_answer_earns_nothing_and_says_why(self, text, reason):
        score = written(text)
        assert (score.status, score.reason) == (ScoreStatus.SCORED, reason)
        assert all(points.value == 0 for points in score.points.values())

    @pytest.mark.parametrize("seed", range(8))
    def test_the_right_words_in_no_order_go_to_a_person(self, seed):
        words = GOOD.split()
        random.Random(seed).shuffle(words)
        score, whole = written(" ".join(words)), written(GOOD)
        if score.status is ScoreStatus.NEEDS_HUMAN:
            assert score.points == {}
            assert score.explanation["suspected"] == "word_salad"
        else:  # now and then small words fall into place by chance: then it earns little
            assert all(points.value < 0.5 * whole.points[trait].value for trait, points in score.points.items())

    def test_most_shuffles_are_seen(self):
        words, seen = GOOD.split(), 0
        for seed in range(40):
            random.Random(seed).shuffle(words)
            seen += written(" ".join(words)).status is ScoreStatus.NEEDS_HUMAN
        assert seen >= 32

    def test_copying_half_of_it_earns_less_than_writing_it(self):
        half = EMAIL_KEY["prompt"] + "\n" + "\n".join(GOOD.splitlines()[-6:])
        copied, own = written(half), written(GOOD)
        assert copied.status is ScoreStatus.NEEDS_HUMAN or value(copied, "grammar") < value(own, "grammar")

    def test_more_own_words_on_the_subject_never_earn_less(self):
        sentences = GOOD.replace("\n", " ").split(". ")
        texts = [". ".join(sentences[:n]) + "." for n in range(2, len(sentences) + 1)]
        values = [value(written(text), "vocabulary") for text in texts]
        assert values[-1] == max(values)

    def test_slang_costs_tone_where_it_is_formal(self):
        slangy = GOOD.replace("Dear Sir or Madam", "Hey dude").replace("grateful", "glad").replace("Please", "Pls")
        assert value(written(slangy), "voice_and_tone") < value(written(GOOD), "voice_and_tone")

    def test_an_essay_has_no_tone(self):
        score = judge("essay", {**EMAIL_KEY, "register": "neutral"}, GOOD, levels=LEVELS)
        assert {trait.value for trait in score.points} == {"grammar", "vocabulary", "organization"}


class TestTyping:
    KEY = {"text": "The train leaves the station at nine. " * 10}  # noqa: RUF012

    def test_speed_and_accuracy_and_no_points(self):
        typed = self.KEY["text"][:149]
        score = judge("typing", self.KEY, typed, elapsed_ms=60_000)
        assert score.points == {}
        assert (score.explanation["words_per_minute"], score.explanation["accuracy"]) == (29.8, 1.0)

    def test_mistakes_cost_accuracy(self):
        score = judge("typing", self.KEY, "The trian leaves the staton at nine", elapsed_ms=30_000)
        assert 0.85 < score.explanation["accuracy"] < 0.97

    def test_nothing_typed_is_slow(self):
        assert judge("typing", self.KEY, "", elapsed_ms=60_000).explanation["words_per_minute"] == 0


class TestChosen:
    def test_one_right_option(self):
        key = {"options": ["a", "b", "c"], "correct": [1], "skill": "reading"}
        assert value(judge("multiple_choice", key, choices=(1,)), "reading") == 1
        assert value(judge("multiple_choice", key, choices=(0,)), "reading") == 0
        assert judge("multiple_choice", key).reason == "empty"

    @pytest.mark.parametrize(
        ("choices", "expected"), [((0, 2), 1), ((2, 0), 1), ((0,), 0.5), ((0, 1), 0), ((0, 1, 2, 3), 0), ((), 0)]
    )
    def test_several_right_options(self, choices, expected):
        key = {"options": ["a", "b", "c", "d"], "correct": [0, 2], "skill": "listening"}
        assert value(judge("multiple_response", key, choices=choices), "listening") == expected

    def test_gaps(self):
        key = {"gaps": [{"accepted": ["since"]}, {"accepted": ["for", "during"]}], "skill": "grammar"}
        assert value(judge("gap_fill", key, texts=("Since", "during")), "grammar") == 1
        assert value(judge("gap_fill", key, texts=("since",)), "grammar") == 0.5
        assert value(judge("gap_fill", key, texts=("", "")), "grammar") == 0

    @pytest.mark.parametrize(
        ("choices", "expected"), [((2, 0, 1), 1), ((0, 1, 2), 0), ((2, 0), 0), ((0, 1), 0), ((1, 2, 0), 0.5), ((), 0)]
    )
    def test_order(self, choices, expected):
        key = {"parts": ["b", "c", "a"], "orders": [[2, 0, 1]], "skill": "reading"}
        assert value(judge("ordering", key, choices=choices), "reading") == expected

    def test_pairs(self):
        key = {"left": ["1", "2"], "right": ["x", "y", "z"], "correct": [2, 0], "skill": "vocabulary"}
        assert value(judge("matching", key, choices=(2, 0)), "vocabulary") == 1
        assert value(judge("matching", key, choices=(2, 2)), "vocabulary") == 0
        assert value(judge("matching", key, choices=(-1, 0)), "vocabulary") == 0.5


def test_evidence_goes_to_storage_and_back():
    evidence = TextEvidence(task="email", text="I go.", flaws=(Flaw(kind="grammar", start=0, end=1, advice="x"),))
    assert TextEvidence.from_dict(evidence.to_dict()) == evidence
