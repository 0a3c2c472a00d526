"""An engine whose words come from somewhere else, and everything that judges a voice from the default engine.

The calibration was trained on the default engine's numbers and holds for no other's. So sounds, margins and inner
states stay the default engine's; only what was said is another recogniser's opinion. It costs both.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from backend.scoring.evidence import Assessment, HeardWord, Hints, Pcm, SpeechEngine, Transcript

Recogniser = Callable[[Pcm, Hints], tuple[HeardWord, ...]]


class BorrowedWords:
    """`version` is the recogniser's. `prepare` checks what it needs, or raises PermanentFailure."""

    def __init__(
        self, name: str, *, recognise: Recogniser, voice: SpeechEngine, prepare: Callable[[], None], version: str
    ) -> None:
        self.name = name
        self._recognise = recognise
        self._voice = voice
        self._prepare = prepare
        self._version = version

    def prepare(self) -> None:
        self._prepare()
        self._voice.prepare()

    def transcribe(self, pcm: Pcm, hints: Hints) -> Transcript:
        return replace(self._voice.transcribe(pcm, hints), words=self._recognise(pcm, hints))

    def assess(self, pcm: Pcm, reference: str) -> Assessment:
        return self._voice.assess(pcm, reference)

    def compare(self, answer: str, texts: Sequence[str]) -> Sequence[float]:
        return self._voice.compare(answer, texts)

    def versions(self) -> dict[str, str]:
        return {**self._voice.versions(), self.name: self._version}
