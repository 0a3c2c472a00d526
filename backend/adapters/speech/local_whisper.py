"""A larger Whisper that an institution has on its disk, run by faster-whisper: words, times and probabilities.

Nothing is fetched: the folder must hold a CTranslate2 model, whose `model.bin` has the hash that the settings name.
"""

import hashlib
from pathlib import Path
from typing import Any

from backend.adapters.speech.borrowed import BorrowedWords
from backend.adapters.speech.setup import SpeechSetup
from backend.adapters.speech.vendors import failing_as_ours, installed_version
from backend.core.errors import PermanentFailure
from backend.scoring.evidence import HeardWord, Hints, Pcm, SpeechEngine

NAME = "local_whisper"
_PACKAGE = "faster-whisper"


class LocalWhisper:
    """The recogniser alone. Loads at first use, after its hash was checked."""

    def __init__(self, folder: Path, sha256: str) -> None:
        self._folder = folder
        self._sha256 = sha256.lower()
        self._model: Any = None  # faster-whisper has no types

    def check(self) -> None:
        """PermanentFailure: `model_missing`, `model_altered`."""
        weights = self._folder / "model.bin"
        if not weights.is_file() or not (self._folder / "tokenizer.json").is_file():
            raise PermanentFailure("model_missing")
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != self._sha256:
            raise PermanentFailure("model_altered")

    def recognise(self, pcm: Pcm, hints: Hints) -> tuple[HeardWord, ...]:
        """Free recognition; never told the expected words, and nothing of what came before."""
        if self._model is None:
            with failing_as_ours(NAME, "loading"):
                self._model = self._load()
        with failing_as_ours(NAME, "asking"):
            return self._listen(pcm, hints)

    def _listen(self, pcm: Pcm, hints: Hints) -> tuple[HeardWord, ...]:
        """Segments come while they are asked for: what fails there fails here."""
        segments, _ = self._model.transcribe(
            pcm,
            language=hints.language,
            beam_size=5,
            word_timestamps=True,
            condition_on_previous_text=False,
            vad_filter=False,
        )
        ends_ms = len(pcm) // 16
        return tuple(
            HeardWord(
                text=word.word.strip(),
                start_ms=min(round(word.start * 1000), ends_ms),
                end_ms=min(round(word.end * 1000), ends_ms),
                confidence=float(word.probability),
            )
            for segment in segments
            for word in segment.words or ()
            if any(mark.isalnum() for mark in word.word)
        )

    def _load(self) -> Any:
        self.check()
        from faster_whisper import WhisperModel

        return WhisperModel(str(self._folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)


def build(setup: SpeechSetup, voice: SpeechEngine) -> BorrowedWords:
    """PermanentFailure: `engine_not_set_up` without a folder and its hash, `engine_not_installed`."""
    if setup.whisper_folder is None or not setup.whisper_sha256:
        raise PermanentFailure("engine_not_set_up")
    recogniser = LocalWhisper(setup.whisper_folder, setup.whisper_sha256)
    return BorrowedWords(
        NAME,
        recognise=recogniser.recognise,
        voice=voice,
        prepare=recogniser.check,
        version=f"{setup.whisper_sha256[:12]} {_PACKAGE} {installed_version(_PACKAGE)}",
    )
