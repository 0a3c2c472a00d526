"""What the invented students say: the right answers, or nearly, in the voice that speaks the prompts.

The sound is synthetic, so the scores say how the chain works, not how people speak; but every one of them is made by
the whole chain: upload, decoding, voice gate, recognition, alignment, scorers, scale.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

import av
import numpy as np
from numpy.typing import NDArray

from backend.core.ports import Script, SpokenAudio, Voice
from backend.scoring.keys import (
    AnswerKey,
    OpenQuestionKey,
    ReadAloudKey,
    RepeatKey,
    RetellingKey,
    SentenceBuildKey,
    ShortAnswerKey,
)

RATE = 16_000
Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """`ability` 0..1: how often the answer is whole. `tempo` above 1 is faster (and higher). `noise` is added."""

    ability: float
    tempo: float
    noise: float


def speaker_of(seed: str) -> Speaker:
    choice = Random(seed)  # noqa: S311 - variety, not secrets
    return Speaker(ability=choice.uniform(0.3, 1.0), tempo=choice.uniform(0.88, 1.08), noise=choice.uniform(0, 0.006))


def whole_answer(key: AnswerKey) -> str:
    match key:
        case ReadAloudKey(text=text) | RepeatKey(text=text):
            return text
        case ShortAnswerKey(accepted=accepted) | SentenceBuildKey(accepted=accepted):
            return accepted[0]
        case RetellingKey(key_points=points):
            return ". ".join(point.text for point in points)
        case OpenQuestionKey():
            return "I think it depends. When I have time, I prefer to do it with my friends, because we learn together."
    raise AssertionError(type(key))


def weak_answer(key: AnswerKey) -> str:
    """As a learner might: the end is missing, the order is wrong, half of the story is forgotten."""
    match key:
        case ReadAloudKey(text=text) | RepeatKey(text=text):
            words = text.split()
            return " ".join(words[: max(2, len(words) * 2 // 3)])
        case ShortAnswerKey():
            return "I do not know"
        case SentenceBuildKey(phrases=phrases):
            return " ".join(phrases)
        case RetellingKey(key_points=points):
            return ". ".join(point.text for point in points[: max(1, len(points) // 3)])
        case OpenQuestionKey():
            return "I like it very much"
    raise AssertionError(type(key))


class Speaking:
    """Renders every answer once; speakers differ by what is done to the sound."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._sounds: dict[str, Sound] = {}

    def prepare(self, texts: Iterable[str]) -> None:
        missing = [text for text in dict.fromkeys(texts) if text not in self._sounds]
        scripts = [Script(phrases=(text,)) for text in missing]
        for text, spoken in zip(missing, self._voice.speak(scripts), strict=True):
            self._sounds[text] = _decoded(spoken)

    def answer(self, key: AnswerKey, speaker: Speaker, *, seed: str) -> bytes:
        """One recording as a browser would send it: Opus in WebM."""
        choice = Random(seed)  # noqa: S311
        text = whole_answer(key) if choice.random() < speaker.ability else weak_answer(key)
        if text not in self._sounds:
            self.prepare([text])
        return _encoded(_as_spoken_by(speaker, self._sounds[text], choice))


def _as_spoken_by(speaker: Speaker, sound: Sound, choice: Random) -> Sound:
    places = np.arange(0, len(sound) - 1, speaker.tempo)
    spoken = np.interp(places, np.arange(len(sound)), sound)
    before = np.zeros(int(RATE * choice.uniform(0.3, 1.4)))
    after = np.zeros(int(RATE * 0.6))
    whole = np.concatenate([before, spoken * choice.uniform(0.5, 0.95), after])
    noise = np.random.default_rng(choice.randrange(2**32)).normal(0, speaker.noise, len(whole))
    return np.clip(whole + noise, -1, 1).astype(np.float32)


def _decoded(spoken: SpokenAudio) -> Sound:
    with av.open(io.BytesIO(spoken.data), "r") as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float32)


def _encoded(sound: Sound) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        resampler = av.AudioResampler(format="flt", layout="mono", rate=48_000)
        frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate = RATE
        for out in resampler.resample(frame):
            container.mux(stream.encode(out))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def duration_ms(data: bytes) -> int:
    with av.open(io.BytesIO(data), "r") as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    return samples * 1000 // 48_000


def all_texts(keys: Iterable[AnswerKey]) -> list[str]:
    return [text for key in keys for text in (whole_answer(key), weak_answer(key))]
