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
    """Raters judge; there is no key."""


AnswerKey = ReadAloudKey | RepeatKey | ShortAnswerKey | SentenceBuildKey | RetellingKey | OpenQuestionKey


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
    }
    return builders[task]()
