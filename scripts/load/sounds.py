"""What is heard and said in a load run: prompts of the usual size, one recording as the exam's client makes it."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import av

from backend.core.ports import Script, SpokenAudio, Voice
from config.settings import PROJECT_ROOT

SPOKEN = PROJECT_ROOT / "tests" / "fixtures" / "audio" / "speech_jfk.ogg"
ANSWER_MS = 6_000
BIT_RATE = 64_000  # frontend_templates/_client/src/exam/recorder.ts
CONTENT_TYPE = "audio/webm;codecs=opus"
PROMPT_BYTES_A_WORD = 3_000


class SilentVoice(Voice):
    """Says nothing, in as many bytes as a rendered prompt has: nobody listens, but everybody fetches it."""

    @property
    def version(self) -> str:
        return "silent/1"

    def speak(self, scripts: Sequence[Script]) -> Iterator[SpokenAudio]:
        for script in scripts:
            words = sum(len(phrase.split()) for phrase in script.phrases)
            text = repr(script).encode()
            yield SpokenAudio(
                data=text + bytes(PROMPT_BYTES_A_WORD * words),
                content_type="audio/mpeg",
                extension="mp3",
                duration_ms=script.lead_in_ms + 400 * words,
            )


def make_recording(target: Path) -> int:
    """Writes ANSWER_MS of speech as WebM with Opus; its size in bytes."""
    buffer = io.BytesIO()
    with av.open(str(SPOKEN)) as source, av.open(buffer, "w", format="webm") as made:
        stream = made.add_stream("libopus", rate=48_000, layout="mono")
        stream.bit_rate = BIT_RATE
        resampler = av.AudioResampler(format="flt", layout="mono", rate=48_000)
        samples = 0
        for frame in source.decode(audio=0):
            for out in resampler.resample(frame):
                made.mux(stream.encode(out))
                samples += out.samples
            if samples * 1000 >= ANSWER_MS * 48_000:
                break
        made.mux(stream.encode(None))
    target.write_bytes(buffer.getvalue())
    return target.stat().st_size
