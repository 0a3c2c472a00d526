"""Answer keys: what the item bank knows about the right answer, one shape a task. Never shown to candidates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAloudKey:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatKey:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortAnswerKey:
    """`accepted`: every word or phrase that is right."""

    accepted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceBuildKey:
    """`phrases`: the three as heard; `accepted`: every full sentence that is grammatical."""

    phrases: tuple[str, ...]
    accepted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPoint:
    """One thing a retelling should say; `accepted` are ways to say it, `text` is one of them."""

    text: str
    accepted: tuple[str, ...] = ()

    @property
    def ways(self) -> tuple[str, ...]:
        return (self.text, *self.accepted)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetellingKey:
    story: str
    key_points: tuple[KeyPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestionKey:
    """Raters judge; there is no key. `question` is what was asked, for hints ("": not known)."""

    question: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionKey:
    """`accepted`: every word that fits the gap of `text`."""

    text: str
    accepted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DictationKey:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageKey:
    passage: str
    key_points: tuple[KeyPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingKey:
    """An e-mail's or essay's prompt, what it should say, its register (formal, neutral, informal) and its length."""

    prompt: str
    key_points: tuple[KeyPoint, ...]
    register: str
    least_words: int
    most_words: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TypingKey:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceKey:
    """`correct`: numbers of the right options, from 0. `skill`: which subscore a choice speaks for."""

    options: tuple[str, ...]
    correct: tuple[int, ...]
    skill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GapsKey:
    """`gaps`: for each gap every word that fits."""

    gaps: tuple[tuple[str, ...], ...]
    skill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKey:
    """`orders`: every order of the parts that is right, in numbers from 0."""

    parts: tuple[str, ...]
    orders: tuple[tuple[int, ...], ...]
    skill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchKey:
    """`correct`: for each of the left the number of its right, from 0."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    correct: tuple[int, ...]
    skill: str


AnswerKey = (
    ReadAloudKey
    | RepeatKey
    | ShortAnswerKey
    | SentenceBuildKey
    | RetellingKey
    | OpenQuestionKey
    | CompletionKey
    | DictationKey
    | PassageKey
    | WritingKey
    | TypingKey
    | ChoiceKey
    | GapsKey
    | OrderKey
    | MatchKey
)


class InvalidKey(ValueError):
    """`field` names what is missing or empty, as the item form shows it."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def _text(data: Mapping[str, Any], field: str) -> str:
    value = data.get(field)
    if not isinstance(value, str) or not value.strip():
        raise InvalidKey(field)
    return value.strip()


def _texts(data: Mapping[str, Any], field: str, *, at_least: int = 1) -> tuple[str, ...]:
    values = data.get(field)
    if isinstance(values, str) or not isinstance(values, list | tuple) or len(values) < at_least:
        raise InvalidKey(field)
    if not all(isinstance(value, str) and value.strip() for value in values):
        raise InvalidKey(field)
    return tuple(value.strip() for value in values)


def _key_points(data: Mapping[str, Any]) -> tuple[KeyPoint, ...]:
    points = data.get("key_points")
    if not isinstance(points, list | tuple) or not points or not all(isinstance(point, Mapping) for point in points):
        raise InvalidKey("key_points")
    return tuple(
        KeyPoint(
            text=_text(point, "text"), accepted=_texts(point, "accepted", at_least=0) if "accepted" in point else ()
        )
        for point in points
    )


def _numbers(data: Mapping[str, Any], field: str) -> tuple[int, ...]:
    values = data.get(field)
    if not isinstance(values, list | tuple) or not values or not all(isinstance(value, int) for value in values):
        raise InvalidKey(field)
    return tuple(values)


def _orders(data: Mapping[str, Any]) -> tuple[tuple[int, ...], ...]:
    orders = data.get("orders")
    if not isinstance(orders, list | tuple) or not orders:
        raise InvalidKey("orders")
    return tuple(_numbers({"orders": order}, "orders") for order in orders)


def _gaps(data: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    gaps = data.get("gaps")
    if not isinstance(gaps, list | tuple) or not gaps or not all(isinstance(gap, Mapping) for gap in gaps):
        raise InvalidKey("gaps")
    return tuple(_texts(gap, "accepted") for gap in gaps)


def _choice(data: Mapping[str, Any]) -> ChoiceKey:
    return ChoiceKey(
        options=_texts(data, "options", at_least=2), correct=_numbers(data, "correct"), skill=_text(data, "skill")
    )


def _writing(data: Mapping[str, Any]) -> WritingKey:
    least, most = _numbers({"words": [data.get("least_words"), data.get("most_words")]}, "words")
    return WritingKey(
        prompt=_text(data, "prompt"),
        key_points=_key_points(data),
        register=_text(data, "register"),
        least_words=least,
        most_words=most,
    )


def key_from_dict(task: str, data: Mapping[str, Any]) -> AnswerKey:
    """The typed key of an item. Raises InvalidKey with the field that is wrong, or KeyError for an unknown task."""
    builders: dict[str, Callable[[], AnswerKey]] = {
        "read_aloud": lambda: ReadAloudKey(text=_text(data, "text")),
        "repeat": lambda: RepeatKey(text=_text(data, "text")),
        "short_answer": lambda: ShortAnswerKey(accepted=_texts(data, "accepted")),
        "sentence_build": lambda: SentenceBuildKey(
            phrases=_texts(data, "phrases", at_least=2), accepted=_texts(data, "accepted")
        ),
        "retelling": lambda: RetellingKey(story=_text(data, "story"), key_points=_key_points(data)),
        "open_question": OpenQuestionKey,
        "conversation": lambda: ShortAnswerKey(accepted=_texts(data, "accepted")),
        "sentence_completion": lambda: CompletionKey(text=_text(data, "text"), accepted=_texts(data, "accepted")),
        "dictation": lambda: DictationKey(text=_text(data, "text")),
        "passage_reconstruction": lambda: PassageKey(passage=_text(data, "passage"), key_points=_key_points(data)),
        "email": lambda: _writing(data),
        "essay": lambda: _writing(data),
        "typing": lambda: TypingKey(text=_text(data, "text")),
        "multiple_choice": lambda: _choice(data),
        "multiple_response": lambda: _choice(data),
        "gap_fill": lambda: GapsKey(gaps=_gaps(data), skill=_text(data, "skill")),
        "ordering": lambda: OrderKey(parts=_texts(data, "parts"), orders=_orders(data), skill=_text(data, "skill")),
        "matching": lambda: MatchKey(
            left=_texts(data, "left"),
            right=_texts(data, "right"),
            correct=_numbers(data, "correct"),
            skill=_text(data, "skill"),
        ),
    }
    return builders[task]()
