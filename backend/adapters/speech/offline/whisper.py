"""Whisper base on CTranslate2: free recognition with word times, and how probable a given text would have been.

Never prompted with the expected words (it then "hears" them). Audio is padded to whole seconds, at least four beyond
its end: ten take longer and win no words; few distinct lengths keep the memory flat.
"""

import json
import math
import random
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import numpy as np
import numpy.typing as npt
import tokenizers

from backend.scoring.evidence import SAMPLE_RATE, HeardWord, Pcm

_MELS, _FFT, _HOP = 80, 400, 160
_FRAMES_PER_S = SAMPLE_RATE // _HOP
PADDING_S, _LONGEST_S, _LENGTH_STEP_S = 4, 30, 1
_BEAM, _MOST_TOKENS = 8, 220
_TOKENS_AT_ONCE, _TOKENS_PER_S = 12, 9  # nobody speaks faster; a recogniser that loops does
_START, _END = "<|startoftranscript|><|en|><|transcribe|><|notimestamps|>", "<|endoftext|>"
_CLOSING_MARKS = set(".,!?;:%)\"'-…")
_STATE_MS = 20
_SLOWER = 0.9
_LOST_MERGE = "\u0120 t"  # a space and t
_FEWEST_TO_SHUFFLE, _SHUFFLES = 4, 3

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """One way to hear the sound; `log_probability` is that of all its tokens together."""

    text: str
    tokens: tuple[int, ...]
    log_probability: float
    no_speech: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """`log_probability` is the mean per token of the whole hypothesis; `token_probabilities` belong to `words`'
    tokens."""

    words: tuple[HeardWord, ...]
    tokens: tuple[int, ...]
    token_probabilities: tuple[float, ...]
    log_probability: float
    no_speech: float


def _mel_filters() -> Floats:
    """The Slaney filter bank that Whisper was trained on: linear below 1 kHz, logarithmic above, area-normalised."""
    bins = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE)
    mels = np.linspace(0.0, 45.245640471924965, _MELS + 2)
    step = math.log(6.4) / 27
    hertz = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp(step * (mels - 15)))
    widths = np.diff(hertz)
    ramps = hertz[:, None] - bins[None, :]
    filters = np.maximum(0, np.minimum(-ramps[:-2] / widths[:-1, None], ramps[2:] / widths[1:, None]))
    return np.asarray(filters * (2 / (hertz[2:] - hertz[:-2]))[:, None], dtype=np.float32)


def read_tokenizer(path: Path) -> tokenizers.Tokenizer:
    """The packaged tokenizer with the first of its merges, which its file has lost.

    Without it every word that begins with t is forced in pieces that the recogniser never writes (" ", "t", "ell"), as
    if it had been said badly.
    """
    described = json.loads(path.read_text(encoding="utf-8"))
    merges = described["model"]["merges"]
    if _LOST_MERGE not in merges:
        merges.insert(0, _LOST_MERGE)
    return tokenizers.Tokenizer.from_str(json.dumps(described))


def slowed(pcm: Pcm) -> Pcm:
    """The same sound in a ninth more time, and so a little deeper."""
    places = np.arange(int(len(pcm) / _SLOWER)) * _SLOWER
    return np.asarray(np.interp(places, np.arange(len(pcm)), pcm), dtype=np.float32)


def without_loops(tokens: list[int]) -> list[int]:
    """Tokens with any stretch of up to ten that comes four times or more in a row said twice: recognisers get stuck."""
    for length in range(1, 11):
        at = 0
        while at + 4 * length <= len(tokens):
            stretch, times = tokens[at : at + length], 1
            while tokens[at + times * length : at + (times + 1) * length] == stretch:
                times += 1
            if times >= 4:
                tokens = tokens[: at + 2 * length] + tokens[at + times * length :]
            at += 1
    return tokens


class WhisperBase:
    """One loaded model. `start`: the tokens that every text begins with; `end`: the one after its last."""

    def __init__(self, folder: Path) -> None:
        self._model = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="int8", intra_threads=1, inter_threads=1
        )
        self._tokens = read_tokenizer(folder / "tokenizer.json")
        self.start = list(self._tokens.encode(_START, add_special_tokens=False).ids)
        (self.end,) = self._tokens.encode(_END, add_special_tokens=False).ids
        self._filters = _mel_filters()
        self._window = np.hanning(_FFT + 1)[:-1].astype(np.float32)
        self._silence: ctranslate2.StorageView | None = None

    def log_mel(self, pcm: Pcm) -> Floats:
        """80 x frames of 10 ms, the padding with them; at most 30 s."""
        wanted = math.ceil((len(pcm) / SAMPLE_RATE + PADDING_S) / _LENGTH_STEP_S) * _LENGTH_STEP_S
        samples = min(wanted, _LONGEST_S) * SAMPLE_RATE
        pcm = pcm[:samples]
        padded = np.pad(np.pad(pcm, (0, samples - len(pcm))), _FFT // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP][: samples // _HOP]
        power = np.abs(np.fft.rfft(frames * self._window, axis=1).astype(np.complex64)) ** 2
        decades = np.log10(np.maximum(self._filters @ power.T, 1e-10))
        return np.asarray((np.maximum(decades, decades.max() - 8) + 4) / 4, dtype=np.float32)

    def encode(self, pcm: Pcm) -> ctranslate2.StorageView:
        """The encoder's states. At most 30 s of sound: cut longer sound at pauses first."""
        return self._model.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(self.log_mel(pcm)[None])))

    def hypotheses(self, encoded: ctranslate2.StorageView, *, sound_ms: int) -> list[Hypothesis]:
        """What may have been said, the likeliest first. Their probabilities are not divided by their lengths: that
        favours long inventions."""
        result = self._model.generate(
            encoded,
            [self.start],
            beam_size=_BEAM,
            num_hypotheses=_BEAM,
            length_penalty=0.0,
            max_length=min(_MOST_TOKENS, _TOKENS_AT_ONCE + _TOKENS_PER_S * sound_ms // 1000),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            repetition_penalty=1.0,
            no_repeat_ngram_size=0,
        )[0]
        found = []
        for sequence, score in zip(result.sequences_ids, result.scores, strict=True):
            tokens = tuple(without_loops([token for token in sequence if token < self.end]))
            text = self._tokens.decode(list(tokens)).strip()
            found.append(
                Hypothesis(
                    text=text, tokens=tokens, log_probability=float(score), no_speech=float(result.no_speech_prob)
                )
            )
        return found

    def recognition(self, encoded: ctranslate2.StorageView, heard: Hypothesis, *, sound_ms: int) -> Recognition:
        """A hypothesis with its words. They carry times from the decoder's attention, bounded by the sound's length."""
        tokens = list(heard.tokens)
        times, probabilities = self._align(encoded, tokens, sound_ms=sound_ms)
        return Recognition(
            words=tuple(self._words(tokens, times, probabilities, sound_ms=sound_ms)),
            tokens=heard.tokens,
            token_probabilities=tuple(probabilities),
            log_probability=heard.log_probability / (len(tokens) + 1),
            no_speech=heard.no_speech,
        )

    def tokens_of(self, text: str) -> list[int]:
        """The tokens of words as they stand within a text."""
        return list(self._tokens.encode(" " + text.strip(), add_special_tokens=False).ids)

    def states(self, encoded: ctranslate2.StorageView, *, sound_ms: int) -> Floats:
        """The encoder's states over the sound itself, its padding left out: their means, then their spreads."""
        inner = np.array(encoded)[0][: max(1, sound_ms // _STATE_MS)]
        return np.concatenate([inner.mean(axis=0), inner.std(axis=0)]).astype(np.float32)

    def _align(
        self, encoded: ctranslate2.StorageView, tokens: list[int], *, sound_ms: int
    ) -> tuple[list[int], list[float]]:
        """(start in ms, probability) of each token, the decoder forced along `tokens`."""
        if not tokens:
            return [], []
        frames = max(2, min(sound_ms // 10 + 20, encoded.shape[1] * 2))
        aligned = self._model.align(encoded, self.start, [tokens], [frames], median_filter_width=7)[0]
        starts = dict[int, int]()
        for token, frame in aligned.alignments:
            starts.setdefault(int(token), int(frame) * 20)
        times = [starts.get(index, 0) for index in range(len(tokens) + 1)]
        return times, [float(each) for each in aligned.text_token_probs[: len(tokens)]]

    def _words(
        self, tokens: list[int], times: list[int], probabilities: list[float], *, sound_ms: int
    ) -> list[HeardWord]:
        """Tokens joined at spaces. Punctuation belongs to the word before it and does not touch its confidence."""
        groups: list[list[int]] = []
        for index, token in enumerate(tokens):
            piece = self._tokens.decode([token])
            begins = piece.startswith(" ") or not groups
            if begins and not set(piece.strip()) <= _CLOSING_MARKS:
                groups.append([index])
            elif groups:
                groups[-1].append(index)
        words = []
        for position, group in enumerate(groups):
            text = self._tokens.decode([tokens[index] for index in group]).strip()
            if not any(character.isalnum() for character in text):
                continue
            spoken = [i for i in group if any(c.isalnum() for c in self._tokens.decode([tokens[i]]))] or group
            end = (
                times[groups[position + 1][0]] if position + 1 < len(groups) else max(times[-1], times[group[-1]] + 200)
            )
            start = min(times[group[0]], sound_ms)
            confidence = math.exp(sum(math.log(max(probabilities[i], 1e-6)) for i in spoken))
            words.append(
                HeardWord(text=text, start_ms=start, end_ms=max(start, min(end, sound_ms)), confidence=confidence)
            )
        return words

    def forced_log_probabilities(self, encoded: ctranslate2.StorageView, text: str, *, sound_ms: int) -> list[float]:
        """The log probability of each token of `text`, had the decoder been made to write it."""
        return [log for _, log in self.forced_by_word(encoded, text, sound_ms=sound_ms)]

    def forced_by_word(self, encoded: ctranslate2.StorageView, text: str, *, sound_ms: int) -> list[tuple[int, float]]:
        """The same with the index of the word (of `text`, split at spaces) that each token belongs to."""
        tokens = self.tokens_of(text)[:_MOST_TOKENS]
        _, probabilities = self._align(encoded, tokens, sound_ms=sound_ms)
        word, found = -1, []
        for token, probability in zip(tokens, probabilities, strict=False):
            word += self._tokens.decode([token]).startswith(" ")
            found.append((max(word, 0), math.log(max(probability, 1e-6))))
        return found

    def plausibility(self, text: str) -> float | None:
        """How much more probable the words are in their order than shuffled, to a decoder that hears silence.

        In natural-log units per token; about 1 to 3 for sentences, also broken ones, below 0.6 for word salad. The same
        words stand on both sides, so rare words cost nothing. None: fewer than four words.
        """
        words = "".join(mark for mark in text.lower() if mark.isalnum() or mark in " '").split()
        if len(words) < _FEWEST_TO_SHUFFLE:
            return None
        orders = [random.Random(seed).sample(words, len(words)) for seed in range(_SHUFFLES)]  # noqa: S311 no secret
        shuffled = sum(self._likelihood(" ".join(order)) for order in orders) / _SHUFFLES
        return self._likelihood(" ".join(words)) - shuffled

    def _likelihood(self, text: str) -> float:
        """Mean log probability of `text` to a decoder that hears silence: a language model's opinion."""
        if self._silence is None:
            self._silence = self.encode(np.zeros(SAMPLE_RATE, dtype=np.float32))
        values = self.forced_log_probabilities(self._silence, text, sound_ms=1000)
        return sum(values) / len(values)
