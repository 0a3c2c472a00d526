"""Phones: frame posteriors of a CTC model, forced alignment of a text to them, and how good each sound was."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
from hama import G2PModel
from hama.vocab import Vocabulary

from backend.adapters.speech.offline.acoustics import Conformer
from backend.adapters.speech.offline.lexicon import Sound, sounds_of
from backend.adapters.speech.offline.models import checked_file
from backend.scoring.evidence import Pcm

FRAME_MS = 20
_LEAST = -20.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedPhone:
    """`log_probability`: peak of the sound's own log posterior in its span; `margin`: that against the best rival
    there.

    Frames are half-open; `heard` is the strongest phone in the span.
    """

    symbol: str
    word_index: int
    start_frame: int
    end_frame: int
    log_probability: float
    margin: float
    heard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneAlignment:
    """`path_score` is the mean log probability per frame of the best path, `free_score` that of the freest path."""

    phones: tuple[AlignedPhone, ...]
    path_score: float
    free_score: float


class _Letters(Vocabulary):
    """The package's table of letters, indexed once: it makes the index anew for every letter, a tenth of all our
    time."""

    @cached_property
    def encoder_token_to_id(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self.encoder)}

    @cached_property
    def decoder_token_to_id(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self.decoder)}


class PhoneModel:
    def __init__(self) -> None:
        acoustic = checked_file("hama", "assets/asr_waveform.hama")
        encoder = checked_file("hama", "assets/encoder.hama")
        decoder = checked_file("hama", "assets/decoder_step.hama")
        letters = _Letters.load(checked_file("hama", "assets/g2p_vocab.json"))
        self._acoustic = Conformer(acoustic)
        self._letters = G2PModel(encoder_model_path=encoder, decoder_step_model_path=decoder)
        self._letters.vocab = self._letters.tokenizer.vocab = letters
        self._symbols: list[str] = [*letters.decoder, "<wb>", "<blank>"]
        self._index = {symbol: index for index, symbol in enumerate(self._symbols)}
        self._blank, self._boundary = self._index["<blank>"], self._index["<wb>"]
        self.sounds = lru_cache(maxsize=4096)(self._sounds)

    def _guess(self, word: str) -> list[str]:
        return [aligned.phoneme for aligned in self._letters.predict(word).alignments]

    def _sounds(self, word: str) -> tuple[Sound, ...]:
        return tuple(sound for sound in sounds_of(word, self._guess) if any(each in self._index for each in sound))

    def posteriors(self, pcm: Pcm) -> Floats:
        """Log posteriors per 20 ms frame; the word boundary's share is given to the blank."""
        logs = self._acoustic.log_probabilities(pcm).astype(np.float64)
        logs[:, self._blank] = np.logaddexp(logs[:, self._blank], logs[:, self._boundary])
        logs[:, self._boundary] = _LEAST
        return np.maximum(logs, _LEAST)

    def free_phones(self, logs: Floats) -> list[str]:
        """The likeliest phones with no text in mind."""
        best = logs.argmax(axis=1)
        changes = np.flatnonzero(np.diff(best, prepend=-1))
        return [self._symbols[best[at]] for at in changes if best[at] != self._blank]

    def align(self, logs: Floats, words: list[str]) -> PhoneAlignment | None:
        """Force `words` onto the frames. None where there are more sounds than frames, or no sound."""
        sounds = [(sound, index) for index, word in enumerate(words) for sound in self.sounds(word)]
        if not sounds or len(logs) < len(sounds) + 2:
            return None
        targets = np.stack([self._sound_logs(logs, sound) for sound, _ in sounds], axis=1)
        spans, score = _best_path(targets, self._blank_logs(logs))
        return PhoneAlignment(
            phones=tuple(self._judge(logs, targets, sounds, spans)),
            path_score=score / len(logs),
            free_score=float(logs.max(axis=1).mean()),
        )

    def path_scores(self, logs: Floats, texts: Sequence[Sequence[str]]) -> list[float]:
        """For each text (its words) the log probability of its best path through the frames; -inf where it has more
        sounds than there are frames."""
        known: dict[Sound, Floats] = {}

        def column(sound: Sound) -> Floats:
            if sound not in known:
                known[sound] = self._sound_logs(logs, sound)
            return known[sound]

        blank = self._blank_logs(logs)
        each = [[column(sound) for word in words for sound in self.sounds(word)] for words in texts]
        return _best_scores(each, blank)

    def _blank_logs(self, logs: Floats) -> Floats:
        return np.asarray(logs[:, self._blank])

    def _sound_logs(self, logs: Floats, sound: Sound) -> Floats:
        columns = [self._index[symbol] for symbol in sound if symbol in self._index]
        return np.asarray(np.logaddexp.reduce(logs[:, columns], axis=1))

    def _judge(
        self, logs: Floats, targets: Floats, sounds: list[tuple[Sound, int]], spans: list[tuple[int, int]]
    ) -> list[AlignedPhone]:
        """Each sound in its span, widened to half the way to its neighbours: CTC peaks are narrow."""
        speech = logs.copy()
        speech[:, self._blank] = _LEAST
        judged = []
        for number, ((sound, word_index), (start, end)) in enumerate(zip(sounds, spans, strict=True)):
            before = (spans[number - 1][1] + start + 1) // 2 if number else max(0, start - 3)
            after = (end + spans[number + 1][0]) // 2 if number + 1 < len(spans) else min(len(logs), end + 3)
            low, high = max(min(before, start), start - 4), min(max(after, end), end + 4)
            own = float(targets[low:high, number].max())
            rivals = speech[low:high].max(axis=0)
            strongest = int(rivals.argmax())
            judged.append(
                AlignedPhone(
                    symbol=sound[0],
                    word_index=word_index,
                    start_frame=start,
                    end_frame=end,
                    log_probability=own,
                    margin=min(0.0, own - float(rivals[strongest])),
                    heard=sound[0] if self._symbols[strongest] in sound else self._symbols[strongest],
                )
            )
        return judged


def _best_scores(texts: Sequence[Sequence[Floats]], blank: Floats) -> list[float]:
    """`_best_path`'s scores for several texts at once, each a list of its sounds' log posteriors per frame."""
    frames, states = len(blank), 2 * max(map(len, texts)) + 1
    emit = np.full((frames, len(texts), states), -np.inf)
    for row, sounds in enumerate(texts):
        emit[:, row, 0 : 2 * len(sounds) + 1 : 2] = blank[:, None]
        for at, sound in enumerate(sounds):
            emit[:, row, 2 * at + 1] = sound
    score = np.full((len(texts), states + 2), -np.inf)  # two columns before the first, so that steps are slices
    score[:, 2:4] = emit[0, :, :2]
    skips = np.full(states, -np.inf)
    skips[3::2] = 0.0
    for frame in range(1, frames):
        best = np.maximum(score[:, 2:], score[:, 1:-1])
        score[:, 2:] = np.maximum(best, score[:, :-2] + skips) + emit[frame]
    ends = [2 + 2 * len(sounds) for sounds in texts]
    return [float(max(row[end], row[end - 1])) for row, end in zip(score, ends, strict=True)]


def _best_path(targets: Floats, blank: Floats) -> tuple[list[tuple[int, int]], float]:
    """CTC's best path through the sounds in order: ([start, end) frames per sound, log probability).

    States alternate blank, sound, blank ... A blank may be skipped between two different sounds; we let it be skipped
    always, since a repeated sound with no blank is told apart by its own peak.
    """
    frames, count = targets.shape
    states = 2 * count + 1
    emit = np.empty((frames, states))
    emit[:, 0::2] = blank[:, None]
    emit[:, 1::2] = targets
    score = np.full(states, -np.inf)
    score[:2] = emit[0, :2]
    came = np.zeros((frames, states), dtype=np.int8)
    skip_allowed = np.zeros(states, dtype=bool)
    skip_allowed[3::2] = True
    for frame in range(1, frames):
        one = np.concatenate(([-np.inf], score[:-1]))
        two = np.where(skip_allowed, np.concatenate(([-np.inf, -np.inf], score[:-2])), -np.inf)
        step = np.stack((score, one, two))
        came[frame] = step.argmax(axis=0)
        score = step.max(axis=0) + emit[frame]
    state = states - 1 if score[-1] >= score[-2] else states - 2
    total = float(score[state])
    path = np.empty(frames, dtype=np.int64)
    for frame in range(frames - 1, -1, -1):
        path[frame] = state
        state -= int(came[frame, state])
    spans = []
    last = 0
    for number in range(count):
        at = np.flatnonzero(path == 2 * number + 1)
        spans.append((int(at[0]), int(at[-1]) + 1) if len(at) else (last, last + 1))
        last = spans[-1][1]
    return spans, total
