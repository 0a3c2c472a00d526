"""A folder of recordings and a file of experts' marks, read with patience: what is missing is named, not fatal.

One audio file per utterance, <id>.wav, .flac, .opus ..., in the folder or anywhere below it; of several the least
compressed. The scores are JSON in the layout of speechocean762-train's `train_scores.json`; marks may also stand
where the corpus itself has them (one number beside the text, one number a word).
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

AUDIO_TYPES = (".wav", ".flac", ".opus", ".ogg", ".webm", ".m4a", ".mp3")  # the preferred first
ASPECTS = ("accuracy", "fluency", "prosodic", "total")
_TOTAL = {"accuracy": 0.8, "fluency": 0.1, "prosodic": 0.1}  # as the corpus' README rebuilds it


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """`age` and `sex` are None where nobody wrote a sensible one. `median` and `experts` hold marks 0..10 per aspect,
    `words` their texts and marks (`accuracy`: one number an expert)."""

    id: str
    text: str
    speaker: str
    age: int | None
    median: dict[str, float]
    experts: dict[str, list[float]]
    words: list[dict[str, Any]]
    audio: Path
    sex: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """The utterances that can be judged, in the order of their ids, and why others cannot: id -> reason."""

    utterances: list[Utterance]
    left_out: dict[str, str]


def find_scores(folder: Path) -> Path | None:
    """The file of scores that lies in the folder or beside it: `*scores*.json`, the first by name."""
    return next((each for place in (folder, folder.parent) for each in sorted(place.glob("*scores*.json"))), None)


def _recordings(folder: Path) -> dict[str, Path]:
    """Every recording by its name: without loss before with, then the one that lies higher."""
    linked = [folder / name for name in ("wav", "flac", "opus")]  # rglob does not go into folders that are links
    listed = [*folder.rglob("*"), *(path for place in linked if place.is_dir() for path in place.iterdir())]
    files = [path for path in listed if path.suffix.lower() in AUDIO_TYPES and path.is_file()]
    found: dict[str, Path] = {}
    for path in sorted(files, key=lambda each: (AUDIO_TYPES.index(each.suffix.lower()), len(each.parts), each)):
        found.setdefault(path.stem, path)
    return found


def _numbers(value: Any) -> list[float]:
    """One mark or several as numbers; what is none is left out."""
    several = value if isinstance(value, list | tuple) else [value]
    found = []
    for each in several:
        try:
            number = float(each)
        except (TypeError, ValueError):
            continue
        if math.isfinite(number):
            found.append(number)
    return found


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _speaker(entry: Mapping[str, Any], name: str) -> str:
    """Who is not named is somebody of their own."""
    value = entry.get("speaker")
    return str(value).strip() or name if value is not None else name


def _age(value: Any) -> int | None:
    found = _numbers(value)
    return int(found[0]) if found and 0 < found[0] < 120 else None


def _sex(entry: Mapping[str, Any]) -> str | None:
    """f, m or another word's first letter."""
    value = entry.get("sex", entry.get("gender"))
    return value.strip()[:1].lower() or None if isinstance(value, str) else None


def _experts(entry: Mapping[str, Any]) -> dict[str, list[float]]:
    return {str(name): _numbers(marks) for name, marks in _mapping(entry.get("experts")).items()}


def totals_of(experts: Mapping[str, Sequence[float]]) -> list[float]:
    """Each expert's own total, not rounded; empty where an aspect was not marked."""
    if not all(experts.get(name) for name in _TOTAL):
        return []
    rows = zip(*(experts[name] for name in _TOTAL), strict=False)
    return [sum(share * mark for share, mark in zip(_TOTAL.values(), row, strict=True)) for row in rows]


def _marks(entry: Mapping[str, Any]) -> dict[str, float] | None:
    """The four medians: as written, else beside the text, else from the experts' marks. None: one cannot be known."""
    written, experts = _mapping(entry.get("median")), _experts(entry)
    found = {}
    for name in ASPECTS:
        one = _numbers(written.get(name)) or _numbers(entry.get(name)) or experts.get(name) or []
        if one:
            found[name] = float(median(one))
    totals = totals_of(experts)
    if "total" not in found and totals:
        found["total"] = float(math.floor(median(totals)))
    return found if len(found) == len(ASPECTS) else None


def _words(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    words = entry.get("words")
    rows = [_mapping(each) for each in words] if isinstance(words, list) else []
    return [{"text": str(row.get("text", "")), "accuracy": _numbers(row.get("accuracy"))} for row in rows]


def _entries(scores: Path) -> dict[str, Mapping[str, Any]]:
    """id -> entry; a list of entries that name their ids does too. SystemExit with a plain sentence: no JSON."""
    try:
        data = json.loads(scores.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as wrong:
        sys.exit(f"{scores} cannot be read as JSON in UTF-8: {wrong}")
    if isinstance(data, list):
        data = {str(_mapping(each).get("id", at)): each for at, each in enumerate(data)}
    return {str(name): _mapping(entry) for name, entry in _mapping(data).items()}


def open_corpus(audio: Path, scores: Path) -> Corpus:
    """Every entry that has audio, a text and the four medians. A strange age is no age; the rest is left out, named."""
    found, left_out, recordings = [], {}, _recordings(audio)
    for name, entry in sorted(_entries(scores).items()):
        path, marks, text = recordings.get(name), _marks(entry), str(entry.get("text") or "").strip()
        if path is None or marks is None or not text:
            left_out[name] = "no_audio" if path is None else "no_marks" if marks is None else "no_text"
            continue
        utterance = Utterance(
            id=name,
            audio=path,
            text=text,
            speaker=_speaker(entry, name),
            age=_age(entry.get("age")),
            sex=_sex(entry),
            median=marks,
            experts=_experts(entry),
            words=_words(entry),
        )
        found.append(utterance)
    return Corpus(utterances=found, left_out=left_out)


def corpus_at(audio: Path, scores: Path | None) -> Corpus:
    """`open_corpus`, with the scores that lie there where none are named. SystemExit with a plain sentence: nothing can
    be judged."""
    scores = scores or find_scores(audio)
    if not audio.is_dir():
        sys.exit(f"There is no folder {audio}.")
    if scores is None or not scores.is_file():
        sys.exit(f"There is no file of scores: {scores or audio}. Name it: SCORES=FILE")
    corpus = open_corpus(audio, scores)
    if not corpus.utterances:
        reasons = ", ".join(sorted(set(corpus.left_out.values()))) or "the file is empty"
        sys.exit(f"No utterance of {scores} can be judged with the recordings in {audio}: {reasons}.")
    return corpus


def limited(corpus: Corpus, chosen: Sequence[Utterance]) -> Corpus:
    """The same corpus with these utterances only."""
    return Corpus(utterances=sorted(chosen, key=lambda each: each.id), left_out=corpus.left_out)
