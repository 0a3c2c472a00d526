"""What every item type says about itself, and how it reads an item's fields."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backend.core.ports import Script
from backend.features.items.model import ItemBody

Fields = Mapping[str, object]
NO_PAUSE_MS = 0


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

    `read` raises FieldProblem. `script` is what is heard, given what the item has to be heard and its place.
    """

    task: str
    title: str
    fields: frozenset[str]
    read: Callable[[Fields], ItemBody]
    script: Callable[[tuple[str, ...], Place, int], Script]


def read_text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise FieldProblem(name, "must be a text")
    return " ".join(value.split())


def read_texts(fields: Fields, name: str, *, at_least: int = 1) -> tuple[str, ...]:
    values = fields.get(name)
    if not isinstance(values, list) or len(values) < at_least:
        raise FieldProblem(name, f"must be a list of at least {at_least}")
    texts = tuple(read_text({name: value}, name) for value in values)
    if len({text.casefold() for text in texts}) != len(texts):
        raise FieldProblem(name, "has something twice")
    return texts


def check_word_count(name: str, text: str, *, least: int, most: int) -> None:
    count = len(text.split())
    if not least <= count <= most:
        raise FieldProblem(name, f"must have {least} to {most} words, it has {count}")


def as_heard(heard: tuple[str, ...], place: Place, lead_in_ms: int) -> Script:  # noqa: ARG001 - one shape for all types
    """What is heard, once, wherever the item stands."""
    return Script(phrases=heard, pause_ms=NO_PAUSE_MS, lead_in_ms=lead_in_ms)
