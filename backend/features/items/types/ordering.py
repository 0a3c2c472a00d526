"""Ordering: parts of a text or a process, put into their order."""

from backend.features.items.model import AnswerKind, ItemBody
from backend.features.items.types.base import (
    SKILLS,
    FieldProblem,
    Fields,
    ItemType,
    check_word_count,
    read_one_of,
    read_text,
    read_texts,
)


def _read(fields: Fields) -> ItemBody:
    question = read_text(fields, "question")
    check_word_count("question", question, least=3, most=40)
    parts = read_texts(fields, "parts", at_least=3, at_most=8)
    orders = _read_orders(fields, len(parts))
    return ItemBody(
        shown_text=question,
        heard=(),
        headline=f"{question} {' / '.join(parts)}",
        answer_key={"parts": list(parts), "orders": orders, "skill": read_one_of(fields, "skill", SKILLS)},
        shown={"parts": list(parts)},
    )


def _read_orders(fields: Fields, count: int) -> list[list[int]]:
    """Every order that is right, counted from 0 from here on; the order that is shown is none of them."""
    values = fields.get("accepted")
    numbers = list(range(1, count + 1))
    if not isinstance(values, list) or not values or not all(sorted(_ints(value)) == numbers for value in values):
        raise FieldProblem("accepted", f"must be orders of all parts, such as {numbers[::-1]}")
    if numbers in values:
        raise FieldProblem("parts", "must not be shown in an order that is right")
    return [[number - 1 for number in value] for value in values]


def _ints(value: object) -> list[int]:
    return [each for each in value if isinstance(each, int)] if isinstance(value, list) else []


TYPE = ItemType(
    task="ordering",
    title="Ordering",
    fields=frozenset({"question", "parts", "accepted", "skill"}),
    read=_read,
    answer_kind=AnswerKind.CHOICES,
)
