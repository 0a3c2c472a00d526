"""A rated corpus is read with patience: what is missing is named, other spellings of the same are understood."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.rated_corpus import Corpus, find_scores, open_corpus

WHOLE: dict[str, Any] = {
    "text": "WE CALL IT BEAR",
    "speaker": "0001",
    "age": 6,
    "experts": {"accuracy": [7, 9, 8, 8, 9], "fluency": [10, 9, 8, 8, 10], "prosodic": [10, 9, 7, 8, 9]},
    "median": {"accuracy": 8.0, "fluency": 9.0, "prosodic": 9.0, "total": 8.0},
    "words": [{"text": "we", "accuracy": [10, 10, 10, 10, 10]}],
}


def corpus_of(tmp_path: Path, entry: Any, *, audio: str = "a.wav") -> Corpus:
    sound = tmp_path / "sound" / audio
    sound.parent.mkdir(parents=True, exist_ok=True)
    sound.touch()
    scores = tmp_path / "scores.json"
    scores.write_text(json.dumps({"a": entry}))
    return open_corpus(tmp_path / "sound", scores)


@pytest.mark.parametrize("audio", ["a.wav", "opus/a.opus", "flac/a.flac", "WAVE/SPEAKER0001/a.WAV"])
def test_a_recording_is_found_wherever_it_lies(tmp_path: Path, audio: str) -> None:
    (found,) = corpus_of(tmp_path, WHOLE, audio=audio).utterances
    assert (found.speaker, found.age, found.median["total"]) == ("0001", 6, 8.0)
    assert found.words == [{"text": "we", "accuracy": [10.0] * 5}]


def test_marks_as_the_corpus_itself_writes_them(tmp_path: Path) -> None:
    entry = {
        "text": "WE CALL",
        "accuracy": 8,
        "fluency": 9,
        "prosodic": "9",
        "total": 8,
        "gender": "F",
        "age": "6",
        "words": [{"text": "WE", "accuracy": 10}, {"text": "CALL", "phones": "K AO L"}],
    }
    (found,) = corpus_of(tmp_path, entry).utterances
    assert found.median == {"accuracy": 8, "fluency": 9, "prosodic": 9, "total": 8}
    assert (found.speaker, found.sex, found.age) == ("a", "f", 6)
    assert [word["accuracy"] for word in found.words] == [[10.0], []]


def test_medians_are_made_from_the_experts_where_nobody_wrote_them(tmp_path: Path) -> None:
    entry = {name: value for name, value in WHOLE.items() if name not in ("median", "words", "age")}
    (found,) = corpus_of(tmp_path, entry).utterances
    assert found.median == WHOLE["median"]
    assert (found.words, found.age, found.sex) == ([], None, None)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({**WHOLE, "text": " "}, "no_text"),
        ({**WHOLE, "median": {}, "experts": None}, "no_marks"),
        ({**WHOLE, "median": {"total": "good"}, "experts": {"accuracy": [8]}}, "no_marks"),
        (None, "no_marks"),
        ("nothing", "no_marks"),
    ],
)
def test_what_cannot_be_judged_is_left_out_and_named(tmp_path: Path, entry: Any, reason: str) -> None:
    corpus = corpus_of(tmp_path, entry)
    assert (corpus.utterances, corpus.left_out) == ([], {"a": reason})


@pytest.mark.parametrize("age", [None, "old", 0, 400, "nan", []])
def test_a_strange_age_is_no_age(tmp_path: Path, age: Any) -> None:
    (found,) = corpus_of(tmp_path, {**WHOLE, "age": age}).utterances
    assert found.age is None


def test_a_missing_recording_is_named_and_a_list_of_entries_is_read(tmp_path: Path) -> None:
    scores = tmp_path / "test_scores.json"
    scores.write_text(json.dumps([{**WHOLE, "id": "b"}]))
    assert open_corpus(tmp_path, scores).left_out == {"b": "no_audio"}
    assert find_scores(tmp_path) == scores


@pytest.mark.parametrize("names", [["opus/a.opus", "wav/a.wav"], ["a.flac", "deep/er/a.WAV"], ["a.opus", "b/a.flac"]])
def test_of_several_recordings_the_least_compressed_is_heard(tmp_path: Path, names: list[str]) -> None:
    for each in names[:-1]:
        (tmp_path / "sound" / each).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sound" / each).touch()
    (found,) = corpus_of(tmp_path, WHOLE, audio=names[-1]).utterances
    assert found.audio == tmp_path / "sound" / names[-1]


def test_folders_may_be_links_and_a_folder_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.wav").touch()
    (tmp_path / "sound" / "b.wav").mkdir(parents=True)
    (tmp_path / "sound" / "wav").symlink_to(tmp_path / "elsewhere")
    scores = tmp_path / "scores.json"
    scores.write_text(json.dumps({"a": WHOLE, "b": WHOLE}))
    corpus = open_corpus(tmp_path / "sound", scores)
    assert ([each.id for each in corpus.utterances], corpus.left_out) == (["a"], {"b": "no_audio"})


@pytest.mark.parametrize("speaker", [None, "", " "])
def test_who_is_not_named_is_somebody_of_their_own(tmp_path: Path, speaker: str | None) -> None:
    (found,) = corpus_of(tmp_path, {**WHOLE, "speaker": speaker}).utterances
    assert found.speaker == "a"


def test_a_mark_of_byte_order_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    scores = tmp_path / "scores.json"
    scores.write_text(json.dumps({"a": WHOLE}), encoding="utf-8-sig")
    assert [each.id for each in open_corpus(tmp_path, scores).utterances] == ["a"]


@pytest.mark.parametrize("written", [b"", b"{", b"id,text\na,we call", b"\xff\xfe{\x00}\x00", b"[" * 100_000])
def test_scores_that_are_no_json_are_told_in_a_sentence(tmp_path: Path, written: bytes) -> None:
    scores = tmp_path / "scores.json"
    scores.write_bytes(written)
    with pytest.raises(SystemExit, match=r"scores\.json cannot be read as JSON"):
        open_corpus(tmp_path, scores)
