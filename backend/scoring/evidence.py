"""What a recording showed, before anybody judges it: the shapes that engines fill and scorers read.

Everything is a plain value: `Evidence.to_dict` gives JSON types only and `Evidence.from_dict` gives the same value
back,
so a score can be taken again from stored evidence without the recording.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.float32]  # mono, 16 kHz, -1..1
SAMPLE_RATE = 16_000
EVIDENCE_VERSION = "1"


def plain_value(value: Any) -> Any:
    """Dataclasses to dicts, tuples to lists, floats to four decimals: what is stored is what is scored."""
    if hasattr(value, "__dataclass_fields__"):
        return {each.name: plain_value(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain_value(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [plain_value(each) for each in value]
    return round(float(value), 4) if isinstance(value, float | np.floating) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardWord:
    """One recognised word, as the recogniser wrote it. `confidence` 0..1 is the product of its tokens'
    probabilities."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """One sound of the text that the speaker is believed to have said.

    `goodness` 0..1: how probable the sound was against the best other sound there; `heard`: that best sound;
    `word_index` points into `Evidence.spoken_words`.
    """

    symbol: str
    word_index: int
    start_ms: int
    end_ms: int
    goodness: float
    heard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenWord:
    """One word of the text that was aligned to the sound, with the mean goodness of its phones (0..1).

    `quality` 0..1 is what experts would say of it (None: not judged, only read text is); `doubtful`: the calibration
    would flag it as badly said.
    """

    text: str
    start_ms: int
    end_ms: int
    goodness: float
    quality: float | None = None
    doubtful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Silence between two stretches of speech."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceActivity:
    """Where somebody spoke. `segments` are (start_ms, end_ms); silences count between them only."""

    speech_ms: int = 0
    leading_ms: int = 0
    trailing_ms: int = 0
    longest_silence_ms: int = 0
    segments: tuple[tuple[int, int], ...] = ()
    peak_probability: float = 0.0

    @property
    def has_speech(self) -> bool:
        return self.speech_ms > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What is wrong with the recording itself.

    Problems: `microphone_silent` (nothing at all arrived), `silent` (a room, nobody speaks), `noise_only` (loud, no
    voice),
    `too_quiet`, `noisy`, `clipped`, `truncated`, `too_short`, `whispered` (speech without a voice),
    `prompt_played_back` (the item's own sound, not an answer), `two_voices` (somebody else speaks a part of it).
    """

    problems: tuple[str, ...] = ()
    level_dbfs: float = -100.0
    speech_dbfs: float = -100.0
    snr_db: float = 0.0
    clipped_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspects:
    """What experts would say, predicted from the evidence: 0..1 each (an expert's 0..10 divided by ten).

    `confidence` 0..1 falls where the calibration has seen little like this; `calibration` names its data and version.
    """

    accuracy: float
    fluency: float
    prosodic: float
    total: float
    confidence: float
    calibration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """Nearness in meaning, -1..1: of the whole answer to the story, and of its best stretch to each key point."""

    story: float
    key_points: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """How well an accepted answer fits the sound, had it been said. All at most about 0 in log units, higher is better.

    `forced_gap`: its mean token log probability less that of what was recognised freely; `margin`: of its sounds
    against the best rivals; `path_loss`: of its path through the sounds against the freest path.
    """

    text: str
    forced_gap: float
    margin: float
    path_loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenLanguage:
    """What a freely spoken answer shows when it is read as a text. `flaws`: kinds of what a grammar checker would mend,
    one for each place; `levels`: how many different content words are of each CEFR level; `nearness` of the answer to
    the question in meaning, -1..1 (None: not measured)."""

    flaws: tuple[str, ...] = ()
    levels: Mapping[str, int] = field(default_factory=dict)
    nearness: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known of one answer. `task` and times belong to the joined recordings of that answer.

    `plausibility` is how much more probable the words are in their order than shuffled, to a language model, in
    natural-log units per token (None: not measured): near 0 for word salad. `features` are the numbers that the
    calibration reads. `offers` are measured for short answers in whose transcript no accepted answer stands;
    `language` for open answers. `versions`: of everything that could move it, the calibration's name with them.
    """

    task: str
    duration_ms: int
    quality: Quality
    voice: VoiceActivity
    words: tuple[HeardWord, ...] = ()
    spoken_words: tuple[SpokenWord, ...] = ()
    phones: tuple[Phone, ...] = ()
    pauses: tuple[Pause, ...] = ()
    offers: tuple[Offer, ...] = ()
    timing: Mapping[str, float] = field(default_factory=dict)
    pitch: Mapping[str, float] = field(default_factory=dict)
    features: Mapping[str, float] = field(default_factory=dict)
    aspects: Aspects | None = None
    meaning: Meaning | None = None
    plausibility: float | None = None
    language: SpokenLanguage | None = None
    segments: int = 1
    engine: str = ""
    engine_version: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    evidence_version: str = EVIDENCE_VERSION

    @property
    def transcript(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def heard_by(self) -> str:
        """Engine and version, the pipeline's and the calibration's, and a short hash over all `versions`: two answers
        with the same line were heard alike. Begins with the engine's name and a space."""
        known = [f"{name} {self.versions[name]}" for name in ("pipeline", "calibration") if name in self.versions]
        digest = hashlib.sha256(json.dumps(dict(self.versions), sort_keys=True).encode()).hexdigest()[:8]
        return ", ".join([f"{self.engine} {self.engine_version}", *known, digest])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, floats rounded to four decimals."""
        plain: dict[str, Any] = plain_value(self)
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`. KeyError or TypeError: not evidence."""
        rest = dict(data)
        aspects, meaning, language = rest.pop("aspects"), rest.pop("meaning"), rest.pop("language", None)
        voice, quality = dict(rest.pop("voice")), dict(rest.pop("quality"))
        voice["segments"] = tuple((start, end) for start, end in voice["segments"])
        quality["problems"] = tuple(quality["problems"])
        return cls(
            voice=VoiceActivity(**voice),
            quality=Quality(**quality),
            words=tuple(HeardWord(**each) for each in rest.pop("words")),
            spoken_words=tuple(SpokenWord(**each) for each in rest.pop("spoken_words")),
            phones=tuple(Phone(**each) for each in rest.pop("phones")),
            pauses=tuple(Pause(**each) for each in rest.pop("pauses")),
            offers=tuple(Offer(**each) for each in rest.pop("offers", ())),
            aspects=Aspects(**aspects) if aspects else None,
            meaning=Meaning(story=meaning["story"], key_points=tuple(meaning["key_points"])) if meaning else None,
            language=SpokenLanguage(**{**language, "flaws": tuple(language["flaws"])}) if language else None,
            **rest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What an engine may know before it listens. Never the expected words: a recogniser that is told them hears
    them."""

    task: str
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """Free recognition. Times in ms from the start of the pcm. `features` are engine-specific numbers; `states` sums up
    the engine's inner states over the sound, for a calibration that was trained on them (None: the engine has none)."""

    words: tuple[HeardWord, ...]
    plausibility: float | None = None
    features: Mapping[str, float] = field(default_factory=dict)
    states: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """How a text that the speaker is believed to have said was said. `word_features`: engine-specific numbers, one
    mapping a word; empty for a word without sounds, and where the calibration does not judge words. `aspects`: of an
    engine that judges by itself, with its own name as the calibration."""

    words: tuple[SpokenWord, ...]
    phones: tuple[Phone, ...]
    features: Mapping[str, float] = field(default_factory=dict)
    word_features: tuple[Mapping[str, float], ...] = ()
    aspects: Aspects | None = None


class SpeechEngine(Protocol):
    """One recogniser with its phone models. Not thread-safe; one instance per process. Failures are AdapterErrors."""

    name: str

    def prepare(self) -> None:
        """Makes or checks what the engine needs before its first answer. Safe to repeat; PermanentFailure otherwise."""

    def transcribe(self, pcm: Pcm, hints: Hints) -> Transcript:
        """What was said, recognised freely. Call only where the voice gate found speech."""

    def assess(self, pcm: Pcm, reference: str) -> Assessment:
        """Align `reference` to the sound. Aligns a wrong text as willingly as the right one: check the content
        first."""

    def compare(self, answer: str, texts: Sequence[str]) -> Sequence[float]:
        """Nearness in meaning of `answer`'s best stretch to each text, -1..1."""

    def versions(self) -> dict[str, str]:
        """Name -> version or hash of every model and library that can move a score."""
