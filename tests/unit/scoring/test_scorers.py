"""Every task: what earns points, what must not, and when a person decides."""

import json
from dataclasses import replace
from typing import Any

import pytest

from backend.adapters.rubrics.files import FileRubrics
from backend.scoring.evidence import Evidence, Offer, SpokenLanguage, VoiceActivity
from backend.scoring.keys import AnswerKey, OpenQuestionKey, key_from_dict
from backend.scoring.score import ItemScore, ScoreStatus, Trait
from backend.scoring.scorers import SCORERS, TEXT_SCORERS, VERSIONS, score_answer
from tests.support.speech import evidence

KEYS: dict[str, dict[str, Any]] = {
    "read_aloud": {"text": "The library opens at nine every morning."},
    "repeat": {"text": "My sister bought a new bicycle last week."},
    "short_answer": {"accepted": ["a kitchen", "kitchen"]},
    "sentence_build": {
        "phrases": ["to the station", "she drove", "her brother"],
        "accepted": ["She drove her brother to the station."],
    },
    "retelling": {
        "story": "A boy found a wallet in the park. He took it to the police. The owner thanked him with ten dollars.",
        "key_points": [
            {"text": "a boy found a wallet in the park", "accepted": ["he found some money outside"]},
            {"text": "he took it to the police"},
            {"text": "the owner gave him ten dollars", "accepted": ["the owner thanked him with money"]},
        ],
    },
    "open_question": {},
}
GOOD_RETELLING = (
    "There was a boy who found a wallet in the park and he took it to the police station and then the owner came and "
    "gave him ten dollars because he was very happy"
)
SALAD = "wallet park boy found police took owner dollars ten thanked boy park wallet police ten him found took dollars"


def key_of(task: str) -> AnswerKey:
    return key_from_dict(task, KEYS[task])


def score(task: str, said: str, **rest: Any) -> ItemScore:
    return score_answer(evidence(task, said, **rest), key_of(task))


def wordless(task: str, *, speech_ms: int) -> Evidence:
    """Somebody speaks for so long, and no word is recognised."""
    voice = VoiceActivity(speech_ms=speech_ms, leading_ms=500, trailing_ms=700, segments=((500, 500 + speech_ms),))
    return replace(evidence(task, ""), voice=voice)


def value(scored: ItemScore, trait: Trait) -> float:
    return scored.points[trait].value


def test_every_task_has_a_scorer_and_a_version() -> None:
    assert set(SCORERS) - {"conversation"} == set(KEYS)  # a conversation's key and scorer are a short answer's
    assert set(SCORERS) | set(TEXT_SCORERS) == set(VERSIONS)


@pytest.mark.parametrize("task", [task for task in KEYS if task != "open_question"])
class TestEveryTask:
    def test_a_candidate_who_keeps_silent_earns_zero_and_the_reason_says_so(self, task: str) -> None:
        scored = score(task, "", problems=["silent"])
        assert scored.status is ScoreStatus.SCORED
        assert scored.reason == "no_speech"
        assert scored.points
        assert all(points.value == 0 for points in scored.points.values())

    @pytest.mark.parametrize("speech_ms", [224, 620, 1500])
    def test_speech_without_a_recognised_word_goes_to_a_person_however_short(self, task: str, speech_ms: int) -> None:
        scored = score_answer(wordless(task, speech_ms=speech_ms), key_of(task))
        assert (scored.status, scored.reason) == (ScoreStatus.NEEDS_HUMAN, "nothing_recognised")
        assert not scored.points

    @pytest.mark.parametrize("problem", ["microphone_silent", "noise_only", "too_short", "too_quiet", "truncated"])
    def test_unusable_sound_goes_to_a_person(self, task: str, problem: str) -> None:
        scored = score(task, "", problems=[problem])
        assert scored.status is ScoreStatus.NEEDS_HUMAN
        assert scored.reason == problem
        assert not scored.points

    def test_an_answer_cut_off_while_speaking_goes_to_a_person(self, task: str) -> None:
        scored = score(task, "my sister bought a", problems=["truncated"], trailing_ms=0)
        assert (scored.status, scored.reason) == (ScoreStatus.NEEDS_HUMAN, "truncated")

    def test_the_score_is_plain_json_and_comes_back_the_same(self, task: str) -> None:
        scored = score(task, "the library opens she drove a wallet kitchen", meaning=[0.1, 0.1, 0.1], plausibility=2.0)
        plain = scored.to_dict()
        assert ItemScore.from_dict(json.loads(json.dumps(plain))).to_dict() == plain

    def test_doubtful_sound_lowers_the_confidence(self, task: str) -> None:
        said = {"short_answer": "kitchen", "retelling": GOOD_RETELLING}.get(
            task, str(KEYS[task].get("text", "she drove"))
        )
        clean = score(task, said, meaning=[0.8, 0.8, 0.8], plausibility=2.0)
        noisy = score(task, said, meaning=[0.8, 0.8, 0.8], plausibility=2.0, problems=["noisy"])
        assert noisy.confidence < clean.confidence


class TestReadAloud:
    def test_the_printed_sentence_earns_what_experts_would_give(self) -> None:
        scored = score("read_aloud", "The library opens at 9 every morning", quality=0.7)
        assert value(scored, Trait.FLUENCY) == pytest.approx(0.7)
        assert value(scored, Trait.PRONUNCIATION) == pytest.approx(0.7)
        assert Trait.VOCABULARY not in scored.points

    def test_another_sentence_well_said_earns_nothing(self) -> None:
        scored = score("read_aloud", "I do not want to read this thing", quality=0.95, phone_distance=0.8)
        assert scored.reason == "other_text"
        assert all(points.value == 0 for points in scored.points.values())

    def test_a_learner_whose_words_were_misheard_keeps_the_credit_by_sounds(self) -> None:
        scored = score("read_aloud", "the lie berry oh pants", phone_distance=0.3)
        assert value(scored, Trait.PRONUNCIATION) > 0.4

    def test_garbled_words_that_agree_with_nothing_go_to_a_person(self) -> None:
        scored = score("read_aloud", "zang lo keno was ree", confidence=0.3, phone_distance=0.9)
        assert (scored.status, scored.reason) == (ScoreStatus.NEEDS_HUMAN, "low_confidence")
        assert scored.explanation["suspected"] == "other_text"
        assert not scored.points

    def test_half_the_sentence_earns_less_than_all_of_it(self) -> None:
        whole = score("read_aloud", "the library opens at nine every morning")
        half = score("read_aloud", "the library opens", phone_distance=0.6)
        assert value(half, Trait.FLUENCY) < value(whole, Trait.FLUENCY)

    def test_speech_that_could_not_be_aligned_is_no_zero(self) -> None:
        whole = evidence("read_aloud", "the library opens")
        unaligned = type(whole).from_dict({**whole.to_dict(), "aspects": None})
        scored = score_answer(unaligned, key_of("read_aloud"))
        assert (scored.status, scored.reason) == (ScoreStatus.NEEDS_HUMAN, "not_aligned")


class TestRepeat:
    def test_exact_is_full_mastery(self) -> None:
        scored = score("repeat", "My sister bought a new bicycle last week.")
        assert value(scored, Trait.SENTENCE_MASTERY) == 1
        assert scored.explanation["rubric_level"] == 5

    def test_partial_credit_falls_with_each_word_lost(self) -> None:
        said = ["my", "sister", "bought", "a", "new", "bicycle", "last", "week"]
        values = [value(score("repeat", " ".join(said[:length])), Trait.SENTENCE_MASTERY) for length in range(1, 9)]
        assert values == sorted(values)
        assert values[1] == pytest.approx(2 / 8)

    def test_words_that_agree_by_chance_earn_nothing(self) -> None:
        assert value(score("repeat", "my a my a"), Trait.SENTENCE_MASTERY) == 0
        assert value(score("repeat", "my bicycle"), Trait.SENTENCE_MASTERY) == pytest.approx(2 / 8)

    def test_a_filler_is_free_and_the_explanation_names_it(self) -> None:
        scored = score("repeat", "my sister um bought a new bicycle last week")
        assert value(scored, Trait.SENTENCE_MASTERY) == 1
        assert "filler" in {row["operation"] for row in scored.explanation["alignment"]}

    def test_other_words_earn_no_delivery(self) -> None:
        scored = score("repeat", "I do not know what they said", quality=0.95)
        assert all(points.value == 0 for points in scored.points.values())
        assert scored.reason == "other_text"

    def test_garbled_speech_goes_to_a_person(self) -> None:
        scored = score("repeat", "zang lo keno was ree", confidence=0.15)
        assert scored.status is ScoreStatus.NEEDS_HUMAN

    def test_the_sentence_hidden_in_a_flood_of_words_earns_nothing(self) -> None:
        flood = "my sister bought a new bicycle last week " + "and then many other things came along here " * 4
        scored = score("repeat", flood)
        assert all(points.value == 0 for points in scored.points.values())


class TestShortAnswer:
    @pytest.mark.parametrize("said", ["kitchen", "A kitchen.", "um in the kitchen", "it is the kitchen", "Kitchens"])
    def test_an_accepted_answer_is_right(self, said: str) -> None:
        assert value(score("short_answer", said), Trait.VOCABULARY) == 1

    @pytest.mark.parametrize("said", ["bathroom", "chicken", "I don't know", "kitten"])
    def test_another_is_wrong(self, said: str) -> None:
        assert value(score("short_answer", said), Trait.VOCABULARY) == 0

    def test_reciting_many_words_is_no_answer(self) -> None:
        said = "bedroom bathroom garden garage kitchen balcony cellar attic"
        scored = score("short_answer", said)
        assert value(scored, Trait.VOCABULARY) == 0
        assert scored.reason == "too_many_words"

    @pytest.mark.parametrize(
        ("accepted", "said"), [("7", "seven"), ("two", "too"), ("ice cream", "icecream"), ("gray", "grey")]
    )
    def test_spelling_is_the_recognisers(self, accepted: str, said: str) -> None:
        scored = score_answer(evidence("short_answer", said), key_from_dict("short_answer", {"accepted": [accepted]}))
        assert value(scored, Trait.VOCABULARY) == 1

    def test_a_misheard_answer_counts_when_the_sound_fits_it(self) -> None:
        scored = self.offered("Embrella", forced_gap=-1.5, margin=-0.5)
        assert value(scored, Trait.VOCABULARY) == 1
        assert scored.explanation["matched_by"] == "sound"
        assert scored.confidence < 0.7

    def test_an_answer_whose_sound_fits_nothing_is_surely_wrong(self) -> None:
        scored = self.offered("raincoat", forced_gap=-11.0, margin=-3.0)
        assert (scored.status, value(scored, Trait.VOCABULARY)) == (ScoreStatus.SCORED, 0)

    def test_between_the_two_a_person_decides(self) -> None:
        assert self.offered("a bella", forced_gap=-6.0, margin=-1.5).status is ScoreStatus.NEEDS_HUMAN

    @pytest.mark.parametrize("forced_gap", [6.0, -20.0])
    def test_no_sound_fit_earns_or_costs_where_no_word_was_recognised(self, forced_gap: float) -> None:
        offer = Offer(text="kitchen", forced_gap=forced_gap, margin=0.5, path_loss=-0.05)
        heard = replace(wordless("short_answer", speech_ms=620), offers=(offer,))
        assert score_answer(heard, key_of("short_answer")).reason == "nothing_recognised"

    def offered(self, said: str, *, forced_gap: float, margin: float) -> ItemScore:
        offer = Offer(text="umbrella", forced_gap=forced_gap, margin=margin, path_loss=-0.1)
        heard = replace(evidence("short_answer", said, confidence=0.15), offers=(offer,))
        return score_answer(heard, key_from_dict("short_answer", {"accepted": ["umbrella"]}))

    def test_a_doubtful_refusal_is_a_persons(self) -> None:
        assert score("short_answer", "bathroom", confidence=0.2).status is ScoreStatus.NEEDS_HUMAN
        assert score("short_answer", "bathroom", confidence=0.6).status is ScoreStatus.SCORED


class TestSentenceBuild:
    def test_the_built_sentence_is_full_mastery(self) -> None:
        assert value(score("sentence_build", "She drove her brother to the station"), Trait.SENTENCE_MASTERY) == 1

    def test_any_accepted_order_counts(self) -> None:
        key = key_from_dict(
            "sentence_build",
            {
                "phrases": ["in the garden", "we had lunch", "yesterday"],
                "accepted": ["We had lunch in the garden yesterday.", "Yesterday we had lunch in the garden."],
            },
        )
        scored = score_answer(evidence("sentence_build", "yesterday we had lunch in the garden"), key)
        assert value(scored, Trait.SENTENCE_MASTERY) == 1
        assert scored.explanation["expected"] == "Yesterday we had lunch in the garden."

    def test_the_phrases_as_played_are_not_a_sentence(self) -> None:
        scored = score("sentence_build", "to the station she drove her brother")
        assert value(scored, Trait.SENTENCE_MASTERY) <= 0.25
        assert scored.reason == "phrases_not_built"


class TestRetelling:
    def test_key_points_in_own_words_earn(self) -> None:
        scored = score("retelling", GOOD_RETELLING, plausibility=2.0, meaning=[0.8, 0.8, 0.7])
        assert value(scored, Trait.SENTENCE_MASTERY) > 0.85
        assert value(scored, Trait.VOCABULARY) > 0.8
        assert all(point["covered"] for point in scored.explanation["key_points"])

    def test_part_of_the_story_earns_part(self) -> None:
        part = score(
            "retelling", "a boy found a wallet in the park and he was happy", plausibility=2.0, meaning=[0.8, 0.3, 0.3]
        )
        whole = score("retelling", GOOD_RETELLING, plausibility=2.0, meaning=[0.8, 0.8, 0.7])
        assert 0.1 < value(part, Trait.SENTENCE_MASTERY) < value(whole, Trait.SENTENCE_MASTERY) - 0.3

    @pytest.mark.parametrize("plausibility", [0.1, None])
    def test_word_salad_earns_nothing_though_its_meaning_is_near(self, plausibility: float | None) -> None:
        scored = score("retelling", SALAD, plausibility=plausibility, meaning=[0.7, 0.7, 0.7])
        assert scored.status is ScoreStatus.NEEDS_HUMAN
        assert scored.explanation["suspected"] == "word_salad"
        assert not scored.points

    def test_broken_english_still_earns(self) -> None:
        said = "boy he find wallet in park and then he go police and the owner give him ten dollar he very happy"
        scored = score("retelling", said, plausibility=0.99, meaning=[0.7, 0.6, 0.7])
        assert value(scored, Trait.SENTENCE_MASTERY) > 0.5

    def test_fluent_talk_about_something_else_earns_nothing(self) -> None:
        off = "I like to play football with my friends every weekend because it is good for our health and we enjoy it"
        scored = score("retelling", off, plausibility=2.0, meaning=[0.1, 0.05, 0.1])
        assert scored.reason == "off_topic"
        assert all(points.value < 0.05 for points in scored.points.values())

    def test_nearness_in_meaning_alone_earns_nothing(self) -> None:
        off = "I like to play football with my friends every weekend because it is good for our health and we enjoy it"
        scored = score("retelling", off, plausibility=2.0, meaning=[0.9, 0.9, 0.9])
        assert value(scored, Trait.SENTENCE_MASTERY) < 0.05


def test_an_open_question_waits_for_raters_with_hints() -> None:
    scored = score("open_question", "I think that cities are better because there is more work")
    assert scored.status is ScoreStatus.NEEDS_RATER
    assert not scored.points
    assert scored.explanation["transcript"][0]["text"] == "I"


ANSWER = (
    "I think that living in a big city is better because there is more work and people can study at good schools. "
    "However, it is expensive, so my family decided to move to a small town after my father lost his job. "
    "Finally, I believe that both places have advantages if somebody knows what he wants."
)
QUESTION = OpenQuestionKey(question="Some people like to live in a big city, others prefer a small town. Why?")


def hints_of(said: str, **language: Any) -> dict[str, dict[str, Any]]:
    plausibility = language.pop("plausibility", 2.0)
    heard = evidence("open_question", said, plausibility=plausibility)
    timing = {"words_per_s": 2.2, "run_words": 8.0, "long_pauses": 2.0}
    heard = replace(heard, timing=timing, language=SpokenLanguage(**language))
    rows = score_answer(heard, QUESTION).explanation["hints"]
    return {row["criterion"]: row for row in rows}


LEVELS = {"A1": 6, "A2": 6, "B1": 8, "B2": 4}


class TestHints:
    def test_there_is_one_for_each_criterion_of_the_rubric(self) -> None:
        rubric = FileRubrics().find_for("open_question")
        assert rubric is not None
        assert set(hints_of(ANSWER, levels=LEVELS, nearness=0.6)) == {each.id for each in rubric.criteria}

    def test_a_full_answer_gets_more_than_a_few_words(self) -> None:
        full = hints_of(ANSWER, levels=LEVELS, nearness=0.6)
        short = hints_of("I like the city very much", levels={"A1": 2}, nearness=0.5)
        for criterion in ("vocabulary", "grammar", "relevance", "organisation"):
            assert full[criterion]["level"] > short[criterion]["level"], criterion
            assert full[criterion]["confidence"] > short[criterion]["confidence"], criterion

    def test_nearness_in_meaning_alone_makes_nothing_relevant(self) -> None:
        salad = hints_of(" ".join(sorted(ANSWER.split())), levels=LEVELS, nearness=0.9, plausibility=0.1)
        assert salad["relevance"]["level"] == 0

    def test_mistakes_lower_grammar_and_what_the_recogniser_wrote_does_not(self) -> None:
        right = hints_of(ANSWER, levels=LEVELS)["grammar"]["level"]
        wrong = hints_of(ANSWER, levels=LEVELS, flaws=("agreement",) * 5)["grammar"]["level"]
        spelt = hints_of(ANSWER, levels=LEVELS, flaws=("spelling", "punctuation") * 5)["grammar"]["level"]
        assert wrong < right == spelt

    def test_without_a_reader_only_the_sound_gives_hints(self) -> None:
        found = score_answer(evidence("open_question", ANSWER), QUESTION).explanation["hints"]
        assert {row["criterion"] for row in found} <= {"fluency", "pronunciation", "organisation"}

    def test_silence_gives_none(self) -> None:
        assert score_answer(evidence("open_question", ""), QUESTION).explanation["hints"] == []
