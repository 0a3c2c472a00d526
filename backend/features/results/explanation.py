"""How one answer was heard and judged, word by word, for staff and, shorter, for its student. Pure.

A student's form holds nothing that another candidate could use: what was expected is shown only where the screen had
printed it (read aloud).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.features.attempts.paper import PaperItem
from backend.features.attempts.responses import Earlier, Response
from backend.features.results.evidence import (
    KeyPoint,
    Word,
    answered_of,
    expected_of,
    key_points_of,
    mapping,
    problems_of,
    rows,
    words_of,
)
from backend.features.results.model import ItemOutcome

# A pause shorter than this belongs to speaking; the timeline shows it and no text names it.
TOLD_PAUSE_MS = 400
# Shares 0..1 that an explanation's `content` may hold, in plain words; others are not shown.
_CONTENT = {
    "words_agree": "Words that agree with the text",
    "letters_agree": "Letters that agree with the text",
    "sounds_agree": "Sounds that agree with the text",
    "credit": "So far does the delivery count, by its content",
}
_ASPECTS = {"accuracy": "Accuracy of sounds", "fluency": "Fluency", "prosodic": "Rhythm and melody"}
# Sounds as a reader who knows no phonetic letters can say them.
_LIKE = {
    "i": "ee in see", "ɪ": "i in sit", "e": "e in bed", "ɛ": "e in bed", "æ": "a in cat", "ɑ": "a in father",
    "ɒ": "o in hot", "ɔ": "aw in saw", "ʊ": "u in put", "u": "oo in too", "ʌ": "u in cup", "ə": "a in about",
    "ɐ": "u in cup", "ɝ": "ur in turn", "ɚ": "er in better", "eɪ": "ay in say", "aɪ": "i in my", "ɔɪ": "oy in boy",
    "aʊ": "ow in now", "oʊ": "o in go", "θ": "th in think", "ð": "th in this", "ʃ": "sh in she", "ʒ": "s in measure",
    "tʃ": "ch in chair", "dʒ": "j in jam", "ŋ": "ng in sing", "ɹ": "r in red", "r": "r in red", "j": "y in yes",
    "ɡ": "g in go", "ɾ": "tt in better", "ʔ": "a catch in the throat", "x": "ch in loch",
}  # fmt: skip


class Audience(StrEnum):
    STAFF = "staff"
    STUDENT = "student"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    start_ms: int
    end_ms: int

    @property
    def seconds(self) -> float:
        return round((self.end_ms - self.start_ms) / 1000, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidWord:
    """A printed word as it was read: `quality` 0..1 is what experts would say of it; `is_weak`: they would mark it."""

    text: str
    span: Span
    quality: float
    is_weak: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakSound:
    """A sound that fitted badly: a hint, never a verdict. `like` and `heard_like` name the sounds by example."""

    word: str
    expected: str
    heard: str
    like: str
    heard_like: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Where somebody spoke, in ms from the start of the recording; `pauses` lie between stretches of speech."""

    duration_ms: int
    speech: tuple[Span, ...]
    pauses: tuple[Span, ...]

    @property
    def told_pauses(self) -> tuple[Span, ...]:
        return tuple(each for each in self.pauses if each.end_ms - each.start_ms >= TOLD_PAUSE_MS)

    @property
    def spoken_s(self) -> float:
        return round(sum(each.end_ms - each.start_ms for each in self.speech) / 1000, 1)

    @property
    def silent_before_s(self) -> float | None:
        return round(self.speech[0].start_ms / 1000, 1) if self.speech else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A share 0..100 in plain words."""

    name: str
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A piece of what was typed; `advice` says what the checker would mend in it, "" where nothing."""

    text: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """What counted before: `typed` is "" of a spoken answer, or where only the score was taken again; `points` as
    below, none where it had no score; `engine` heard it, "" where none did."""

    replaced_at: datetime
    answered_at: datetime | None
    typed: str
    points: Mapping[str, int]
    engine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`words` compare what was expected with what was heard (for students only where it had been printed); `said` are
    the printed words with their quality; `typed` is a typed or chosen answer; `replaced` is what counted before, for
    staff, the latest first. Points are 0..100 by trait."""

    position: int
    section_letter: str
    number: int
    task: str
    outcome: ItemOutcome
    is_compared: bool
    expected: str
    words: tuple[Word, ...]
    said: tuple[SaidWord, ...]
    typed: tuple[Typed, ...]
    weak_sounds: tuple[WeakSound, ...]
    key_points: tuple[KeyPoint, ...]
    timeline: Timeline | None
    fillers: int
    problems: tuple[str, ...]
    points: Mapping[str, int]
    measures: tuple[Measure, ...]
    aspects: tuple[Measure, ...]
    recordings: int
    versions: tuple[str, ...]
    replaced: tuple[Replaced, ...]


def explain_answer(outcome: ItemOutcome, item: PaperItem, response: Response | None, audience: Audience) -> Explanation:
    """What the stored score of one answer rests on. Parts that its scorer did not write are empty."""
    held = mapping(response.score.get("explanation") if response and response.score else None)
    is_staff = audience is Audience.STAFF
    may_compare = is_staff or outcome.task == "read_aloud"
    compared = words_of(rows(held.get("alignment"))) if may_compare else ()
    return Explanation(
        position=outcome.position,
        section_letter=item.section_letter,
        number=item.number,
        task=outcome.task,
        outcome=outcome,
        is_compared=bool(compared),
        expected=expected_of(held, item.text if item.is_spoken else None) if may_compare else "",
        words=compared or heard_words(held),
        said=tuple(_said(mapping(each)) for each in rows(held.get("words_said"))) if may_compare else (),
        typed=typed_pieces(held),
        weak_sounds=_weak_sounds(held) if may_compare else (),
        key_points=key_points_of(held) if is_staff else (),
        timeline=timeline_of(held),
        fillers=int(_number(held.get("fillers"))),
        problems=problems_of(outcome, held),
        points={trait: round(100 * each.value) for trait, each in outcome.points.items()},
        measures=_measures(mapping(held.get("content")), _CONTENT) if is_staff else (),
        aspects=_measures(mapping(held.get("aspects")), _ASPECTS),
        recordings=len(response.spoken_segments()) if response else 0,
        versions=tuple(each for each in (outcome.scorer_version, outcome.engine, outcome.calibration) if each)
        if is_staff
        else (),
        replaced=tuple(_replaced(each) for each in reversed(response.earlier)) if response and is_staff else (),
    )


def _replaced(each: Earlier) -> Replaced:
    score = mapping(each.score)
    held = mapping(score.get("explanation"))
    engine = mapping(held.get("engine"))
    return Replaced(
        replaced_at=each.replaced_at,
        answered_at=each.answered_at,
        typed="" if each.answer is None else answered_of(held) or each.answer.as_line,
        points={
            trait: round(100 * _number(mapping(points).get("value")))
            for trait, points in mapping(score.get("points")).items()
        },
        engine=" ".join(str(engine[name]) for name in ("name", "version") if engine.get(name)),
    )


def heard_words(held: Mapping[str, object]) -> tuple[Word, ...]:
    """What was recognised, compared with nothing."""
    return tuple(_heard(mapping(each)) for each in rows(held.get("transcript")))


def _heard(row: Mapping[str, object]) -> Word:
    return Word(
        operation="heard",
        expected="",
        heard=str(row.get("text", "")),
        start_ms=int(_number(row.get("start_ms"))),
        end_ms=int(_number(row.get("end_ms"))),
        confidence=_number(row.get("confidence")),
    )


def _said(row: Mapping[str, object]) -> SaidWord:
    return SaidWord(
        text=str(row.get("text", "")),
        span=_span(row),
        quality=_number(row.get("quality")),
        is_weak=bool(row.get("doubtful")),
    )


def _weak_sounds(held: Mapping[str, object]) -> tuple[WeakSound, ...]:
    """In the order of speaking, each with the stretch of its word: a sound alone is too short to hear."""
    words = [_said(mapping(each)) for each in rows(held.get("words_said"))]
    spans = [each.span for each in words] or [_span(mapping(each)) for each in rows(held.get("transcript"))]
    found = [_weak_sound(mapping(each), spans) for each in rows(held.get("weak_sounds"))]
    return tuple(sorted(found, key=lambda each: each.span.start_ms))


def _weak_sound(row: Mapping[str, object], spans: Sequence[Span]) -> WeakSound:
    at = int(_number(row.get("start_ms")))
    around = next((span for span in spans if span.start_ms <= at < span.end_ms), None)
    expected, heard = str(row.get("expected", "")), str(row.get("heard", ""))
    return WeakSound(
        word=str(row.get("word", "")),
        expected=expected,
        heard=heard,
        like=_LIKE.get(expected, ""),
        heard_like=_LIKE.get(heard, ""),
        span=around or Span(start_ms=max(0, at - 200), end_ms=at + 300),
    )


def typed_pieces(held: Mapping[str, object]) -> tuple[Typed, ...]:
    """What was typed, cut at the checker's remarks; where two overlap, the first one stands."""
    text, at, pieces = answered_of(held), 0, []
    for flaw in sorted(
        (mapping(each) for each in rows(held.get("flaws"))), key=lambda each: _number(each.get("start"))
    ):
        start, end = int(_number(flaw.get("start"))), int(_number(flaw.get("end")))
        if at <= start < end <= len(text):
            pieces += [Typed(text=text[at:start], advice=""), Typed(text=text[start:end], advice=str(flaw["advice"]))]
            at = end
    pieces.append(Typed(text=text[at:], advice=""))
    return tuple(piece for piece in pieces if piece.text)


def timeline_of(held: Mapping[str, object]) -> Timeline | None:
    """Speech and pauses as a scorer wrote them; None where it wrote none."""
    duration = int(_number(held.get("duration_ms")))
    if not duration:
        return None
    return Timeline(
        duration_ms=duration,
        speech=tuple(_span(mapping(each)) for each in rows(held.get("speech"))),
        pauses=tuple(_span(mapping(each)) for each in rows(held.get("pauses"))),
    )


def _measures(held: Mapping[str, object], names: Mapping[str, str]) -> tuple[Measure, ...]:
    return tuple(
        Measure(name=name, percent=round(100 * _number(held[code]))) for code, name in names.items() if code in held
    )


def _span(row: Mapping[str, object]) -> Span:
    return Span(start_ms=int(_number(row.get("start_ms"))), end_ms=int(_number(row.get("end_ms"))))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
