"""Azure Speech: recognition, and pronunciation assessment of a reference text, over its SDK.

Its marks (0..100) are its own opinion of accuracy, fluency and prosody; they were not compared with our experts, so
their confidence is held low and its name stands where a calibration's would.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from backend.adapters.speech.samples import as_int16
from backend.adapters.speech.setup import SpeechSetup
from backend.adapters.speech.vendors import failing_as_ours, installed_version
from backend.core.errors import PermanentFailure, TemporaryFailure
from backend.scoring.evidence import (
    SAMPLE_RATE,
    Aspects,
    Assessment,
    HeardWord,
    Hints,
    Pcm,
    Phone,
    SpeechEngine,
    SpokenWord,
    Transcript,
)

NAME = "azure"
_PACKAGE = "azure-cognitiveservices-speech"
_PATIENCE_S = 90.0
_TICKS_PER_MS = 10_000
_CONFIDENCE = 0.5  # of its marks: nobody has compared them with experts here
_REFUSALS = frozenset({"AuthenticationFailure", "BadRequest", "Forbidden"})
_NOT_SAID = ("Omission", "Insertion")
_WEAK = 0.4  # a sound below this share of its mark is another sound

Phrases = list[Mapping[str, Any]]


class AzureEngine:
    """See SpeechEngine. Each call opens a connection; a recognition ends with the sound, whatever its pauses. Nearness
    in meaning is asked of `voice`, the default engine: it costs no call."""

    name = NAME

    def __init__(self, setup: SpeechSetup, voice: SpeechEngine) -> None:
        self._setup = setup
        self._voice = voice

    def prepare(self) -> None:
        """PermanentFailure: `engine_not_installed`, `engine_not_set_up`. Nothing is sent."""
        installed_version(_PACKAGE)
        if not self._setup.azure_key or not (self._setup.azure_region or self._setup.azure_host):
            raise PermanentFailure("engine_not_set_up")

    def transcribe(self, pcm: Pcm, hints: Hints) -> Transcript:  # noqa: ARG002 - the language is the setup's
        replies = self._recognise(pcm, None)
        with failing_as_ours(NAME, "reading"):
            words = [word for best in _phrases(replies) for word in best.get("Words", ())]
            return Transcript(words=tuple(_heard(word) for word in words))

    def assess(self, pcm: Pcm, reference: str) -> Assessment:
        replies = self._recognise(pcm, reference)
        with failing_as_ours(NAME, "reading"):
            return _assessed(_phrases(replies))

    def compare(self, answer: str, texts: Sequence[str]) -> Sequence[float]:
        return self._voice.compare(answer, texts)

    def versions(self) -> dict[str, str]:
        return {NAME: f"{self._setup.language} azure-cognitiveservices-speech {installed_version(_PACKAGE)}"}

    def _recognise(self, pcm: Pcm, reference: str | None) -> list[str]:
        """The reply to every phrase, as JSON."""
        with failing_as_ours(NAME, "loading"):
            import azure.cognitiveservices.speech as sdk
        with failing_as_ours(NAME, "asking"):
            return self._ask(sdk, pcm, reference)

    def _ask(self, sdk: Any, pcm: Pcm, reference: str | None) -> list[str]:
        config = self._config(sdk)
        stream = sdk.audio.PushAudioInputStream(
            sdk.audio.AudioStreamFormat(samples_per_second=SAMPLE_RATE, bits_per_sample=16, channels=1)
        )
        recogniser = sdk.SpeechRecognizer(speech_config=config, audio_config=sdk.audio.AudioConfig(stream=stream))
        if reference is not None:
            _assessment(sdk, reference).apply_to(recogniser)
        # These run in the SDK's threads, where whatever they raise is lost: they only collect.
        replies, endings, ended = list[str](), list[Any](), threading.Event()
        recogniser.recognized.connect(lambda event: replies.append(event.result.json))
        recogniser.canceled.connect(lambda event: endings.append(event.cancellation_details))
        recogniser.session_stopped.connect(lambda _: ended.set())
        recogniser.start_continuous_recognition_async().get()
        stream.write(as_int16(pcm))
        stream.close()
        in_time = ended.wait(_PATIENCE_S)
        recogniser.stop_continuous_recognition_async().get()
        for ending in endings:
            _check_ending(ending)
        if not in_time:
            raise TemporaryFailure("engine_timeout")
        return replies

    def _config(self, sdk: Any) -> Any:
        place = {"host": self._setup.azure_host} if self._setup.azure_host else {"region": self._setup.azure_region}
        config = sdk.SpeechConfig(subscription=self._setup.azure_key, **place)
        config.speech_recognition_language = self._setup.language
        config.output_format = sdk.OutputFormat.Detailed
        config.request_word_level_timestamps()
        return config


def build(setup: SpeechSetup, voice: SpeechEngine) -> AzureEngine:
    """PermanentFailure as `AzureEngine.prepare`: nothing that an answer goes through asks for what is not there."""
    engine = AzureEngine(setup, voice)
    engine.prepare()
    return engine


def _assessment(sdk: Any, reference: str) -> Any:
    wanted = sdk.PronunciationAssessmentConfig(
        reference_text=reference,
        grading_system=sdk.PronunciationAssessmentGradingSystem.HundredMark,
        granularity=sdk.PronunciationAssessmentGranularity.Phoneme,
        enable_miscue=False,
    )
    wanted.phoneme_alphabet = "IPA"
    wanted.nbest_phoneme_count = 1
    wanted.enable_prosody_assessment()
    return wanted


def _check_ending(details: Any) -> None:
    """Refuses any but that the sound simply came to its end. The vendor's text stays out: it may hold addresses."""
    if details.reason.name == "EndOfStream":
        return
    if details.code.name in _REFUSALS:
        raise PermanentFailure("engine_refused")
    raise TemporaryFailure("engine_unreachable")


def _phrases(replies: Sequence[str]) -> Phrases:
    """The best reading of every phrase."""
    return [best for reply in replies for best in json.loads(reply or "{}").get("NBest", [])[:1]]


def _assessed(found: Phrases) -> Assessment:
    words = [word for best in found for word in best.get("Words", ()) if _error(word) not in _NOT_SAID]
    marks = [(best["PronunciationAssessment"], len(best.get("Words", ()))) for best in found if best.get("Words")]
    phones = tuple(_phone(row, index) for index, word in enumerate(words) for row in word.get("Phonemes", ()))
    if not phones:
        return Assessment(words=(), phones=(), features={"phones_aligned": 0.0})
    return Assessment(
        words=tuple(_spoken(word) for word in words),
        phones=phones,
        features={
            "phones_aligned": 1.0,
            "phone_count": float(len(phones)),
            "phone_distance": sum(phone.goodness < _WEAK for phone in phones) / len(phones),
        },
        aspects=_aspects(marks),
    )


def _span(row: Mapping[str, Any]) -> dict[str, int]:
    start = int(row["Offset"]) // _TICKS_PER_MS
    return {"start_ms": start, "end_ms": start + int(row["Duration"]) // _TICKS_PER_MS}


def _mark(row: Mapping[str, Any]) -> float:
    return float(row.get("PronunciationAssessment", {}).get("AccuracyScore", 0.0)) / 100


def _error(word: Mapping[str, Any]) -> str:
    return str(word.get("PronunciationAssessment", {}).get("ErrorType", "None"))


def _heard(word: Mapping[str, Any]) -> HeardWord:
    return HeardWord(text=str(word["Word"]), confidence=float(word.get("Confidence", 0.0)), **_span(word))


def _spoken(word: Mapping[str, Any]) -> SpokenWord:
    return SpokenWord(
        text=str(word["Word"]),
        goodness=_mark(word),
        quality=_mark(word),
        doubtful=_error(word) == "Mispronunciation",
        **_span(word),
    )


def _phone(row: Mapping[str, Any], word_index: int) -> Phone:
    likeliest = row.get("PronunciationAssessment", {}).get("NBestPhonemes") or [{"Phoneme": row["Phoneme"]}]
    return Phone(
        symbol=str(row["Phoneme"]),
        word_index=word_index,
        goodness=_mark(row),
        heard=str(likeliest[0]["Phoneme"]),
        **_span(row),
    )


def _aspects(marks: Sequence[tuple[Mapping[str, Any], int]]) -> Aspects:
    """Over phrases the mean by their words, 0..1. Without prosody (not every language has it) fluency stands in."""
    total = sum(count for _, count in marks)

    def mean(name: str, instead: str) -> float:
        return sum(float(each.get(name, each[instead])) * count for each, count in marks) / total / 100

    return Aspects(
        accuracy=mean("AccuracyScore", "AccuracyScore"),
        fluency=mean("FluencyScore", "FluencyScore"),
        prosodic=mean("ProsodyScore", "FluencyScore"),
        total=mean("PronScore", "AccuracyScore"),
        confidence=_CONFIDENCE,
        calibration="azure",
    )
