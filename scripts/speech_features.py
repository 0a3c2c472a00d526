"""The features of a rated corpus (see rated_corpus), extracted once with the default engine and kept in a cache
folder."""

import hashlib
import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from backend.adapters.speech.calibrations import load_calibration
from backend.adapters.speech.decode import DecodedSound, decode
from backend.adapters.speech.offline import OfflineEngine
from backend.adapters.speech.offline.adaptation import HALVES, SHIPPED, speakers_of
from backend.adapters.speech.pipeline import PIPELINE_VERSION, evidence_of_pcm, mean_states, spoken_rows
from backend.core.errors import AdapterError, PermanentFailure, TemporaryFailure
from backend.scoring.evidence import SAMPLE_RATE, Assessment, Hints, Pcm, SpeechEngine, Transcript
from backend.scoring.keys import OpenQuestionKey, ReadAloudKey
from backend.scoring.scorers import score_answer
from scripts.rated_corpus import Utterance

_SHAPE = "2"  # of what is kept


_loaded: dict[tuple[str, str], SpeechEngine] = {}


def _engine(models: str, adaptation: str) -> SpeechEngine:
    """The engine, with its models already loaded: the clock of the first recording must not count that. One thread, as
    in a worker: a core is what speed is measured on, and there is one process for each. One at a time: the memory of
    the one before is given back first."""
    if (models, adaptation) not in _loaded:
        _loaded.clear()
        threadpool_limits(1)
        engine = OfflineEngine(models_dir=Path(models), adaptation=adaptation)
        hum = np.random.default_rng(1).normal(0, 0.01, SAMPLE_RATE).astype(np.float32)
        engine.transcribe(hum, Hints(task="read_aloud"))
        engine.assess(hum, "one two")
        _loaded[models, adaptation] = engine
    return _loaded[models, adaptation]


class _Remembering:
    """An engine that keeps what it assessed: features of single words are read by the calibration, not stored."""

    def __init__(self, engine: SpeechEngine) -> None:
        self._engine = engine
        self.name = engine.name
        self.assessments: list[Assessment] = []
        self.transcripts: list[Transcript] = []

    def prepare(self) -> None:
        self._engine.prepare()

    def transcribe(self, pcm: Pcm, hints: Hints) -> Transcript:
        self.transcripts.append(self._engine.transcribe(pcm, hints))
        return self.transcripts[-1]

    def assess(self, pcm: Pcm, reference: str) -> Assessment:
        self.assessments.append(self._engine.assess(pcm, reference))
        return self.assessments[-1]

    def compare(self, answer: str, texts: Sequence[str]) -> Sequence[float]:
        return self._engine.compare(answer, texts)

    def versions(self) -> dict[str, str]:
        return self._engine.versions()


def adaptation_for(speaker: str) -> str:
    """The half of the shipped recogniser's training that this speaker had no part in: one who was in neither is heard
    by the shipped one."""
    halves = [name for name in HALVES if speaker not in speakers_of(name)]
    return halves[0] if len(halves) == 1 else SHIPPED


def extract(utterance: Utterance, models: str, *, free: bool, adaptation: str = SHIPPED) -> dict[str, Any]:
    """What the scoring chain finds in one recording, from its bytes, by the very code that serves.

    {read: features with the text known, read_words: numbers of each word of each stretch of speech; open, open_words:
    the same without the text (only if `free`); heard: the transcript, states: of the recogniser, seconds, cpu_s: of the
    chain with the text known (decoding not counted), rss_mb, failure: why it could not be decoded, or None; is_lasting:
    only beside a failure, whether another run would fail too}.
    """
    key = ReadAloudKey(text=utterance.text)
    calibration = load_calibration()
    engine = _Remembering(_engine(models, adaptation))
    began = time.process_time()
    try:
        sound = _decoded(utterance.audio.read_bytes())
    except AdapterError as refused:
        return {
            "read": {},
            "read_words": [],
            "open": {},
            "open_words": [],
            "heard": "",
            "states": None,
            "seconds": 0.0,
            "cpu_s": 0.0,
            "failure": refused.reason,
            "is_lasting": isinstance(refused, PermanentFailure),
        }
    read = evidence_of_pcm(sound.pcm, "read_aloud", key, engine, calibration, truncated=sound.truncated)
    score_answer(read, key)
    spent = time.process_time() - began
    states = mean_states(engine.transcripts)
    return {
        "read": dict(read.features),
        "read_words": spoken_rows(engine.transcripts, engine.assessments, utterance.text),
        **(_free(sound.pcm, _engine(models, adaptation)) if free else {}),
        "states": None if states is None else [round(float(each), 4) for each in states],
        "heard": read.transcript,
        "seconds": read.duration_ms / 1000,
        "cpu_s": spent,
        "rss_mb": peak_mb(),
        "failure": None,
    }


def peak_mb() -> float:
    """The most memory that this program has held. Where the system has no such line `ru_maxrss`, which also counts what
    the process was before it became this program, such as a copy of a larger one."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        lines = []
    peak = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)
    return (peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


def _decoded(data: bytes) -> DecodedSound:
    """`decode`; when the decoding process died, once more with a new one."""
    try:
        return decode(data)
    except TemporaryFailure:
        return decode(data)


def _free(pcm: Any, hearing: SpeechEngine) -> dict[str, Any]:
    """The same sound as an answer whose text nobody knows."""
    engine = _Remembering(hearing)
    found = evidence_of_pcm(pcm, "repeat", OpenQuestionKey(), engine, None)
    return {
        "open": dict(found.features),
        "open_words": spoken_rows(engine.transcripts, engine.assessments, found.transcript),
    }


def _stamp(utterance: Utterance, versions: Mapping[str, str]) -> str:
    """Changes with the recording, the text, and every model and library that can move a number."""
    whole = hashlib.sha256(utterance.audio.read_bytes())
    whole.update(json.dumps([_SHAPE, utterance.text, PIPELINE_VERSION, sorted(versions.items())]).encode())
    return whole.hexdigest()[:24]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    utterance: Utterance
    stamp: str
    models: str
    adaptation: str
    cache: Path
    free: bool


def _extract_to(job: _Job) -> tuple[str, dict[str, Any]]:
    """The utterance's id and what was found, which is also kept; but not what another run may find."""
    found = {"stamp": job.stamp, **extract(job.utterance, job.models, free=job.free, adaptation=job.adaptation)}
    if found.get("is_lasting", True):
        target = job.cache / f"{job.utterance.id}.json"
        part = target.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(found))
        part.replace(target)
    return job.utterance.id, found


def _kept(cache: Path, name: str) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads((cache / f"{name}.json").read_text())
    except (OSError, ValueError):
        return {}
    return entry


def _progress(jobs: Sequence[_Job], done: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    began = time.monotonic()
    for number, each in enumerate(done, 1):
        yield each
        if number % 50 == 0 or number == len(jobs):
            left = (time.monotonic() - began) / number * (len(jobs) - number) / 60
            sys.stderr.write(f"features: {number} of {len(jobs)}, about {left:.0f} minutes left\n")


def extract_all(
    corpus: list[Utterance],
    *,
    cache: Path,
    models: Path,
    processes: int,
    free: bool = True,
    is_trained_on: bool = False,
) -> dict[str, dict[str, Any]]:
    """Features of every utterance; those in the cache are not computed again unless the recording, its text or a
    version has changed. A broken run goes on where it stopped. Progress goes to standard error.

    `is_trained_on`: the shipped recogniser learned from these very voices, so each is heard by a half that did not.
    """
    cache.mkdir(parents=True, exist_ok=True)
    adaptations = {each.speaker: adaptation_for(each.speaker) if is_trained_on else SHIPPED for each in corpus}
    versions = {
        name: OfflineEngine(models_dir=models, adaptation=name).versions() for name in set(adaptations.values())
    }
    jobs, found = [], dict[str, dict[str, Any]]()
    for each in corpus:
        adaptation = adaptations[each.speaker]
        stamp, found[each.id] = _stamp(each, versions[adaptation]), _kept(cache, each.id)
        if found[each.id].get("stamp") != stamp or (free and "open" not in found[each.id]):
            jobs.append(
                _Job(utterance=each, stamp=stamp, models=str(models), adaptation=adaptation, cache=cache, free=free)
            )
    jobs.sort(key=lambda job: job.adaptation)  # a process holds one recogniser at a time
    if jobs:
        if processes == 1:
            found |= dict(_progress(jobs, map(_extract_to, jobs)))
        else:
            with ProcessPoolExecutor(processes) as pool:
                found |= dict(_progress(jobs, pool.map(_extract_to, jobs, chunksize=2)))
    return found
