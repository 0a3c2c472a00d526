"""Answers with everything that an explanation can hold, and a sound that a browser can decode."""

import io
import math
import struct
import wave
from typing import Any

from backend.adapters.speech.calibrations import SHIPPED
from backend.features.attempts.responses import Response
from tests.support.results_world import make_response

SENTENCE = "The river was high, so we walked three miles along the old canal."
_HEARD = (
    ("The", 0.98, "match", "the"),
    ("river", 0.94, "match", "river"),
    ("was", 0.91, "match", "was"),
    ("high", 0.88, "match", "high"),
    ("so", 0.93, "match", "so"),
    ("we", 0.97, "match", "we"),
    ("work", 0.42, "substitution", "walked"),
    ("three", 0.66, "match", "three"),
    ("mile", 0.71, "near", "miles"),
    ("uh", 0.81, "filler", ""),
    ("", 0.0, "deletion", "along"),
    ("the", 0.95, "match", "the"),
    ("old", 0.9, "match", "old"),
    ("canal", 0.57, "match", "canal"),
)
_WORDS_MS, _FIRST_MS = 420, 900


def spoken(duration_ms: int = 9_000) -> bytes:
    """A WAV file: a quiet tone that swells and fades by word."""
    rate = 16_000
    samples = (
        int(6000 * math.sin(2 * math.pi * 220 * n / rate) * abs(math.sin(math.pi * n / rate / 0.42)))
        for n in range(duration_ms * rate // 1000)
    )
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return buffer.getvalue()


def rich_explanation() -> dict[str, Any]:
    """As `scorers/read_aloud` writes it."""
    timed = [
        {"start_ms": _FIRST_MS + n * _WORDS_MS + (900 if n > 8 else 0), "confidence": sure}
        for n, (_, sure, _, _) in enumerate(_HEARD)
    ]
    for row in timed:
        row["end_ms"] = row["start_ms"] + 360
    alignment = [
        {"operation": operation, "expected": expected, "heard": heard.lower()} | (when if heard else {})
        for (heard, _, operation, expected), when in zip(_HEARD, timed, strict=True)
    ]
    transcript = [{"text": word[0], **when} for word, when in zip(_HEARD, timed, strict=True) if word[0]]
    said = [
        {"text": text, "start_ms": when["start_ms"], "end_ms": when["end_ms"], "quality": quality, "doubtful": doubtful}
        for text, when, quality, doubtful in zip(
            SENTENCE.split(),
            timed,
            (0.95, 0.9, 0.93, 0.85, 0.9, 0.92, 0.41, 0.62, 0.78, 0.7, 0.95, 0.9, 0.66),
            (False,) * 6 + (True,) + (False,) * 6,
            strict=False,
        )
    ]
    return {
        "expected": SENTENCE,
        "alignment": alignment,
        "transcript": transcript,
        "words_said": said,
        "speech": [{"start_ms": 900, "end_ms": 4600}, {"start_ms": 5580, "end_ms": 7700}],
        "pauses": [{"start_ms": 4600, "end_ms": 5580}],
        "duration_ms": 9000,
        "quality_problems": ["noisy"],
        "fillers": 1,
        "weak_sounds": [
            {"word": "three", "expected": "θ", "heard": "t", "start_ms": 3850, "goodness": 0.08},
            {"word": "walked", "expected": "ɔ", "heard": "ɝ", "start_ms": 3500, "goodness": 0.12},
        ],
        "aspects": {"accuracy": 0.74, "fluency": 0.69, "prosodic": 0.71, "total": 0.72},
        "content": {"words_agree": 0.86, "letters_agree": 0.9, "sounds_agree": 0.81, "credit": 1.0},
        "calibration": SHIPPED,
        "engine": {"name": "offline", "version": "2"},
        "suspected": None,
    }


def explained_response(student_id: str, position: int = 0, *, revision: int = 0) -> Response:
    """The answer of `make_response` with the whole explanation."""
    plain = make_response(student_id, position)
    score = {**(plain.score or {}), "explanation": rich_explanation()}
    return make_response(student_id, position, score=score, revision=revision)
