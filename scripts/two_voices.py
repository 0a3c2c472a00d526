"""How often a second voice in a recording is found, and how often one is named that is not there.

python -m scripts.two_voices [--data FOLDER] [--scores FILE] [--seconds 8 12 24] [--draws 100]

Recordings are put together from utterances of a rated corpus: of one speaker (nothing may be found, also where the
second half is nearer, or noisier), and of two. The last line is one JSON object.
"""

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from backend.adapters.speech.decode import decode
from backend.adapters.speech.speakers import has_two_voices
from backend.adapters.speech.voice import find_voice
from backend.scoring.evidence import SAMPLE_RATE, Pcm
from scripts import gaming_sounds as sounds
from scripts.rated_corpus import Utterance, corpus_at
from scripts.train_calibration import DATA


class Voices:
    """The corpus by speaker; draws are repeatable."""

    def __init__(self, utterances: Sequence[Utterance], *, seed: int = 1) -> None:
        self._by_speaker: dict[str, list[Path]] = defaultdict(list)
        for each in utterances:
            self._by_speaker[each.speaker].append(each.audio)
        self._random = random.Random(seed)  # noqa: S311 - which recordings are tried is no secret

    def speakers(self, count: int) -> list[str]:
        return self._random.sample(sorted(self._by_speaker), count)

    def speech(self, speaker: str, seconds: float) -> Pcm:
        """So many seconds of one person's sentences, without the silence around them."""
        files = self._random.sample(self._by_speaker[speaker], len(self._by_speaker[speaker]))
        parts: list[Pcm] = []
        while sum(map(len, parts)) < seconds * SAMPLE_RATE and files:
            pcm = decode(files.pop().read_bytes()).pcm
            parts += [pcm[start * 16 : end * 16] for start, end in find_voice(pcm).segments]
        return np.concatenate(parts)[: int(seconds * SAMPLE_RATE)]


def one_voice(voices: Voices, seconds: float) -> Pcm:
    (speaker,) = voices.speakers(1)
    return voices.speech(speaker, seconds)


def one_voice_later_nearer(voices: Voices, seconds: float) -> Pcm:
    """The first half 12 dB quieter."""
    speech = one_voice(voices, seconds)
    return np.concatenate([0.25 * speech[: len(speech) // 2], speech[len(speech) // 2 :]]).astype(np.float32)


def one_voice_later_in_noise(voices: Voices, seconds: float) -> Pcm:
    """In the second half a fan goes on."""
    speech = one_voice(voices, seconds)
    half = len(speech) // 2
    level = 0.1 * float(np.sqrt(np.mean(np.square(speech))))
    return np.concatenate([speech[:half], speech[half:] + sounds.noise(seconds, level)[: len(speech) - half]])


def two_halves(voices: Voices, seconds: float) -> Pcm:
    first, second = voices.speakers(2)
    return np.concatenate([voices.speech(first, seconds / 2), voices.speech(second, seconds / 2)])


def someone_in_between(voices: Voices, seconds: float) -> Pcm:
    """4.8 s of another voice in the middle."""
    first, second = voices.speakers(2)
    own = voices.speech(first, seconds - 4.8)
    return np.concatenate([own[: len(own) // 2], voices.speech(second, 4.8), own[len(own) // 2 :]])


CASES: tuple[Callable[[Voices, float], Pcm], ...] = (
    one_voice, one_voice_later_nearer, one_voice_later_in_noise, two_halves, someone_in_between,
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="How often a second voice is found")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--seconds", type=float, nargs="+", default=[8, 12, 24])
    parser.add_argument("--draws", type=int, default=100)
    options = parser.parse_args()
    voices = Voices(corpus_at(options.data, options.scores).utterances)
    shares = {}
    for case in CASES:
        for seconds in options.seconds:
            made = [case(voices, seconds) for _ in range(options.draws)]
            found = sum(has_two_voices(pcm, find_voice(pcm)) for pcm in made)
            shares[f"{case.__name__}, {seconds:g} s"] = found / options.draws
            print(f"{case.__name__:<28}{seconds:>5g} s  two voices found in {found} of {options.draws}", flush=True)
    print(json.dumps({"draws": options.draws, "found": shares}))


if __name__ == "__main__":
    main()
