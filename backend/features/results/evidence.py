"""What each answer's score rests on, for campus admins: what was expected and heard, points, faulty sound. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.features.attempts.paper import Paper
from backend.features.attempts.responses import Response
from backend.features.results.model import ItemOutcome, Result

# Problems of a recording and reasons of a verdict in plain words.
PLAIN = {
    "microphone_silent": "The microphone delivered no sound",
    "silent": "Nobody speaks",
    "noise_only": "Noise, no voice",
    "too_quiet": "Too quiet",
    "noisy": "Noisy",
    "clipped": "Too loud, distorted",
    "truncated": "Breaks off",
    "too_short": "Too short",
    "no_speech": "No speech was found",
    "nothing_recognised": "Speech in which no word was recognised",
    "not_aligned": "The words could not be matched to the sound",
    "other_text": "Something else was said",
    "word_salad": "Right words, no sentences",
    "low_confidence": "Too uncertain to count",
    "no_recording": "No recording arrived",
    "not_reached": "Not reached in time",
    "as_heard": "Said as heard, not rearranged",
}


def plain(code: str) -> str:
    return PLAIN.get(code, code.replace("_", " ").capitalize())


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One step of the comparison: `operation` is match, near, substitution, deletion, insertion, restart or filler."""

    operation: str
    expected: str
    heard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPoint:
    text: str
    is_covered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemEvidence:
    """One item of a result. `heard` is None where nothing was recognised; points are 0..100 by trait."""

    position: int
    section_letter: str
    number: int
    task: str
    outcome: ItemOutcome
    expected: str
    heard: str
    words: tuple[Word, ...]
    key_points: tuple[KeyPoint, ...]
    points: Mapping[str, int]
    problems: tuple[str, ...]
    recordings: int


def list_evidence(result: Result, paper: Paper, responses: Sequence[Response]) -> list[ItemEvidence]:
    """Every item of the result in the form's order, with what its response's explanation holds."""
    by_position = {response.position: response for response in responses}
    return [_evidence(item, paper, by_position.get(item.position)) for item in result.items]


def _evidence(outcome: ItemOutcome, paper: Paper, response: Response | None) -> ItemEvidence:
    item = paper.get_item(outcome.position)
    explanation = _mapping(response.score.get("explanation") if response and response.score else None)
    problems = [str(each) for each in _rows(explanation.get("quality_problems"))]
    reasons = [outcome.reason] if outcome.reason and outcome.reason not in problems else []
    return ItemEvidence(
        position=outcome.position,
        section_letter=item.section_letter,
        number=item.number,
        task=outcome.task,
        outcome=outcome,
        expected=_expected(explanation, item.text),
        heard=" ".join(str(_mapping(each).get("text", "")) for each in _rows(explanation.get("transcript"))),
        words=tuple(_word(_mapping(each)) for each in _rows(explanation.get("alignment"))),
        key_points=tuple(_key_point(_mapping(each)) for each in _rows(explanation.get("key_points"))),
        points={trait: round(100 * each.value) for trait, each in outcome.points.items()},
        problems=tuple(plain(code) for code in [*reasons, *problems]),
        recordings=len(response.spoken_segments()) if response else 0,
    )


def _expected(explanation: Mapping[str, object], text: str | None) -> str:
    if explanation.get("expected"):
        return str(explanation["expected"])
    accepted = [str(each) for each in _rows(explanation.get("accepted"))]
    return " / ".join(accepted) if accepted else text or ""


def _word(row: Mapping[str, object]) -> Word:
    return Word(
        operation=str(row.get("operation", "")),
        expected=str(row.get("expected") or ""),
        heard=str(row.get("heard") or ""),
    )


def _key_point(row: Mapping[str, object]) -> KeyPoint:
    return KeyPoint(text=str(row.get("text", "")), is_covered=bool(row.get("covered")))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _rows(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()
