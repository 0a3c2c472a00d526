"""How fast the scoring is: CPU and wall time per second of recording, and memory, on a mix like a 63-item form.

Called by `python -m scripts.evaluate_scoring --speed`.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backend.adapters.speech.decode import decode
from backend.adapters.speech.offline import OfflineEngine
from backend.adapters.speech.pipeline import gather_evidence
from backend.scoring.evidence import SAMPLE_RATE, Pcm
from backend.scoring.keys import key_from_dict
from backend.scoring.scorers import score_answer
from scripts.rated_corpus import Utterance
from scripts.speech_features import peak_mb


def _paused(pcm: Pcm, before_s: float, after_s: float) -> Pcm:
    """A voice as the exam client records it: thinking time before, and the silence that ends the recording after."""
    quiet = np.random.default_rng(1).normal(0, 0.0005, int((before_s + after_s) * SAMPLE_RATE)).astype(np.float32)
    cut = int(before_s * SAMPLE_RATE)
    return np.concatenate([quiet[:cut], pcm, quiet[cut:]])


def _wav(pcm: Pcm) -> bytes:
    data = (np.clip(pcm, -1, 1) * 32767).astype("<i2").tobytes()
    size = len(data)
    head = b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    shape = b"\x01\x00\x01\x00" + SAMPLE_RATE.to_bytes(4, "little") + (2 * SAMPLE_RATE).to_bytes(4, "little")
    return head + shape + b"\x02\x00\x10\x00data" + size.to_bytes(4, "little") + data


def _accepting(text: str) -> dict[str, Any]:
    return {"accepted": [text]}


def _mix(corpus: Sequence[Utterance]) -> list[tuple[str, dict[str, Any], bytes]]:
    """63 answers from real voices: sentences read, said and built, short answers cut from one, long answers joined."""
    picked = [corpus[(at * 37) % len(corpus)] for at in range(100)]
    sounds = [decode(each.audio.read_bytes()).pcm for each in picked]
    answers: list[tuple[str, dict[str, Any], bytes]] = []
    for task, count in (("read_aloud", 8), ("repeat", 16), ("sentence_build", 10)):
        for _ in range(count):
            at = len(answers)
            text = picked[at].text
            key: dict[str, Any] = {"text": text, "phrases": text.split()[:2] or [text], "accepted": [text]}
            answers.append((task, key, _wav(_paused(sounds[at], 0.7, 1.5))))
    answers += [
        ("short_answer", _accepting(picked[at].text), _wav(_paused(sounds[at][: 2 * SAMPLE_RATE], 1.0, 1.5)))
        for at in range(34, 58)
    ]
    for task, number in (("retelling", 3), ("open_question", 2)):
        for _ in range(number):
            long = np.concatenate([_paused(sounds[(58 + step) % 100], 0.2, 0.3) for step in range(7)])
            points = [{"text": each.text} for each in picked[58:62]]
            key = {"story": picked[58].text, "key_points": points}
            answers.append((task, key, _wav(long[: 30 * SAMPLE_RATE])))
    return answers


def measure_speed(corpus: Sequence[Utterance], models: Path) -> dict[str, Any]:
    """CPU and wall seconds per second of recording, bytes to score, one process, one thread; decoding included."""
    answers = _mix(corpus)
    engine = OfflineEngine(models_dir=models)
    key = key_from_dict(answers[0][0], answers[0][1])
    score_answer(gather_evidence([answers[0][2]], answers[0][0], key, engine), key)  # loads the models
    by_task: dict[str, list[float]] = {}
    for task, key_data, data in answers:
        key = key_from_dict(task, key_data)
        cpu, wall = time.process_time(), time.perf_counter()
        score_answer(gather_evidence([data], task, key, engine), key)
        spent = by_task.setdefault(task, [0.0, 0.0, 0.0])
        for at, value in enumerate(
            (time.process_time() - cpu, time.perf_counter() - wall, (len(data) - 44) / 2 / SAMPLE_RATE)
        ):
            spent[at] += value
    totals = [sum(spent[at] for spent in by_task.values()) for at in range(3)]
    return {
        "items": len(answers),
        "audio_s": round(totals[2], 1),
        "rtf_cpu": round(totals[0] / totals[2], 4),
        "rtf_wall": round(totals[1] / totals[2], 4),
        "rtf_cpu_by_task": {task: round(spent[0] / spent[2], 4) for task, spent in by_task.items()},
        "seconds_by_task": {task: round(spent[2], 1) for task, spent in by_task.items()},
        "rss_mb": round(peak_mb()),
    }
