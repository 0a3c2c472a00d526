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
    "whispered": "Whispered, without a voice",
    "prompt_played_back": "The prompt itself, played back",
    "two_voices": "A second voice speaks",
    "two_takes": "Two recordings of the same part",
    "long_silence": "A long silence, and nothing that would count",
    "too_short": "Too short",
    "no_speech": "No speech was found",
    "nothing_recognised": "Speech in which no word was recognised",
    "not_aligned": "The words could not be matched to the sound",
    "other_text": "Something else was said",
    "word_salad": "Right words, no sentences",
    "phrases_not_built": "The phrases as they were heard, not put in order",
    "low_confidence": "Too uncertain to count",
    "no_recording": "No recording arrived",
    "no_answer": "No answer arrived",
    "not_reached": "Not reached in time",
    "empty": "Nothing was typed or chosen",
    "copied": "Copied from the task",
    "repeated": "The same words again and again",
    "other_language": "Not English",
    "off_topic": "About something else",
    "too_few_words": "Too short to judge",
    "too_many_words": "More than one word",
    "not_accepted": "Not one of the right answers",
    "as_heard": "Said as heard, not rearranged",
}


def plain(code: str) -> str:
    return PLAIN.get(code, code.replace("_", " ").capitalize())


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One step of the comparison: `operation` is match, near, substitution, deletion, insertion, restart or filler, or
    heard where nothing was compared. Times in ms of the recording; `confidence` 0..1 is the recogniser's. None:
    unknown, or nothing was heard."""

    operation: str
    expected: str
    heard: str
    start_ms: int | None = None
    end_ms: int | None = None
    confidence: float | None = None

    @property
    def sureness(self) -> str:
        """How sure the recogniser is of the word: sure, fair, unsure, or none where it does not say."""
        if self.confidence is None:
            return "none"
        return "sure" if self.confidence >= 0.8 else "fair" if self.confidence >= 0.5 else "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPoint:
    text: str
    is_covered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemEvidence:
    """One item of a result. `heard` is what was recognised, typed or chosen; points are 0..100 by trait."""

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
    held = mapping(response.score.get("explanation") if response and response.score else None)
    return ItemEvidence(
        position=outcome.position,
        section_letter=item.section_letter,
        number=item.number,
        task=outcome.task,
        outcome=outcome,
        expected=expected_of(held, item.text if item.is_spoken else None),
        heard=" ".join(str(mapping(each).get("text", "")) for each in rows(held.get("transcript")))
        or answered_of(held),
        words=words_of(rows(held.get("alignment"))),
        key_points=key_points_of(held),
        points={trait: round(100 * each.value) for trait, each in outcome.points.items()},
        problems=problems_of(outcome, held),
        recordings=len(response.spoken_segments()) if response else 0,
    )


# -- reading what a scorer wrote ---------------------------------------------------------------------------------------


def problems_of(outcome: ItemOutcome, held: Mapping[str, object]) -> tuple[str, ...]:
    """What was unusual about the verdict or the recording, in plain words."""
    problems = [str(each) for each in rows(held.get("quality_problems"))]
    reasons = [outcome.reason] if outcome.reason and outcome.reason not in problems else []
    return tuple(plain(code) for code in [*reasons, *problems])


def expected_of(held: Mapping[str, object], text: str | None) -> str:
    """What would have been right: the text, the accepted answers, or what was printed."""
    if held.get("expected"):
        return str(held["expected"])
    accepted = [str(each) for each in rows(held.get("accepted"))]
    return " / ".join(accepted) if accepted else text or ""


def answered_of(held: Mapping[str, object]) -> str:
    """What was typed, or the options that were chosen in their own words."""
    return str(held.get("chosen") or held.get("typed") or "")


def words_of(alignment: Sequence[object]) -> tuple[Word, ...]:
    return tuple(_word(mapping(each)) for each in alignment)


def _word(row: Mapping[str, object]) -> Word:
    start, end, confidence = row.get("start_ms"), row.get("end_ms"), row.get("confidence")
    return Word(
        operation=str(row.get("operation", "")),
        expected=str(row.get("expected") or ""),
        heard=str(row.get("heard") or ""),
        start_ms=int(start) if isinstance(start, int | float) else None,
        end_ms=int(end) if isinstance(end, int | float) else None,
        confidence=float(confidence) if isinstance(confidence, int | float) else None,
    )


def key_points_of(held: Mapping[str, object]) -> tuple[KeyPoint, ...]:
    points = [mapping(each) for each in rows(held.get("key_points"))]
    return tuple(KeyPoint(text=str(each.get("text", "")), is_covered=bool(each.get("covered"))) for each in points)


def mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def rows(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()
