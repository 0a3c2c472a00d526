"""Voices: which engine speaks the prompts. Engines are separate processes and are never imported."""

from pathlib import Path

from backend.adapters.voices.cached import CachedVoice
from backend.adapters.voices.espeak import EspeakVoice
from backend.adapters.voices.piper import PiperVoice
from backend.core.errors import PermanentFailure
from backend.core.ports import Voice

VOICES: dict[str, type[PiperVoice] | type[EspeakVoice]] = {"piper": PiperVoice, "espeak": EspeakVoice}


def find_voice(*, caches: tuple[Path, ...] = ()) -> Voice:
    """The first voice that is installed, in the order of VOICES. Raises PermanentFailure("no_voice").

    `caches` are folders with sound from before: all are read, the first is written.
    """
    for kind in VOICES.values():
        voice = kind.find()
        if voice is not None:
            return CachedVoice(voice, caches) if caches else voice
    raise PermanentFailure("no_voice")
