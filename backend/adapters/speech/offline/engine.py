"""The default engine: Whisper base, a phone CTC model and a sentence encoder, all from packages, all on this
machine."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.adapters.speech.offline.adaptation import SHIPPED
from backend.adapters.speech.offline.choice import digit_by_digit, fewest_errors, joined_probabilities
from backend.adapters.speech.offline.meaning import SentenceEncoder
from backend.adapters.speech.offline.models import (
    PACKAGED,
    PLAIN,
    WHISPERS,
    checked_file,
    library_versions,
    whisper_folder,
)
from backend.adapters.speech.offline.phones import FRAME_MS, PhoneAlignment, PhoneModel
from backend.adapters.speech.offline.whisper import Hypothesis, Recognition, WhisperBase, slowed
from backend.adapters.speech.offline.words import VOWELS, features_of_words
from backend.adapters.speech.vendors import failing_as_ours
from backend.scoring.evidence import Assessment, Hints, Pcm, Phone, SpokenWord, Transcript
from backend.scoring.text import edit_distance, words_of

ENGINE_VERSION = "5"  # moves when any number that this engine gives may move
_GOODNESS_SCALE = 2.0  # log units of margin at which a sound's goodness has fallen to 1/e

_RIGHT_OR_WRONG = frozenset({"short_answer", "conversation"})  # nobody marks how these are said
_UNSURE_FROM = 0.5  # words expected to be wrong, from which the sound is heard again

Floats = npt.NDArray[np.float64]
Ways = dict[tuple[str, ...], tuple[str, Hypothesis]]


class _Heard:
    """What the models said of one stretch of sound, kept so that recognition and assessment share the work."""

    def __init__(self, digest: bytes, encoded: Any) -> None:
        self.digest = digest
        self.encoded = encoded
        self.logs: Floats | None = None
        self.recognition: Recognition | None = None
        self.risk = 0.0


class OfflineEngine:
    """See SpeechEngine. Models load at first use, once a process: create it after the worker has forked.

    Two recognisers: the one adapted to learners writes down what they say. The plain one's inner states tell how they
    say it, which the other learned to overlook, and its decoder what people usually say. `adaptation`: the shipped one,
    but for judging by speakers whom it was trained on.
    """

    name = "offline"

    def __init__(self, *, models_dir: Path, adaptation: str = SHIPPED) -> None:
        self._models_dir = models_dir
        self._adaptation = adaptation
        self._whispers: dict[str, WhisperBase] = {}
        self._phones: PhoneModel | None = None
        self._sentences: SentenceEncoder | None = None
        self._last: _Heard | None = None

    def prepare(self) -> None:
        """Make the model files and check every hash, without keeping anything loaded."""
        for adaptation in (self._adaptation, PLAIN):
            whisper_folder(self._models_dir, adaptation)
        for package, name in PACKAGED:
            checked_file(package, name)

    def transcribe(self, pcm: Pcm, hints: Hints) -> Transcript:
        heard = self._hear(pcm)
        recognition = self._recognise(heard, pcm)
        wants_language = hints.task in ("retelling", "open_question")
        text = " ".join(word.text for word in recognition.words)
        return Transcript(
            words=recognition.words,
            plausibility=self._plain.plausibility(text) if wants_language else None,
            features=_recognition_features(recognition, heard.risk),
            states=None if hints.task in _RIGHT_OR_WRONG else self._states(pcm),
        )

    def _states(self, pcm: Pcm) -> npt.NDArray[np.float32]:
        return self._plain.states(self._plain.encode(pcm), sound_ms=len(pcm) // 16)

    def assess(self, pcm: Pcm, reference: str) -> Assessment:
        heard = self._hear(pcm)
        model = self._phone_model
        logs = self._posteriors(heard, pcm)
        shown = reference.split()
        pieces = [(piece, index) for index, word in enumerate(shown) for piece in words_of(word)]
        alignment = model.align(logs, [piece for piece, _ in pieces])
        if alignment is None:
            return Assessment(words=(), phones=(), features={"phones_aligned": 0.0})
        owners = [index for _, index in pieces]
        phones = tuple(_phone(each, owners) for each in alignment.phones)
        forced = self._recogniser.forced_by_word(heard.encoded, reference, sound_ms=len(pcm) // 16)
        expected = [each.symbol for each in alignment.phones]
        free = model.free_phones(logs)
        features = _phone_features(alignment, expected, free) | _forced_features([log for _, log in forced])
        return Assessment(
            words=_spoken_words(shown, phones),
            phones=phones,
            features=features,
            word_features=features_of_words(alignment.phones, owners, len(shown), logs, forced),
        )

    def compare(self, answer: str, texts: Sequence[str]) -> Sequence[float]:
        if self._sentences is None:
            with failing_as_ours(self.name, "loading"):
                self._sentences = SentenceEncoder()
        return self._sentences.nearness(answer, texts)

    def versions(self) -> dict[str, str]:
        hashes = {f"{package}/{name.rsplit('/', 1)[-1]}": digest[:12] for (package, name), digest in PACKAGED.items()}
        return {
            "offline": ENGINE_VERSION,
            "whisper-base": WHISPERS[PLAIN][:12],
            "whisper-adapted": f"{self._adaptation} {WHISPERS[self._adaptation][:12]}",
            **hashes,
            **library_versions(),
        }

    @property
    def _recogniser(self) -> WhisperBase:
        return self._whisper(self._adaptation)

    @property
    def _plain(self) -> WhisperBase:
        return self._whisper(PLAIN)

    def _whisper(self, adaptation: str) -> WhisperBase:
        if adaptation not in self._whispers:
            with failing_as_ours(self.name, "loading"):
                self._whispers[adaptation] = WhisperBase(whisper_folder(self._models_dir, adaptation))
        return self._whispers[adaptation]

    @property
    def _phone_model(self) -> PhoneModel:
        if self._phones is None:
            with failing_as_ours(self.name, "loading"):
                self._phones = PhoneModel()
        return self._phones

    def _recognise(self, heard: _Heard, pcm: Pcm) -> Recognition:
        """The most believable of the recogniser's hypotheses, figures as they were said. Where they disagree the sound
        is heard a second time, slowed down."""
        if heard.recognition is None:
            sound_ms = len(pcm) // 16
            logs = self._posteriors(heard, pcm)
            listenings = [_different(self._recogniser.hypotheses(heard.encoded, sound_ms=sound_ms))]
            ways, best, heard.risk = self._believed(listenings, logs)
            if heard.risk > _UNSURE_FROM:
                slow = slowed(pcm)
                again = self._recogniser.hypotheses(self._recogniser.encode(slow), sound_ms=sound_ms)
                listenings.append(_different(again))
                ways, best, heard.risk = self._believed(listenings, logs)
            text, chosen = ways[best]
            found = self._recogniser.recognition(heard.encoded, chosen, sound_ms=sound_ms)
            if text != chosen.text:
                said = tuple(replace(word, text=digit_by_digit(word.text)) for word in found.words)
                found = replace(found, words=said)
            heard.recognition = found
        return heard.recognition

    def _believed(self, listenings: Sequence[Ways], logs: Floats) -> tuple[list[tuple[str, Hypothesis]], int, float]:
        """Every way to hear it, which of them is believed, and how many words of that are expected to be wrong."""
        ways = {words: way for listening in reversed(listenings) for words, way in listening.items()}
        probabilities = joined_probabilities(
            list(ways), [{words: way.log_probability for words, (_, way) in each.items()} for each in listenings]
        )
        best, risk = fewest_errors(list(ways), probabilities, self._phone_model.path_scores(logs, list(ways)))
        return list(ways.values()), best, risk

    def _posteriors(self, heard: _Heard, pcm: Pcm) -> Floats:
        if heard.logs is None:
            heard.logs = self._phone_model.posteriors(pcm)
        return heard.logs

    def _hear(self, pcm: Pcm) -> _Heard:
        digest = hashlib.sha256(pcm.tobytes()).digest()
        if self._last is None or self._last.digest != digest:
            self._last = _Heard(digest, self._recogniser.encode(pcm))
        return self._last


def _different(hypotheses: Sequence[Hypothesis]) -> Ways:
    """Words -> (text, hypothesis), the likeliest of each; figures also as read one by one."""
    ways: Ways = {}
    for each in sorted(hypotheses, key=lambda way: -way.log_probability):
        for text in (each.text, digit_by_digit(each.text)):
            ways.setdefault(words_of(text), (text, each))
    return ways


def _phone(aligned: Any, owners: Sequence[int]) -> Phone:
    return Phone(
        symbol=aligned.symbol,
        word_index=owners[aligned.word_index],
        start_ms=aligned.start_frame * FRAME_MS,
        end_ms=aligned.end_frame * FRAME_MS,
        goodness=math.exp(aligned.margin / _GOODNESS_SCALE),
        heard=aligned.heard,
    )


def _spoken_words(shown: Sequence[str], phones: Sequence[Phone]) -> tuple[SpokenWord, ...]:
    words, end = [], 0
    for index, text in enumerate(shown):
        own = [phone for phone in phones if phone.word_index == index]
        start = own[0].start_ms if own else end
        end = max(own[-1].end_ms if own else start, start)
        goodness = sum(phone.goodness for phone in own) / len(own) if own else 0.0
        words.append(SpokenWord(text=text, start_ms=start, end_ms=end, goodness=goodness))
    return tuple(words)


def _recognition_features(recognition: Recognition, risk: float) -> dict[str, float]:
    confidences = [word.confidence for word in recognition.words] or [0.0]
    logs = [math.log(max(each, 1e-6)) for each in recognition.token_probabilities] or [-10.0]
    return {
        "asr_log_probability": recognition.log_probability,
        "asr_token_log": float(np.mean(logs)),
        "asr_token_low": float(np.percentile(logs, 20)),
        "asr_confidence": float(np.mean(confidences)),
        "asr_confidence_low": float(np.min(confidences)),
        "asr_no_speech": recognition.no_speech,
        "asr_words": float(len(recognition.words)),
        "asr_risk": risk / max(len(recognition.words), 1),
    }


def _phone_features(alignment: PhoneAlignment, expected: list[str], free: list[str]) -> dict[str, float]:
    """Goodness and timing of the aligned sounds; times in seconds, margins in natural-log units."""
    margins = np.array([phone.margin for phone in alignment.phones])
    own = np.array([phone.log_probability for phone in alignment.phones])
    starts = np.array([phone.start_frame for phone in alignment.phones]) * FRAME_MS / 1000
    gaps = np.diff(starts) if len(starts) > 2 else np.array([0.1])
    vowels = np.array([phone.symbol[0] in VOWELS for phone in alignment.phones])
    by_word = [
        margins[[p.word_index == w for p in alignment.phones]].mean() for w in {p.word_index for p in alignment.phones}
    ]
    return {
        "phones_aligned": 1.0,
        "phone_count": float(len(margins)),
        "phone_margin": float(margins.mean()),
        "phone_margin_sd": float(margins.std()),
        "phone_margin_low": float(np.percentile(margins, 20)),
        "phone_good_share": float((margins > -0.5).mean()),
        "phone_bad_share": float((margins < -3.0).mean()),
        "phone_own": float(own.mean()),
        "phone_own_low": float(np.percentile(own, 20)),
        "vowel_margin": float(margins[vowels].mean()) if vowels.any() else 0.0,
        "consonant_margin": float(margins[~vowels].mean()) if (~vowels).any() else 0.0,
        "word_margin_low": float(np.min(by_word)),
        "path_score": alignment.path_score,
        "path_loss": alignment.path_score - alignment.free_score,
        "free_score": alignment.free_score,
        "phone_distance": edit_distance(_broad(expected), _broad(free)) / max(len(expected), 1),
        "free_phone_ratio": len(free) / max(len(expected), 1),
        "phone_span_s": float(starts[-1] - starts[0]),
        "phone_rate": float(len(starts) / max(starts[-1] - starts[0], 0.2)),
        "phone_gap_sd": float(gaps.std()),
        "phone_gap_median": float(np.median(gaps)),
        "phone_gap_high": float(np.percentile(gaps, 90)),
        "phone_gap_max": float(gaps.max()),
        "phone_gap_variation": float(gaps.std() / max(gaps.mean(), 0.01)),
    }


def _broad(symbols: Sequence[str]) -> list[str]:
    """Sounds that the free decoding confuses anyway count as one: all lax vowels, all r's, t and its tap."""
    table = {"ʌ": "ə", "ɐ": "ə", "ɪ": "i", "ɔ": "ɑ", "ɒ": "ɑ", "r": "ɹ", "ɚ": "ɝ", "g": "ɡ", "ɾ": "t", "e": "ɛ"}
    return [table.get(symbol, symbol) for symbol in symbols]


def _forced_features(logs: Sequence[float]) -> dict[str, float]:
    values = np.array(logs or [-10.0])
    return {
        "forced_log": float(values.mean()),
        "forced_low": float(np.percentile(values, 20)),
        "forced_min": float(values.min()),
        "forced_good_share": float((values > -0.7).mean()),
    }
