"""Attempts to earn credit without the speech that was asked for: the quick part of `make gaming`."""

import os
import shutil
from functools import cache
from pathlib import Path

import pytest

from backend.adapters.speech.offline import OfflineEngine
from backend.scoring.evidence import SpeechEngine
from backend.scoring.score import ScoreStatus, Trait
from scripts import gaming, gaming_sounds

MODELS = Path(os.environ.get("VIVA_DATA", ".viva")) / "models"


@cache
def engine() -> SpeechEngine:
    return OfflineEngine(models_dir=MODELS)


def attempts(*names: str) -> list[gaming.Attempt]:
    groups = (gaming.without_words(), gaming.other_words(), gaming.altered_voices())
    found = [attempt for group in groups for attempt in group if attempt.name in names]
    assert {attempt.name for attempt in found} == set(names)
    return found


@pytest.mark.parametrize(
    "name",
    [
        "music",
        "knocking in the rhythm of speech",
        "speech backwards",
        "the wrong sentence",
        "shouting one word",
        "somebody else goes on",
    ],
)
def test_what_is_not_the_answer_earns_next_to_nothing(name: str) -> None:
    for attempt in attempts(name):
        score, kept = gaming.judge(attempt, engine())
        assert kept, (attempt.task, dict(score.points))


@pytest.mark.parametrize("name", ["whispered", "clipped", "a second speaker, as loud", "over music"])
def test_an_altered_voice_neither_crashes_nor_gains(name: str) -> None:
    (honest,), (altered,) = attempts("honest"), attempts(name)
    full, _ = gaming.judge(honest, engine())
    score, _ = gaming.judge(altered, engine())
    assert score.status is not ScoreStatus.SCORED or all(
        points.value <= full.points[trait].value + 0.06 for trait, points in score.points.items()
    )
    assert ("clipped" in score.explanation["quality_problems"]) is (name == "clipped")


def test_a_whisper_is_named_and_doubted() -> None:
    (honest,), (whisper,) = attempts("honest"), attempts("whispered")
    full, _ = gaming.judge(honest, engine())
    score, _ = gaming.judge(whisper, engine())
    assert "whispered" in score.explanation["quality_problems"]
    assert "whispered" not in full.explanation["quality_problems"]
    assert score.confidence < full.confidence


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng speaks the prompt")
def test_the_prompt_played_back_goes_to_a_person_and_an_honest_voice_after_it_does_not() -> None:
    for attempt in gaming.played_back():
        score, _ = gaming.judge(attempt, engine())
        if attempt.name.startswith("honest"):
            assert score.status is ScoreStatus.SCORED
            assert (gaming.credit_of(score, Trait.SENTENCE_MASTERY) or 0) > 0.6
        else:
            assert (score.status, score.reason, score.points) == (
                ScoreStatus.NEEDS_HUMAN,
                "prompt_played_back",
                {},
            ), attempt.name


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng speaks the other languages")
@pytest.mark.parametrize("language", ["hi", "fr"])
def test_another_language_earns_nothing(language: str) -> None:
    sound = gaming.synthetic(gaming.FOREIGN[language], language=language)
    assert sound is not None
    for task in ("read_aloud", "repeat"):
        attempt = gaming.Attempt(name=language, task=task, key={"text": gaming.OTHER}, sound=sound, most=gaming.NOTHING)
        score, kept = gaming.judge(attempt, engine())
        assert kept, dict(score.points)


def test_credit_is_that_of_the_trait_in_question() -> None:
    (honest,) = attempts("honest")
    score, _ = gaming.judge(honest, engine())
    assert (gaming.credit_of(score, Trait.FLUENCY) or 0) > 0.6
    assert gaming.credit_of(score, Trait.VOCABULARY) == 0


def test_read_words_are_judged_and_shown() -> None:
    (honest,) = attempts("honest")
    score, _ = gaming.judge(honest, engine())
    shown = score.explanation["words_said"]
    assert [word["text"] for word in shown] == gaming.SAID.split()
    assert all(0 <= word["start_ms"] <= word["end_ms"] and 0 <= word["quality"] <= 1 for word in shown)
    assert sum(word["doubtful"] for word in shown) <= 2


def test_a_whisper_is_not_voiced_and_a_melody_is_no_voice() -> None:
    reader = gaming.voice("native_reader.wav")
    whisper = gaming_sounds.whispered(reader)
    assert len(whisper) == len(reader)
    assert abs(whisper).max() <= 1
    assert len(gaming_sounds.melody(2)) == 32_000
