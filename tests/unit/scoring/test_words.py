"""Words of a read text: what was recognised in their place, their neighbours, and the judge that ships."""

import numpy as np
import pytest

from backend.adapters.speech.calibrations import load_calibration
from backend.scoring.calibration import Calibration, calibration_from_arrays
from backend.scoring.evidence import HeardWord, SpokenWord
from backend.scoring.words import judge_words, word_rows

TEXTS = ["THE", "OLD", "MAN", "WALKED"]


def heard(text: str) -> list[HeardWord]:
    return [HeardWord(text=word, start_ms=0, end_ms=100, confidence=0.5) for word in text.split()]


def engine_row(low: float) -> dict[str, float]:
    return {"m_mean": low / 2, "m_min": low, "o_min": low - 1, "w_mean": low}


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
    words = judge_words(
        spoken(TEXTS), [engine_row(-1.0), {}, engine_row(-1.0), {}], heard("the man"), load_calibration()
    )
    assert [word.quality is None for word in words] == [False, True, False, True]


def test_a_word_that_is_off_in_everything_is_doubtful_and_a_clean_one_is_not() -> None:
    clean = {"m_mean": 0.0, "m_min": 0.0, "m_second": 0.0, "m_soft": 1.0, "m_bad": 0.0, "m_bad_share": 0.0,
             "o_mean": -0.1, "o_min": -0.2, "o_last": -0.1, "w_mean": -0.3, "w_min": -0.5, "w_first": -0.3}  # fmt: skip
    off = {"m_mean": -7.0, "m_min": -12.0, "m_second": -9.0, "m_soft": 0.05, "m_bad": 3.0, "m_bad_share": 1.0,
           "o_mean": -9.0, "o_min": -13.0, "o_last": -9.0, "w_mean": -7.0, "w_min": -9.0, "w_first": -9.0}  # fmt: skip
    judged = judge_words(spoken(TEXTS), [clean, off, clean, clean], heard("the banana man walked"), load_calibration())
    qualities = [word.quality or 0 for word in judged]
    assert min(qualities[0], qualities[2], qualities[3]) > 0.8 > qualities[1]
    assert judged[1].doubtful
    assert not judged[0].doubtful


def test_a_calibration_without_words_leaves_them_as_they_are() -> None:
    bare = Calibration(name="made", modes={})
    words = spoken(TEXTS)
    assert judge_words(words, [engine_row(-1.0)] * 4, heard("the old man walked"), bare) == tuple(words)
    assert judge_words(words, [engine_row(-1.0)] * 4, heard("the old man walked"), None) == tuple(words)
    assert calibration_from_arrays("made", {}).words is None


def test_numbers_that_are_missing_or_absurd_still_give_a_mark() -> None:
    judge = load_calibration().words
    assert judge is not None
    for row in ({}, {"m_mean": np.nan}, {"m_mean": 1e9, "w_mean": -1e9}):
        assert 0 <= judge.predict(row) <= 1
