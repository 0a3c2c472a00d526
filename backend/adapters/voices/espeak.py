"""espeak-ng, where the machine has it and Piper is not installed: understandable, not pretty. A separate process."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from backend.adapters.voices.sound import ENCODING, Speech, read_wav, spoken_script
from backend.core.errors import TemporaryFailure
from backend.core.ports import Script, SpokenAudio, Voice

WORDS_PER_MINUTE = 145
LONGEST_S = 60


class EspeakVoice(Voice):
    def __init__(self, program: str, *, engine_version: str) -> None:
        self._program = program
        self._version = f"espeak-ng-{engine_version}/en-us/{ENCODING}"

    @classmethod
    def find(cls) -> "EspeakVoice | None":
        """The installed program; None when there is none."""
        program = shutil.which("espeak-ng")
        if program is None:
            return None
        shown = subprocess.run((program, "--version"), capture_output=True, text=True, check=False).stdout
        # "eSpeak NG text-to-speech: 1.51  Data at: /usr/lib/..."
        number = shown.partition(":")[2].split()
        return cls(program, engine_version=number[0] if number else "unknown")

    @property
    def version(self) -> str:
        return self._version

    def speak(self, scripts: Sequence[Script]) -> Iterator[SpokenAudio]:
        with tempfile.TemporaryDirectory(prefix="viva-voice-") as folder:
            for script in scripts:
                yield spoken_script(script, [self._speak_phrase(phrase, Path(folder)) for phrase in script.phrases])

    def _speak_phrase(self, phrase: str, folder: Path) -> Speech:
        path = folder / "phrase.wav"
        arguments = (self._program, "-v", "en-us", "-s", str(WORDS_PER_MINUTE), "-w", str(path), "--stdin")
        try:
            subprocess.run(arguments, input=phrase, text=True, check=True, capture_output=True, timeout=LONGEST_S)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            raise TemporaryFailure("voice_ended_early") from None
        return read_wav(path)
