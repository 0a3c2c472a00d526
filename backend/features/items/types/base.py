"""What every item type says about itself, and how it reads an item's fields."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backend.core.ports import Script
from backend.features.items.model import AnswerKind, ItemBody

Fields = Mapping[str, object]
NO_PAUSE_MS = 0
TURNS_PAUSE_MS = 700


class FieldProblem(ValueError):
    """One field of an item is wrong; `reason` says how to mend it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in its section an item stands: `number` counts from 1; practice items count by themselves."""

    number: int
    practice: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemType:
    """`fields` are those an item of this type has in the bank's files, beside id, version, level, pool and status.

    `read` raises FieldProblem. `script` is what is heard, given what the item has to be heard and its place; None where
    nothing is, which is always so without it.
    """

    task: str
    title: str
    fields: frozenset[str]
    read: Callable[[Fields], ItemBody]
    script: Callable[[tuple[str, ...], Place, int], Script] | None = None
    answer_kind: AnswerKind = AnswerKind.RECORDING

    def script_of(self, heard: tuple[str, ...], place: Place, lead_in_ms: int) -> Script | None:
        """What is heard of an item, None where nothing is."""
        if self.script is None or (not heard and self.answer_kind is not AnswerKind.RECORDING):
            return None
        return self.script(heard, place, lead_in_ms)


def read_text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise FieldProblem(name, "must be a text")
    return " ".join(value.split())


def read_texts(fields: Fields, name: str, *, at_least: int = 1, at_most: int | None = None) -> tuple[str, ...]:
    values = fields.get(name)
    if not isinstance(values, list) or len(values) < at_least:
        raise FieldProblem(name, f"must be a list of at least {at_least}")
    texts = tuple(read_text({name: value}, name) for value in values)
    if len({text.casefold() for text in texts}) != len(texts):
        raise FieldProblem(name, "has something twice")
    if at_most is not None and len(texts) > at_most:
        raise FieldProblem(name, f"must be at most {at_most}")
    return texts


def read_question_with_options(fields: Fields, *, at_least: int, at_most: int) -> tuple[str, tuple[str, ...]]:
    """A question, and the options to choose from."""
    question = read_text(fields, "question")
    check_word_count("question", question, least=2, most=60)
    return question, read_texts(fields, "options", at_least=at_least, at_most=at_most)


def read_numbers(fields: Fields, name: str, *, most: int) -> list[int]:
    """A list of numbers of options, counted from 1 as authors do."""
    values = fields.get(name)
    if not isinstance(values, list) or not all(isinstance(value, int) and 1 <= value <= most for value in values):
        raise FieldProblem(name, f"must be a list of numbers from 1 to {most}")
    return values


def check_word_count(name: str, text: str, *, least: int, most: int) -> None:
    count = len(text.split())
    if not least <= count <= most:
        raise FieldProblem(name, f"must have {least} to {most} words, it has {count}")


def read_whole(fields: Fields, name: str, *, least: int, most: int) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise FieldProblem(name, f"must be a whole number from {least} to {most}")
    return value


def read_one_of(fields: Fields, name: str, allowed: tuple[str, ...]) -> str:
    value = read_text(fields, name)
    if value not in allowed:
        raise FieldProblem(name, f"must be one of {', '.join(allowed)}")
    return value


def read_key_points(fields: Fields, *, least: int, most: int) -> list[dict[str, object]]:
    """What an answer should say; each has its text and other ways to say it."""
    points = fields.get("key_points")
    if not isinstance(points, list) or not least <= len(points) <= most:
        raise FieldProblem("key_points", f"must be a list of {least} to {most}")
    return [_read_point(point) for point in points]


def _read_point(point: object) -> dict[str, object]:
    if not isinstance(point, dict) or set(point) != {"text", "accepted"}:
        raise FieldProblem("key_points", "must each have text and accepted")
    return {"text": read_text(point, "text"), "accepted": list(read_texts(point, "accepted"))}


def read_word_range(fields: Fields) -> tuple[int, int]:
    """How long an answer should be, in words."""
    least = read_whole(fields, "least_words", least=20, most=400)
    most = read_whole(fields, "most_words", least=30, most=600)
    if most <= least:
        raise FieldProblem("most_words", "must be more than least_words")
    return least, most


SKILLS = ("reading", "listening", "grammar", "vocabulary")


def as_heard(heard: tuple[str, ...], place: Place, lead_in_ms: int) -> Script:  # noqa: ARG001 - one shape for all types
    """What is heard, once, wherever the item stands; several phrases are turns of a conversation."""
    return Script(phrases=heard, pause_ms=TURNS_PAUSE_MS if len(heard) > 1 else NO_PAUSE_MS, lead_in_ms=lead_in_ms)
