"""The figures of `make evaluate`."""

import argparse
import json
import math
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.adapters.speech.decode import DecodedSound
from backend.adapters.speech.offline import OfflineEngine
from backend.core.errors import PermanentFailure, TemporaryFailure
from config.settings import PROJECT_ROOT
from scripts import attention_fit, calibration_fit, one_expert, speech_features
from scripts.calibration_fit import agreement, cross_validate, kappa_of_marks
from scripts.evaluate_scoring import (
    Judged,
    age_bands,
    differential_error,
    evaluate,
    judge_all,
    sexes,
    subset,
    word_level,
)
from scripts.rated_corpus import Corpus, Utterance
from scripts.speech_features import extract_all, peak_mb
from scripts.train_calibration import utterance_table, word_table


def test_marks_that_round_alike_agree_wholly_and_chance_does_not() -> None:
    marks = np.array([2.0, 5.0, 8.0, 9.0])
    assert kappa_of_marks(marks + 0.4, marks) == 1
    assert kappa_of_marks(np.array([12.0, -3.0]), np.array([10.0, 0.0])) == 1
    assert kappa_of_marks(marks[::-1], marks) < 0


@pytest.mark.parametrize("marks", [[], [7.0], [7.0, 7.0, 7.0]])
def test_what_is_not_defined_for_a_group_is_null_in_json(marks: list[float]) -> None:
    found = agreement(np.array(marks), np.array(marks))
    assert found["pearson"] is None
    assert set(json.loads(json.dumps(found, allow_nan=False))) == {"pearson", "rmse", "qwk"}
    assert math.isnan(kappa_of_marks(np.array(marks), np.array(marks)))


def _marked_by_five(number: int, experts: dict[str, list[float]]) -> Utterance:
    return Utterance(
        id=str(number),
        text="word",
        speaker=str(number),
        age=8,
        median={},
        experts=experts,
        words=[],
        audio=Path("none"),
    )


def test_one_expert_is_held_against_the_others_in_the_total_too() -> None:
    corpus = [
        _marked_by_five(number, {aspect: [mark] * 4 + [10 - mark] for aspect in ("accuracy", "fluency", "prosodic")})
        for number, mark in enumerate([2.0, 5.0, 6.0, 9.0])
    ]
    found = one_expert.of_utterances(corpus)
    assert found["total"] == found["accuracy"]
    assert found["total"]["pearson"] == pytest.approx((4 - 1) / 5)
    assert found["total"]["best_pearson"] == 1
    assert found["total"]["one_against_one"] == pytest.approx((6 - 4) / 10)
    unmarked = _marked_by_five(9, {"accuracy": [1.0] * 5})
    assert one_expert.of_utterances([*corpus, unmarked])["total"] == found["total"]
    assert one_expert.of_speakers(corpus)["total"] == found["total"]  # each is a speaker of their own
    twice = [replace(each, speaker=str(number // 2)) for number, each in enumerate(corpus)]
    assert one_expert.of_speakers(twice)["total"]["pearson"] is None  # two speakers are no correlation
    assert one_expert.of_speakers(twice)["total"]["rmse"] == pytest.approx(math.sqrt((3**2 + 5**2) / 2) / 5, abs=0.001)


def test_of_nobody_an_expert_is_null() -> None:
    for found in (one_expert.of_utterances([]), one_expert.of_speakers([])):
        assert {value for figures in found.values() for value in figures.values()} == {None}
    words = one_expert.of_words([])
    assert {*words.pop("well_read").values(), *words.values()} == {None}


def test_an_expert_names_badly_said_words_as_the_others_do_or_not() -> None:
    marks = [[2.0] * 4 + [9.0], [3.0] * 5, [10.0] * 5, [9.0] * 4 + [4.0]]
    words = [{"text": "word", "accuracy": each} for each in marks]
    read = replace(_marked_by_five(1, {}), words=words, median={"total": 8.0})
    found = one_expert.of_words([read])
    assert found["precision"] == pytest.approx((4 + 0.5) / 5)
    assert found["recall"] == pytest.approx((4 + 0.5) / 5)
    assert found["f1"] == found["precision"]
    assert found["auc"] == pytest.approx((4 + 0.75) / 5)
    assert found["well_read"] == {name: value for name, value in found.items() if name != "well_read"}
    assert one_expert.of_words([replace(read, median={"total": 7.0})])["well_read"]["f1"] is None


def _judged(words: list[float], medians: list[float], owners: list[Utterance]) -> Judged:
    return Judged(
        aspects={},
        words=np.array(words),
        medians=np.array(medians),
        word_owners=owners,
        flag_below=6.0,
        calibration="made",
    )


def test_words_are_judged_by_agreement_flags_and_order() -> None:
    well, badly = (
        replace(_marked_by_five(number, {}), median={"total": total}) for number, total in ((1, 8.0), (2, 5.0))
    )
    found = word_level(_judged([5.0, 8.0, 3.0, 7.0], [3.0, 9.0, 9.0, 5.0], [well, well, well, badly]))
    assert found["well_read"] == {"n": 3, "badly_said": 1, "flagged": 2, "rightly": 1}
    assert (found["f1"], found["auc"], found["ordered"], found["n"]) == (0.5, 0.5, 0.5, 4)
    nothing = word_level(_judged([], [], []))
    assert json.loads(json.dumps(nothing, allow_nan=False))["pearson"] is None
    assert {nothing[name] for name in ("pearson", "auc", "f1", "pearson_children", "ordered")} == {None}


def _person(number: int, *, age: int | None, sex: str | None = None) -> Utterance:
    return replace(_marked_by_five(number, {}), age=age, sex=sex, median={"total": float(number)})


def test_ages_and_sexes_are_groups_and_who_told_neither_is_in_none() -> None:
    corpus = [
        _person(at, age=age, sex=sex) for at, (age, sex) in enumerate([(8, "f"), (9, None), (25, "m"), (None, "f")])
    ]
    ages = {name: mask.tolist() for name, mask in age_bands(corpus).items()}
    assert {name for name, mask in ages.items() if any(mask)} == {"6-8", "9-11", "25-"}
    assert [sum(column) for column in zip(*ages.values(), strict=True)] == [1, 1, 1, 0]
    assert {name: mask.tolist() for name, mask in sexes(corpus).items()} == {
        "f": [True, False, False, True],
        "m": [False, False, True, False],
    }
    assert sexes([_person(1, age=8)]) == {}


def test_an_error_of_a_group_is_told_beside_everybody_of_the_same_mark() -> None:
    marks = np.array([3.0, 3.0, 9.0, 9.0])
    predicted = np.array([3.0, 5.0, 8.0, 8.0])  # everybody of 9 is marked too low, one of 3 too high
    groups = {
        "first": np.array([True, False, False, False]),
        "high": np.array([False, False, True, True]),
        "nobody": np.zeros(4, dtype=bool),
    }
    assert differential_error(groups, predicted, marks) == {
        "first": {"n": 1, "mean_error": 0.0, "at_equal_marks": -1.0, "rmse": 0.0},
        "high": {"n": 2, "mean_error": -1.0, "at_equal_marks": 0.0, "rmse": 1.0},
    }


def test_a_subset_is_a_few_utterances_of_many_speakers_from_the_lowest_to_the_highest() -> None:
    corpus = Corpus(
        utterances=[
            replace(_person(speaker, age=8), id=f"{speaker}-{number}", speaker=str(speaker))
            for speaker in range(10)
            for number in range(8)
        ],
        left_out={"x": "no_audio"},
    )
    some = subset(corpus, 20)
    assert some == subset(corpus, 20)
    assert some.left_out == corpus.left_out
    assert len(some.utterances) == 20
    assert Counter(each.speaker for each in some.utterances) == dict.fromkeys(["1", "3", "6", "8"], 5)
    assert len(subset(corpus, 3).utterances) == 3
    assert subset(corpus, 500).utterances == sorted(corpus.utterances, key=lambda each: each.id)


def _options(tmp_path: Path, **values: Any) -> argparse.Namespace:
    defaults = {"audio": tmp_path, "scores": tmp_path / "scores.json", "limit": None, "cache": tmp_path / "cache"}
    return argparse.Namespace(
        **{**defaults, "models": tmp_path, "processes": 1, "folds": 5, "calibration": None, "shipped": False, **values}
    )


def test_where_every_recording_is_broken_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = dict.fromkeys(("accuracy", "fluency", "prosodic", "total"), 5)
    (tmp_path / "scores.json").write_text(json.dumps({name: {"text": "word", **marks} for name in "abc"}))
    for name in "ab":
        (tmp_path / f"{name}.wav").write_bytes(b"broken")
    monkeypatch.setattr(speech_features, "_engine", lambda models, adaptation: OfflineEngine(models_dir=Path(models)))
    with pytest.raises(SystemExit, match=r"No recording can be evaluated: no_audio \(1\), not_audio \(2\)\."):
        evaluate(_options(tmp_path))


def test_what_is_no_calibration_is_told_before_anything_is_heard(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"mine\.npz is no calibration"):
        evaluate(_options(tmp_path, calibration=tmp_path / "mine.npz"))


def test_where_nobody_speaks_everything_is_marked_zero() -> None:
    corpus = [_person(at, age=8) for at in range(4)]
    found = judge_all(corpus, {each.id: {"read": {}} for each in corpus}, _options(Path("none")))
    assert found.aspects["total"].tolist() == [0.0] * 4
    assert len(found.words) == 0


def test_a_decoder_that_died_is_asked_once_more_and_is_no_verdict_on_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Counter[bytes]()

    def dying(data: bytes) -> DecodedSound:
        asked[data] += 1
        if data == b"always" or asked[data] == 1:
            raise TemporaryFailure("decoder_died")
        raise PermanentFailure("not_audio")

    monkeypatch.setattr(speech_features, "_engine", lambda models, adaptation: OfflineEngine(models_dir=Path(models)))
    monkeypatch.setattr(speech_features, "decode", dying)
    corpus = []
    for name in ("always", "once"):
        (tmp_path / name).write_bytes(name.encode())
        corpus.append(replace(_person(1, age=8), id=name, audio=tmp_path / name))
    for times in (2, 4):
        found = extract_all(corpus, cache=tmp_path / "cache", models=tmp_path, processes=1, free=False)
        assert {name: each["failure"] for name, each in found.items()} == {
            "always": "decoder_died",
            "once": "not_audio",
        }
        assert asked == {b"always": times, b"once": 2}


def test_memory_is_of_the_program_itself_and_not_of_who_started_it() -> None:
    ours = b"x" * (300 << 20)
    small = "from scripts.speech_features import peak_mb; print(peak_mb())"
    done = subprocess.run([sys.executable, "-c", small], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert peak_mb() > len(ours) >> 20
    assert 20 < float(done.stdout) < peak_mb()


def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that are trained in a moment."""
    for module, name, value in (
        (calibration_fit, "NETS", 1),
        (calibration_fit, "ATTENTIONS", 1),
        (attention_fit, "UNITS", 8),
        (attention_fit, "EPOCHS", 4),
    ):
        monkeypatch.setattr(module, name, value)
    for trees in (calibration_fit.TREES, calibration_fit.WORD_TREES):
        monkeypatch.setitem(trees, "max_iter", 5)


def test_of_few_speakers_each_is_a_fold_and_of_two_nothing_can_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    _tiny(monkeypatch)
    corpus, features = _sentences(speakers=3, of_each=2, marked_words=1)
    rows, table = utterance_table(corpus, features, "read")
    aspects, of_words = cross_validate(rows, table, "read", folds=5, words=word_table(corpus, features))
    assert np.isfinite(aspects["total"]).all()
    assert np.isnan(of_words).all()  # only one speaker's words are marked, so nobody else's teach them
    corpus, features = _sentences(speakers=2, of_each=2)
    rows, table = utterance_table(corpus, features, "read")
    with pytest.raises(SystemExit, match="voices of 3 at least, and these are of 2"):
        cross_validate(rows, table, "read", folds=5)


def _sentences(
    *, speakers: int, of_each: int, marked_words: int | None = None
) -> tuple[list[Utterance], dict[str, dict[str, Any]]]:
    """Sentences of three words and their features, which tell their marks; words are marked of `marked_words` speakers
    (None: of all). The last word of the first has no sounds."""
    random = np.random.default_rng(4)
    corpus, features = [], dict[str, dict[str, Any]]()
    for number in range(speakers * of_each):
        marks = [float(each) for each in random.integers(3, 10, 3)]
        is_marked = marked_words is None or number // of_each < marked_words
        words: list[dict[str, Any]] = [{"text": "word", "accuracy": [mark] * 5 if is_marked else []} for mark in marks]
        said = {aspect: float(np.mean(marks)) for aspect in ("accuracy", "fluency", "prosodic", "total")}
        spoken = replace(_marked_by_five(number, {}), text="word word word", speaker=str(number // of_each), age=20)
        corpus.append(replace(spoken, median=said, words=words))
        said_words = [{"w_mean": mark + random.normal(0, 0.3)} for mark in marks]
        features[str(number)] = {
            "read": {"phone_margin": said["total"], "phones_aligned": 1.0},
            "read_words": [[*said_words[:2], {}]] if number == 0 else [said_words],
            "states": random.normal(size=20).tolist(),
        }
    return corpus, features


def test_every_utterance_and_every_marked_word_with_sounds_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    _tiny(monkeypatch)
    corpus, features = _sentences(speakers=6, of_each=16)
    rows, table = utterance_table(corpus, features, "read")
    found = word_table(corpus, features)
    assert found is not None
    assert len(found.rows) == 96 * 3 - 1
    aspects, of_words = cross_validate(rows, table, "read", folds=3, words=found)
    assert np.corrcoef(aspects["total"], table.marks["total"])[0, 1] > 0.3
    assert np.corrcoef(of_words, found.medians)[0, 1] > 0.5
