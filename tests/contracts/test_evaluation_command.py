"""`make evaluate AUDIO=DIR SCORES=FILE`: programs read its last line, so its keys and nesting are a contract."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from backend.adapters.speech.decode import decode
from config.settings import PROJECT_ROOT
from tests.support.speech import encode, read, room

MODELS = Path(os.environ.get("VIVA_DATA", PROJECT_ROOT / ".viva")).resolve() / "models"
ASPECTS = {"accuracy", "fluency", "prosodic", "total"}
AGREEMENT = {"pearson", "rmse", "qwk"}


def _entry(text: str, marks: list[int], **about: Any) -> dict[str, Any]:
    """Experts' marks around these of accuracy, fluency and prosodic; every word's as the accuracy."""
    experts = {
        aspect: [mark, mark, mark, max(mark - 1, 0), min(mark + 1, 10)]
        for aspect, mark in zip(("accuracy", "fluency", "prosodic"), marks, strict=True)
    }
    median = {**dict(zip(experts, marks, strict=True)), "total": marks[0]}
    words = [{"text": word, "accuracy": experts["accuracy"], "stress": [10] * 5} for word in text.split()]
    return {
        "text": text,
        "speaker": about.pop("speaker"),
        "experts": experts,
        "median": median,
        "words": words,
        **about,
    }


def _evaluated(folder: Path) -> dict[str, Any]:
    """What the command says of one file of every kind, no child among the speakers."""
    native = "HE MIGHT EVEN HAVE BEEN MADE AMIABLE HIMSELF"
    files = {
        "wav/native.wav": read("native_reader.wav"),
        "opus/learner.opus": read("learner_adult.opus"),
        "flac/again.flac": encode(decode(read("native_reader.wav")).pcm, "flac"),
        "flac/again.opus": read("learner_child.opus"),  # the lossless one is heard
        "wav/silent.wav": encode(room(2), "wav"),
        "wav/broken.wav": b"no sound at all",
    }
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    scores = {
        "native": _entry(native, [10, 10, 10], speaker="1", age=40, sex="f"),
        "again": _entry(native, [9, 10, 9], speaker="1", age=40, sex="f"),
        "learner": _entry("THIS HAPPENED TO ME IN COLLEGE", [5, 7, 6], speaker="2"),
        "silent": _entry("WE CALL IT BEAR", [0, 0, 0], speaker="3", age=25, sex="m"),
        "broken": _entry("WE CALL IT BEAR", [8, 8, 8], speaker="3", age=25, sex="m"),
        "absent": _entry("WE CALL IT BEAR", [8, 8, 8], speaker="3", age=25, sex="m"),
    }
    (folder / "test_scores.json").write_text(json.dumps(scores), encoding="utf-8-sig")
    command = [sys.executable, "-m", "scripts.evaluate_scoring", "--audio", str(folder), "--processes", "1"]
    places = ["--scores", str(folder / "test_scores.json"), "--cache", str(folder / "kept"), "--models", str(MODELS)]
    done = subprocess.run(
        [*command, *places], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr
    last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1], parse_constant=_refuse)
    return last


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for each in value.values() for number in _numbers(each)]
    return [value] if isinstance(value, int | float) else []


def _the_last_line_holds_every_figure_of_the_issue(found: dict[str, Any]) -> None:
    assert {"utterance", "speaker", "word", "wer", "rtf", "rss_mb", "versions"} <= found.keys()
    assert found["utterance"].keys() == {"all", "adults", "children"}
    for aspects in (*found["utterance"].values(), found["speaker"]):
        assert aspects.keys() == ASPECTS
        assert all(each.keys() == AGREEMENT for each in aspects.values())
    assert {"pearson", "auc", "f1"} <= found["word"].keys()
    assert found["versions"]["calibration"].startswith("speechocean762-6")
    assert all(math.isfinite(each) for each in _numbers(found))
    assert 0 < found["rtf"] < 50
    assert 100 < found["rss_mb"] < 1200
    assert 4 / 26 <= found["wer"] < 0.4  # the silent one's words are missed; the compressed one's would be too


def _what_cannot_be_evaluated_is_counted_and_silence_is_a_zero(found: dict[str, Any]) -> None:
    counts = found["n"]
    assert counts["left_out"] == {"no_audio": 1, "not_audio": 1}
    assert (counts["all"], counts["speakers"], counts["no_voice"]) == (4, 3, 1)
    for aspects in (found["utterance"]["all"], found["speaker"]):
        assert all(each["pearson"] > 0.9 and each["rmse"] < 3 for each in aspects.values())


def _what_is_not_defined_is_null(found: dict[str, Any]) -> None:
    assert (counts := found["n"])["children"] == 0
    assert counts["adults"] == 3  # one told no age
    assert found["utterance"]["children"] == {aspect: dict.fromkeys(AGREEMENT) for aspect in ASPECTS}
    assert found["word"]["pearson_children"] is None
    assert {each for figures in _experts(found)["utterance"]["children"].values() for each in figures.values()} == {
        None
    }


def _one_expert_stands_beside_every_level(found: dict[str, Any]) -> None:
    experts = _experts(found)
    assert experts["utterance"].keys() == found["utterance"].keys()
    assert all(
        each.keys() > AGREEMENT for each in (*experts["utterance"]["all"].values(), *experts["speaker"].values())
    )
    assert {"pearson", "auc", "f1"} <= experts["word"].keys()
    assert found["fairness"]["by_sex"].keys() == {"f", "m"}
    assert {name: each["n"] for name, each in found["fairness"]["by_age"].items()} == {"25-": 3}


def _experts(found: dict[str, Any]) -> dict[str, Any]:
    experts: dict[str, Any] = found["one_expert_against_four"]
    return experts


def test_programs_can_read_what_the_command_says_of_any_folder(tmp_path: Path) -> None:
    found = _evaluated(tmp_path)  # once: it loads the models
    _the_last_line_holds_every_figure_of_the_issue(found)
    _what_cannot_be_evaluated_is_counted_and_silence_is_a_zero(found)
    _what_is_not_defined_is_null(found)
    _one_expert_stands_beside_every_level(found)
