"""Words of a read text: what was recognised in their place, their neighbours, and the judge that ships."""

import numpy as np
import pytest

from backend.adapters.speech.calibrations import load_calibration
from backend.scoring.calibration import Floats, calibration_from_arrays
from backend.scoring.evidence import HeardWord, SpokenWord
from backend.scoring.words import judge_words, word_rows
from tests.support.speech import CLEAN_WORD, WORD_OFF

TEXTS = ["THE", "OLD", "MAN", "WALKED"]


def heard(text: str) -> list[HeardWord]:
    return [HeardWord(text=word, start_ms=0, end_ms=100, confidence=0.5) for word in text.split()]


def engine_row(low: float) -> dict[str, float]:
    return {"m_mean": low / 2, "m_min": low, "o_min": low - 1, "w_mean": low}


def whole_states() -> Floats:
    """Of an ordinary voice."""
    states = load_calibration().states
    assert states is not None
    return states.centre


def spoken(texts: list[str]) -> list[SpokenWord]:
    return [SpokenWord(text=text, start_ms=0, end_ms=100, goodness=0.5) for text in texts]


def test_each_word_knows_what_was_recognised_in_its_place() -> None:
    rows = word_rows(TEXTS, [engine_row(-1.0)] * 4, heard("the cold man"))
    assert [row["heard_match"] for row in rows] == [1, 0, 1, 0]
    assert rows[3]["heard_left_out"] == 1
    assert rows[0]["heard_letters"] == 0 < rows[1]["heard_letters"] < rows[3]["heard_letters"] == 1


def test_neighbours_and_the_place_among_the_others() -> None:
    rows = word_rows(TEXTS, [engine_row(low) for low in (-1.0, -8.0, -2.0, -3.0)], heard("the old man walked"))
    assert rows[0]["near_m_min"] == -8
    assert rows[2]["near_m_min"] == pytest.approx(-5.5)
    assert rows[1]["rank"] == 0.75  # worse than three of four
    assert rows[0]["rank"] == 0


def test_a_word_without_sounds_is_not_judged() -> None:
    rows = word_rows(TEXTS, [engine_row(-1.0), {}, engine_row(-1.0), {}], heard("the man"))
    for states in (None, whole_states()):
        qualities = load_calibration().judge(rows, {}, states)
        assert [quality is None for quality in qualities] == [False, True, False, True]


def test_a_word_that_is_off_in_everything_is_doubtful_and_a_clean_one_is_not() -> None:
    rows = word_rows(TEXTS, [CLEAN_WORD, WORD_OFF, CLEAN_WORD, CLEAN_WORD], heard("the banana man walked"))
    calibration = load_calibration()
    assert calibration.words is not None
    for states in (None, whole_states()):
        qualities = calibration.judge(rows, {}, states)
        judged = judge_words(spoken(TEXTS), qualities, calibration.words.flag_below)
        assert [word.quality for word in judged] == qualities
        assert min(judged[at].quality or 0 for at in (0, 2, 3)) > 0.8 > (judged[1].quality or 0)
    alone = judge_words(spoken(TEXTS), calibration.judge(rows, {}), calibration.words.flag_below)
    assert [word.doubtful for word in alone] == [False, True, False, False]


def test_a_calibration_without_words_judges_none() -> None:
    rows = word_rows(TEXTS, [engine_row(-1.0)] * 4, heard("the old man walked"))
    qualities = calibration_from_arrays("made", {}).judge(rows, {})
    assert qualities == [None] * 4
    assert judge_words(spoken(TEXTS), qualities, 0.5) == tuple(spoken(TEXTS))


def test_numbers_that_are_missing_or_absurd_still_give_a_mark() -> None:
    for row in ({"m_mean": np.nan}, {"m_mean": 1e9, "w_mean": -1e9}):
        for states in (None, whole_states()):
            assert all(0 <= (mark or 0) <= 1 for mark in load_calibration().judge([row], {}, states))
