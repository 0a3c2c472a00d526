"""Matching: to each thing on the left, one of the things on the right; some of these may stay over."""

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
    left = read_texts(fields, "left", at_least=2)
    right = read_texts(fields, "right", at_least=len(left))
    if len(left) > 8 or len(right) > 10:
        raise FieldProblem("right", "must be at most 10, and left at most 8")
    pairs = fields.get("correct")
    if not isinstance(pairs, list) or len(pairs) != len(left) or len(set(map(str, pairs))) != len(pairs):
        raise FieldProblem("correct", "must name one of the right for each of the left, none twice")
    if not all(isinstance(number, int) and 1 <= number <= len(right) for number in pairs):
        raise FieldProblem("correct", f"must be numbers from 1 to {len(right)}")
    return ItemBody(
        shown_text=question,
        heard=(),
        headline=f"{question} {'; '.join(left)}",
        answer_key={
            "left": list(left),
            "right": list(right),
            "correct": [number - 1 for number in pairs],
            "skill": read_one_of(fields, "skill", SKILLS),
        },
        shown={"left": list(left), "right": list(right)},
    )


TYPE = ItemType(
    task="matching",
    title="Matching",
    fields=frozenset({"question", "left", "right", "correct", "skill"}),
    read=_read,
    answer_kind=AnswerKind.CHOICES,
)
