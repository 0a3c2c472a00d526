"""Numbers about pace and pauses, from where somebody spoke."""

import math
from itertools import pairwise

from backend.scoring.evidence import VoiceActivity


def timing_features(voice: VoiceActivity, *, phones: int, words: int) -> dict[str, float]:
    """Seconds and rates per second. Inner silences only: before and after the answer is the clock's business."""
    if not voice.segments:
        return {}
    gaps = [(after[0] - before[1]) / 1000 for before, after in pairwise(voice.segments)]
    runs = [(end - start) / 1000 for start, end in voice.segments]
    span = max((voice.segments[-1][1] - voice.segments[0][0]) / 1000, 0.1)
    speech = max(sum(runs), 0.1)
    long_gaps = [gap for gap in gaps if gap >= 0.35]
    return {
        "span_s": span,
        "speech_s": speech,
        "speech_share": speech / span,
        "leading_s": voice.leading_ms / 1000,
        "words_per_s": words / span,
        "phones_per_s": phones / span,
        "phones_per_speech_s": phones / speech,
        "seconds_per_word_log": math.log(span / max(words, 1)),
        "pauses": float(len(gaps)),
        "pauses_per_word": len(gaps) / max(words, 1),
        "long_pauses": float(len(long_gaps)),
        "pause_s": sum(gaps),
        "pause_longest_s": max(gaps, default=0.0),
        "run_mean_s": speech / len(runs),
        "run_words": words / len(runs),
        "voice_peak": voice.peak_probability,
    }
