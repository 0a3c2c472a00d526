"""Attention over words: what it computes, how it is trained, and what it does without words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.adapters.speech.calibrations import load_calibration
from backend.scoring.calibration import ASPECTS, calibration_from_arrays
from backend.scoring.calibration.attention import marks_of
from backend.scoring.evidence import HeardWord
from backend.scoring.words import word_rows
from scripts import attention_fit, calibration_fit
from scripts.attention_fit import Sentences, first_weights, fit_networks, loss_and_gradients
from scripts.calibration_fit import fit_whole, make_table, predict_rows
from tests.support.speech import CLEAN_WORD, WORD_OFF

Floats = np.ndarray[Any, np.dtype[np.float64]]
TORCH = Path(__file__).with_name("attention_by_torch.json")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"UNITS": 8, "LAYERS": 2, "EPOCHS": 40, "BATCH": 16, "STEP": 1e-2}.items():
        monkeypatch.setattr(attention_fit, name, value)


def made(count: int, *, seed: int = 1) -> Sentences:
    """Utterances of one to five words; their first mark is their worst word's."""
    random = np.random.default_rng(seed)
    words = random.normal(3, 2, size=(count, 5, 6))
    spoken = np.arange(5) < random.integers(1, 6, count)[:, None]
    marks = random.normal(size=(count, 4))
    marks[:, 0] = np.where(spoken, words[..., 0], np.inf).min(axis=1)
    word_marks = np.where(random.random((count, 5)) < 0.2, np.nan, words[..., 0])
    return Sentences(
        words=words, spoken=spoken, whole=random.normal(size=(count, 7)), marks=marks, word_marks=word_marks
    )


def test_it_gives_what_pytorch_gives_with_the_same_weights() -> None:
    stored = json.loads(TORCH.read_text())
    weights = {name: np.array(value) for name, value in stored["weights"].items()}
    for each in stored["utterances"]:
        marks, of_words = marks_of(weights, np.array(each["words"]), np.array(each["whole"]))
        assert marks == pytest.approx(each["marks"], abs=1e-9)
        assert of_words == pytest.approx(each["word_marks"], abs=1e-9)


@pytest.mark.usefixtures("small")
def test_gradients_are_the_slopes_of_the_loss() -> None:
    random, batch = np.random.default_rng(2), made(4)
    weights = {
        name: each + 0.1 * random.normal(size=each.shape) for name, each in first_weights(6, 7, 4, random).items()
    }
    _, gradients = loss_and_gradients(weights, batch)
    assert gradients.keys() == weights.keys()
    for name, each in weights.items():
        way = random.normal(size=each.shape)
        losses = [
            loss_and_gradients({**weights, name: each + sign * 1e-6 * way}, batch)[0] for sign in (1, -1)
        ]  # fmt: skip
        assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(float((gradients[name] * way).sum()), abs=1e-7)


@pytest.mark.usefixtures("small")
def test_a_seed_gives_the_same_again_and_what_is_stored_is_what_serves() -> None:
    sentences = made(120)
    one, again = fit_networks(sentences, 1), fit_networks(sentences, 1)
    assert all((one[name] == again[name]).all() for name in one)
    assert {each.dtype for each in one.values()} == {np.dtype(np.float16), np.dtype(np.float32)}
    weights = {name: each[0].astype(float) for name, each in one.items()}
    served = [
        marks_of(weights, words[there], whole)
        for words, there, whole in zip(sentences.words, sentences.spoken, sentences.whole, strict=True)
    ]
    assert np.corrcoef([marks[0] for marks, _ in served], sentences.marks[:, 0])[0, 1] > 0.8
    of_words, wanted = np.concatenate([each for _, each in served]), sentences.word_marks[sentences.spoken]
    known = np.isfinite(wanted)
    assert np.corrcoef(of_words[known], wanted[known])[0, 1] > 0.8


@pytest.mark.usefixtures("small")
def test_a_calibration_listens_to_words_stretch_by_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration_fit, "NETS", 1)
    monkeypatch.setattr(calibration_fit, "ATTENTIONS", 1)
    monkeypatch.setitem(calibration_fit.TREES, "max_iter", 5)
    random = np.random.default_rng(3)
    quality = random.uniform(3, 9, 150)
    words = [[[{"w_mean": float(random.normal(each, 0.5)), "heard_match": 1.0} for _ in range(4)]] for each in quality]
    rows = [{"speech_s": 1.0}] * 150
    table = make_table(
        rows, dict.fromkeys(ASPECTS, quality), [str(at) for at in range(150)], "open",
        random.normal(size=(150, 12)).tolist(), words, [[]] * 150,
    )  # fmt: skip
    fitted = calibration_from_arrays("t", fit_whole(table, np.arange(150), "open"))
    attention = fitted.modes["open"].attention
    assert attention is not None
    assert attention.inputs.names == ("w_mean",)  # of free speech nothing about agreement with a text
    assert np.corrcoef(predict_rows(fitted, rows, table, "open", range(150))["total"], quality)[0, 1] > 0.8

    whole = np.zeros(len(fitted.modes["open"].inputs.names) + 12)
    good, bad = [{"w_mean": 9.0}] * 3, [{"w_mean": 3.0}, {}]
    one, other, both = (
        attention.marks([good], whole),
        attention.marks([bad, []], whole),
        attention.marks([good, bad], whole),
    )
    assert one is not None and other is not None and both is not None  # noqa: PT018 for the reader of types
    assert both == pytest.approx((3 * one + other) / 4)
    assert attention.marks([[{}], []], whole) is None
    assert attention.marks([], whole) is None


def test_without_words_the_rest_of_the_shipped_calibration_speaks() -> None:
    calibration = load_calibration()
    assert calibration.states is not None
    states = calibration.states.centre
    good, bad = (
        word_rows(["the", "old", "man"], [word] * 3, [HeardWord(text=said, start_ms=0, end_ms=1, confidence=0.5)] * 3)
        for word, said in ((CLEAN_WORD, "old"), (WORD_OFF, "banana"))
    )
    for mode in ("read", "open"):
        without = calibration.predict({}, mode=mode, states=states)
        assert calibration.predict({}, mode=mode, states=states, words=[[{}]]) == without
        assert calibration.predict({}, mode=mode, words=[bad]) == calibration.predict({}, mode=mode)
        for times in (1, 20):  # also more words than any utterance of the training has
            well, badly = (
                calibration.predict({}, mode=mode, states=states, words=[rows * times]) for rows in (good, bad)
            )
            assert well.accuracy > badly.accuracy
