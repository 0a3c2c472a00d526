"""The features of a rated corpus, extracted once with the default engine and kept in a cache folder.

A corpus is a folder like speechocean762-train: `train_scores.json` (or a given file) and one audio file per utterance.
"""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from backend.adapters.speech import ENGINES
from backend.adapters.speech.decode import decode
from backend.adapters.speech.pipeline import evidence_of_pcm
from backend.scoring.evidence import SpeechEngine
from backend.scoring.keys import OpenQuestionKey, ReadAloudKey

AUDIO_TYPES = (".flac", ".wav", ".opus")


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    id: str
    text: str
    speaker: str
    age: int
    median: dict[str, float]
    experts: dict[str, list[float]]
    words: list[dict[str, Any]]
    audio: Path


def find_audio(folder: Path, name: str) -> Path | None:
    """The audio of an utterance, in the folder or in its sub-folders opus, flac, wav."""
    places = (folder / "opus", folder, folder / "flac", folder / "wav")
    return next((p for place in places for kind in AUDIO_TYPES if (p := place / f"{name}{kind}").is_file()), None)


def read_corpus(audio: Path, scores: Path) -> list[Utterance]:
    entries = json.loads(scores.read_text())
    found = []
    for name, entry in sorted(entries.items()):
        path = find_audio(audio, name)
        if path is not None:
            fields = {field: entry[field] for field in ("text", "speaker", "age", "median", "experts", "words")}
            found.append(Utterance(id=name, audio=path, **fields))
    return found


@lru_cache(maxsize=1)
def _engine(models: str) -> SpeechEngine:
    return ENGINES["offline"](Path(models))


def extract(utterance: Utterance, models: str) -> dict[str, Any]:
    """{read: features with the text known, open: features without, heard: the transcript, seconds}."""
    sound = decode(utterance.audio.read_bytes())
    read = evidence_of_pcm(sound.pcm, "read_aloud", ReadAloudKey(text=utterance.text), _engine(models), None)
    free = evidence_of_pcm(sound.pcm, "repeat", OpenQuestionKey(), _engine(models), None)
    words = [(word.text, word.goodness) for word in read.spoken_words]
    phones = [(phone.symbol, phone.heard, phone.goodness, phone.word_index, phone.start_ms) for phone in read.phones]
    return {
        "read": read.features,
        "open": free.features,
        "heard": read.transcript,
        "words": words,
        "phones": phones,
        "seconds": read.duration_ms / 1000,
    }


def _extract_to(job: tuple[Utterance, str, Path]) -> str:
    utterance, models, cache = job
    target = cache / f"{utterance.id}.json"
    part = target.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(extract(utterance, models)))
    part.replace(target)
    return utterance.id


def extract_all(corpus: list[Utterance], *, cache: Path, models: Path, processes: int) -> dict[str, dict[str, Any]]:
    """Features of every utterance; those in the cache are not computed again. Progress goes to standard error."""
    cache.mkdir(parents=True, exist_ok=True)
    missing = [(each, str(models), cache) for each in corpus if not (cache / f"{each.id}.json").is_file()]
    if missing:
        os.nice(10)
        with ProcessPoolExecutor(processes) as pool:
            for number, _ in enumerate(pool.map(_extract_to, missing, chunksize=4), 1):
                if number % 100 == 0 or number == len(missing):
                    sys.stderr.write(f"features: {number} of {len(missing)}\n")
    return {each.id: json.loads((cache / f"{each.id}.json").read_text()) for each in corpus}
