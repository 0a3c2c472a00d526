"""From the recordings of one answer to its evidence: decode, voice gate, recognise, align, measure, predict aspects."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from backend.adapters.speech.calibrations import load_calibration
from backend.adapters.speech.decode import decode
from backend.adapters.speech.pitch import pitch_features
from backend.adapters.speech.playback import is_played_back
from backend.adapters.speech.speakers import has_two_voices
from backend.adapters.speech.voice import (
    audible,
    find_pauses,
    find_voice,
    is_whispered,
    judge_quality,
    with_problem,
)
from backend.core.errors import PermanentFailure
from backend.scoring.calibration import Calibration
from backend.scoring.evidence import (
    SAMPLE_RATE,
    Aspects,
    Assessment,
    Evidence,
    HeardWord,
    Hints,
    Meaning,
    Offer,
    Pcm,
    Phone,
    SpeechEngine,
    SpokenWord,
    Transcript,
    VoiceActivity,
)
from backend.scoring.keys import AnswerKey, ReadAloudKey, RetellingKey, ShortAnswerKey
from backend.scoring.reference import is_said, match_features, spoken_reference
from backend.scoring.timing import timing_features
from backend.scoring.words import WordRow, judge_words, word_rows

_MARGIN_MS, _LONGEST_STRETCH_MS = 200, 20_000
_MOST_OFFERS = 8
_PROMPTS_KEPT = 32  # of a process: about 10 MB
PIPELINE_VERSION = "4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A piece of the sound that is recognised at once."""

    start_ms: int
    pcm: Pcm


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """The decoded answer. `segments`: of how many recordings."""

    pcm: Pcm
    truncated: bool
    segments: int


def join(recordings: Sequence[bytes]) -> Sound:
    """The segments of one answer, one after the other. A broken segment among good ones is left out and flagged.

    PermanentFailure of the first segment when none can be decoded.
    """
    pieces: list[Pcm] = []
    truncated = False
    failure: PermanentFailure | None = None
    for data in recordings:
        try:
            decoded = decode(data)
        except PermanentFailure as refused:
            failure = failure or refused
            continue
        pieces.append(decoded.pcm)
        truncated = truncated or decoded.truncated
    if not pieces:
        raise failure or PermanentFailure("empty")
    return Sound(pcm=np.concatenate(pieces), truncated=truncated or failure is not None, segments=len(pieces))


def cut(pcm: Pcm, voice: VoiceActivity) -> list[Stretch]:
    """The voiced part, cut at pauses into stretches short enough for the recogniser."""
    groups: list[list[int]] = []
    for start, end in voice.segments:
        while end - start > _LONGEST_STRETCH_MS:
            groups.append([start, start + _LONGEST_STRETCH_MS])
            start += _LONGEST_STRETCH_MS
        if groups and end - groups[-1][0] <= _LONGEST_STRETCH_MS:
            groups[-1][1] = end
        else:
            groups.append([start, end])
    stretches = []
    for number, (start, end) in enumerate(groups):
        low = max(start - _MARGIN_MS, groups[number - 1][1] if number else 0, 0)
        high = end + _MARGIN_MS
        stretches.append(Stretch(start_ms=low, pcm=np.ascontiguousarray(pcm[low * 16 : high * 16])))
    return stretches


def _later(word: HeardWord, by_ms: int) -> HeardWord:
    return replace(word, start_ms=word.start_ms + by_ms, end_ms=word.end_ms + by_ms)


def _mean_features(parts: Iterable[tuple[float, Mapping[str, float]]]) -> dict[str, float]:
    """Features of stretches, averaged by weight; counts and spans add up."""
    totals: dict[str, float] = {}
    weights: dict[str, float] = {}
    for weight, features in parts:
        for name, value in features.items():
            share = 1.0 if name in _ADDED else weight
            totals[name] = totals.get(name, 0.0) + value * share
            weights[name] = 1.0 if name in _ADDED else weights.get(name, 0.0) + weight
    return {name: total / weights[name] for name, total in totals.items()}


_ADDED = frozenset({"asr_words", "phone_count", "phone_span_s"})


def mean_states(transcripts: Sequence[Transcript]) -> npt.NDArray[np.float32] | None:
    """The states of an answer's stretches, averaged by their words. None where the engine gives none."""
    known = [(float(max(len(each.words), 1)), each.states) for each in transcripts if each.states is not None]
    if not known:
        return None
    weights = np.array([weight for weight, _ in known])
    return np.asarray(np.average(np.stack([states for _, states in known]), axis=0, weights=weights), dtype=np.float32)


def _transcribe(
    stretches: Sequence[Stretch], task: str, engine: SpeechEngine
) -> tuple[list[Transcript], list[HeardWord]]:
    transcripts = [engine.transcribe(stretch.pcm, Hints(task=task)) for stretch in stretches]
    words = [
        _later(word, stretch.start_ms)
        for stretch, transcript in zip(stretches, transcripts, strict=True)
        for word in transcript.words
    ]
    return transcripts, words


def _plausibility(transcripts: Sequence[Transcript]) -> float | None:
    known = [(len(each.words), each.plausibility) for each in transcripts if each.plausibility is not None]
    total = sum(count for count, _ in known)
    return sum(count * value for count, value in known) / total if total else None


def _assess(
    stretches: Sequence[Stretch], transcripts: Sequence[Transcript], reference: str, engine: SpeechEngine
) -> list[tuple[Stretch, Assessment]]:
    """One stretch is aligned to the reference; of several, each to what was recognised in it."""
    texts = [reference] if len(stretches) == 1 else [" ".join(word.text for word in each.words) for each in transcripts]
    return [(stretch, engine.assess(stretch.pcm, text)) for stretch, text in zip(stretches, texts, strict=True) if text]


def spoken_rows(
    transcripts: Sequence[Transcript], assessments: Sequence[Assessment], reference: str
) -> list[list[WordRow]]:
    """What the calibration reads of each word, for each stretch that was aligned. Empty where the engine says nothing
    of single words."""
    spoken = transcripts if len(transcripts) == 1 else [each for each in transcripts if each.words]
    if not all(each.word_features for each in assessments):
        return []
    texts = [reference.split()] if len(transcripts) == 1 else [[word.text for word in each.words] for each in spoken]
    return [
        word_rows(text, assessment.word_features, transcript.words)
        for text, assessment, transcript in zip(texts, assessments, spoken, strict=False)
    ]


def _as_trained(reference: str, key: AnswerKey) -> str:
    """A text to read in capitals, as the calibration's corpus prints it: the recogniser's opinion of a text depends on
    its letters' case, so the same sentence in small letters would be judged by another measure."""
    return reference.upper() if isinstance(key, ReadAloudKey) else reference


def _shift(assessed: Sequence[tuple[Stretch, Assessment]]) -> tuple[tuple[SpokenWord, ...], tuple[Phone, ...]]:
    words: list[SpokenWord] = []
    phones: list[Phone] = []
    for stretch, assessment in assessed:
        by, first = stretch.start_ms, len(words)
        phones += [
            replace(p, start_ms=p.start_ms + by, end_ms=p.end_ms + by, word_index=p.word_index + first)
            for p in assessment.phones
        ]
        words += [replace(w, start_ms=w.start_ms + by, end_ms=w.end_ms + by) for w in assessment.words]
    return tuple(words), tuple(phones)


def _meaning(answer: str, key: AnswerKey, engine: SpeechEngine) -> Meaning | None:
    if not isinstance(key, RetellingKey) or not answer:
        return None
    ways = [way for point in key.key_points for way in point.ways]
    nearness = list(engine.compare(answer, [key.story, *ways]))
    points = []
    at = 1
    for point in key.key_points:
        points.append(max(nearness[at : at + len(point.ways)]))
        at += len(point.ways)
    return Meaning(story=nearness[0], key_points=tuple(points))


def gather_evidence(
    recordings: Sequence[bytes], task: str, key: AnswerKey, engine: SpeechEngine, *, prompt: bytes | None = None
) -> Evidence:
    """All that the recordings of one answer show, by the calibration that ships. `recordings` are its segments in
    order, `prompt` the sound that the item began with, if any: an answer that holds it is no answer.

    PermanentFailure: nothing could be decoded (`empty`, `not_audio`, `too_long`, `decode_failed`) or a model is
    missing or
    altered; TemporaryFailure: worth another try. Silence is not a failure: the evidence says so.
    """
    return evidence_of_sound(join(recordings), task, key, engine, load_calibration(), prompt=prompt)


def evidence_of_sound(
    sound: Sound,
    task: str,
    key: AnswerKey,
    engine: SpeechEngine,
    calibration: Calibration,
    *,
    prompt: bytes | None = None,
) -> Evidence:
    """`gather_evidence` after decoding. What fails here is the engine's failure."""
    return evidence_of_pcm(
        sound.pcm,
        task,
        key,
        engine,
        calibration,
        truncated=sound.truncated,
        segments=sound.segments,
        prompt=_prompt_sound(prompt) if prompt else None,
    )


@lru_cache(maxsize=_PROMPTS_KEPT)
def _prompt_sound(prompt: bytes) -> Pcm | None:
    """A prompt's samples; None where it cannot be decoded, which is not the candidate's fault."""
    try:
        return decode(prompt).pcm
    except PermanentFailure:
        return None


def evidence_of_pcm(
    pcm: Pcm,
    task: str,
    key: AnswerKey,
    engine: SpeechEngine,
    calibration: Calibration | None,
    *,
    truncated: bool = False,
    segments: int = 1,
    prompt: Pcm | None = None,
) -> Evidence:
    """`gather_evidence` after decoding. Without a calibration (to train one) no aspects are predicted."""
    loud_enough = audible(pcm)
    voice, versions = find_voice(loud_enough), engine.versions()
    bare = Evidence(
        task=task,
        duration_ms=len(pcm) * 1000 // SAMPLE_RATE,
        quality=judge_quality(pcm, voice, truncated=truncated),
        voice=voice,
        segments=segments,
        engine=engine.name,
        engine_version=versions[engine.name],
        versions={
            "pipeline": PIPELINE_VERSION,
            **({"calibration": calibration.name} if calibration else {}),
            **versions,
        },
    )
    if not voice.has_speech:
        return bare
    if prompt is not None and is_played_back(pcm, prompt):
        bare = replace(bare, quality=with_problem(bare.quality, "prompt_played_back"))
    if has_two_voices(loud_enough, voice):
        bare = replace(bare, quality=with_problem(bare.quality, "two_voices"))
    return _listen(bare, loud_enough, key, engine, calibration)


def _listen(
    bare: Evidence, pcm: Pcm, key: AnswerKey, engine: SpeechEngine, calibration: Calibration | None
) -> Evidence:
    stretches = cut(pcm, bare.voice)
    transcripts, words = _transcribe(stretches, bare.task, engine)
    heard = [word.text for word in words]
    reference = spoken_reference(key, heard)
    # A short answer is right or wrong: nobody scores its pronunciation, so it is not aligned.
    assessed = (
        [] if isinstance(key, ShortAnswerKey) else _assess(stretches, transcripts, _as_trained(reference, key), engine)
    )
    rows = spoken_rows(transcripts, [each for _, each in assessed], reference)
    spoken_words, phones = _shift(assessed)
    features = _mean_features((float(max(len(each.words), 1)), each.features) for each in transcripts)
    features |= _mean_features((float(max(len(each.phones), 1)), each.features) for _, each in assessed)
    timing = timing_features(bare.voice, phones=len(phones), words=len(heard))
    pitch = pitch_features(pcm[bare.voice.segments[0][0] * 16 : bare.voice.segments[-1][1] * 16])
    features = timing | pitch | features | match_features(reference, heard)
    features |= {
        "snr_db": bare.quality.snr_db,
        "speech_dbfs": bare.quality.speech_dbfs,
        "seconds": bare.duration_ms / 1000,
    }
    states = mean_states(transcripts)
    if isinstance(key, ReadAloudKey) and len(stretches) == 1 and rows and calibration and calibration.words:
        shown = [replace(word, text=text) for word, text in zip(spoken_words, reference.split(), strict=True)]
        judged = calibration.judge(rows[0], features, states)
        spoken_words = judge_words(shown, judged, calibration.words.flag_below)
    quality = bare.quality
    if is_whispered(bare.voice, pitch) and "noisy" not in quality.problems:  # noise hides a voice's pitch
        quality = with_problem(quality, "whispered")
    return replace(
        bare,
        quality=quality,
        words=tuple(words),
        spoken_words=spoken_words,
        phones=phones,
        pauses=find_pauses(bare.voice),
        offers=_offers(stretches, transcripts, key, engine),
        timing=timing,
        pitch=pitch,
        features=features,
        aspects=_own_aspects(assessed) or _predict(features, states, rows, key, calibration),
        meaning=_meaning(" ".join(heard), key, engine),
        plausibility=_plausibility(transcripts),
    )


def _offers(
    stretches: Sequence[Stretch], transcripts: Sequence[Transcript], key: AnswerKey, engine: SpeechEngine
) -> tuple[Offer, ...]:
    """How the accepted short answers fit the sound, where none was recognised: one word alone is easily misheard."""
    if not isinstance(key, ShortAnswerKey) or len(stretches) != 1:
        return ()
    transcript = transcripts[0]
    if "asr_token_log" not in transcript.features:
        return ()  # this engine does not say how a text would have fitted the sound
    if is_said(key.accepted, [word.text for word in transcript.words]):
        return ()
    offers = []
    for text in key.accepted[:_MOST_OFFERS]:
        features = engine.assess(stretches[0].pcm, text).features
        if features.get("phones_aligned"):
            gap = features["forced_log"] - transcript.features["asr_token_log"]
            margin, loss = features["phone_margin"], features["path_loss"]
            offers.append(Offer(text=text, forced_gap=gap, margin=margin, path_loss=loss))
    return tuple(offers)


def _own_aspects(assessed: Sequence[tuple[Stretch, Assessment]]) -> Aspects | None:
    """What an engine that judges by itself says, over the stretches by their words; None where it does not."""
    known = [(each.aspects, float(len(each.words))) for _, each in assessed if each.aspects is not None and each.words]
    if not known:
        return None
    total = sum(weight for _, weight in known)
    means = {
        name: sum(getattr(aspects, name) * weight for aspects, weight in known) / total
        for name in ("accuracy", "fluency", "prosodic", "total", "confidence")
    }
    return Aspects(**means, calibration=known[0][0].calibration)


def _predict(
    features: Mapping[str, float],
    states: npt.NDArray[np.float32] | None,
    words: Sequence[Sequence[WordRow]],
    key: AnswerKey,
    calibration: Calibration | None,
) -> Aspects | None:
    """Read speech has its own model, because what should have been said is known to the word."""
    if calibration is None or not features.get("phones_aligned"):
        return None
    mode = "read" if isinstance(key, ReadAloudKey) else "open"
    return calibration.predict(features, mode=mode, states=states, words=words)
