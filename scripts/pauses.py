"""What pauses, and sounds that are repeated, do to the scores of a spoken sentence.

python -m scripts.pauses [--data FOLDER] [--scores FILE] [--speakers 20]

One well read sentence of each of so many adult learners, as it is and with pauses put between its words, in the noise
of its own room. Each is scored as read aloud and as repeated. The last line is one JSON object.
"""

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean

import numpy as np

from backend.adapters.speech.calibrations import load_calibration
from backend.adapters.speech.decode import decode
from backend.adapters.speech.offline import OfflineEngine
from backend.adapters.speech.pipeline import evidence_of_pcm
from backend.scoring.evidence import SAMPLE_RATE, Evidence, Pcm
from backend.scoring.keys import ReadAloudKey, RepeatKey
from backend.scoring.score import ItemScore, ScoreStatus
from backend.scoring.scorers import SCORERS
from config.settings import PROJECT_ROOT
from scripts import gaming_sounds as sounds
from scripts.rated_corpus import Utterance, corpus_at
from scripts.train_calibration import DATA

MODELS = PROJECT_ROOT / ".viva" / "models"
_PER_MS = SAMPLE_RATE // 1000
_WELL_READ, _GROWN_UP, _ENOUGH_WORDS = 7, 16, 6


class Spoken:
    """A sentence, where its words lie, and the noise of its room."""

    def __init__(self, pcm: Pcm, evidence: Evidence) -> None:
        self.pcm = pcm
        # Between two words, where the sound is least: a cut there goes through no sound.
        between = [(before.end_ms, after.start_ms) for before, after in pairwise(evidence.spoken_words)]
        self.seams = [self._quietest(from_ms, to_ms) for from_ms, to_ms in between]
        frames = pcm[: len(pcm) // 160 * 160].reshape(-1, 160)
        self.room = float(np.percentile(np.sqrt((frames**2).mean(axis=1)), 5))

    def _quietest(self, from_ms: int, to_ms: int) -> int:
        low, high = (min(from_ms, to_ms) - 60) * _PER_MS, (max(from_ms, to_ms) + 60) * _PER_MS
        steps = range(max(low, 0), min(high, len(self.pcm) - 160), 80)
        return min(steps, key=lambda at: float(np.square(self.pcm[at : at + 160]).sum()), default=max(low, 0))

    def silence(self, seconds: float) -> Pcm:
        return sounds.noise(seconds, self.room)

    def _spread(self, count: int) -> list[int]:
        """So many seams, evenly over the sentence; one of a short sentence may come twice."""
        return sorted(self.seams[(number + 1) * len(self.seams) // (count + 1)] for number in range(count))

    def with_pauses(self, count: int, seconds: float) -> Pcm:
        """So many pauses, spread over the sentence."""
        pieces = np.split(self.pcm, self._spread(count))
        return np.concatenate([part for piece in pieces for part in (piece, self.silence(seconds))][:-1])

    def with_repeated_sounds(self, words: int) -> Pcm:
        """The first 180 ms of so many words three times before the word, as people who stammer may say them."""
        parts, last = [], 0
        for seam in sorted(set(self._spread(words))):
            sound = self.pcm[seam : seam + 180 * _PER_MS]
            parts += [self.pcm[last:seam], *[np.concatenate([sound, self.silence(0.15)])] * 3]
            last = seam
        return np.concatenate([*parts, self.pcm[last:]])


CASES: dict[str, Callable[[Spoken], Pcm]] = {
    "as it was said": lambda said: said.pcm,
    "8 s of silence before it": lambda said: np.concatenate([said.silence(8), said.pcm]),
    "8 s of silence after it": lambda said: np.concatenate([said.pcm, said.silence(8)]),
    "a pause of 1 s": lambda said: said.with_pauses(1, 1),
    "a pause of 4 s": lambda said: said.with_pauses(1, 4),
    "a pause of 10 s": lambda said: said.with_pauses(1, 10),
    "3 pauses of 1 s": lambda said: said.with_pauses(3, 1),
    "3 pauses of 4 s": lambda said: said.with_pauses(3, 4),
    "4 pauses of 10 s": lambda said: said.with_pauses(4, 10),
    "first sounds of 2 words repeated": lambda said: said.with_repeated_sounds(2),
}


def chosen(utterances: Sequence[Utterance], count: int) -> list[Utterance]:
    """One well read sentence of each of so many adults; the same in every run."""
    by_speaker: dict[str, list[Utterance]] = defaultdict(list)
    for each in utterances:
        is_long = len(each.text.split()) >= _ENOUGH_WORDS
        if (each.age or 0) >= _GROWN_UP and each.median["total"] >= _WELL_READ and is_long:
            by_speaker[each.speaker].append(each)
    drawn = random.Random(1)  # noqa: S311 - which recordings are tried is no secret
    speakers = drawn.sample(sorted(by_speaker), min(count, len(by_speaker)))
    return [drawn.choice(by_speaker[speaker]) for speaker in speakers]


def scored(pcm: Pcm, text: str, task: str, engine: OfflineEngine) -> ItemScore:
    key = ReadAloudKey(text=text) if task == "read_aloud" else RepeatKey(text=text)
    return SCORERS[task](evidence_of_pcm(pcm, task, key, engine, load_calibration()), key)


def main() -> None:
    parser = argparse.ArgumentParser(description="What pauses do to the scores of a spoken sentence")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--speakers", type=int, default=20)
    parser.add_argument("--models", type=Path, default=MODELS)
    options = parser.parse_args()
    engine = OfflineEngine(models_dir=options.models)
    rows: dict[tuple[str, str], list[ItemScore]] = defaultdict(list)
    for each in chosen(corpus_at(options.data, options.scores).utterances, options.speakers):
        pcm, key = decode(each.audio.read_bytes()).pcm, ReadAloudKey(text=each.text)
        said = Spoken(pcm, evidence_of_pcm(pcm, "read_aloud", key, engine, load_calibration()))
        for name, make in CASES.items():
            sound = np.asarray(make(said), dtype=np.float32)
            for task in ("read_aloud", "repeat"):
                rows[task, name].append(scored(sound, each.text, task, engine))
    found = {f"{task}: {name}": _figures(scores) for (task, name), scores in rows.items()}
    for name, figures in found.items():
        print(f"{name:48} " + "  ".join(f"{trait} {value}" for trait, value in figures.items()))
    print(json.dumps(found))


def _figures(scores: Sequence[ItemScore]) -> dict[str, object]:
    """Means of the traits where the machine scored, how many a person gets and why, and how many are zeros."""
    by_machine = [each for each in scores if each.status is ScoreStatus.SCORED]
    traits = sorted({trait for each in by_machine for trait in each.points})
    people = sorted(each.reason or "" for each in scores if each.status is not ScoreStatus.SCORED)
    zeros = sum(any(points.value == 0 for points in each.points.values()) for each in by_machine)
    means = {trait.value: round(mean(each.points[trait].value for each in by_machine), 3) for trait in traits}
    return {"n": len(scores), **means, "zeros": zeros, "people": {name: people.count(name) for name in people}}


if __name__ == "__main__":
    main()
