"""Multiple response: a question with options, several of which are right."""

from backend.features.items.model import AnswerKind, ItemBody
from backend.features.items.types.base import (
    SKILLS,
    FieldProblem,
    Fields,
    ItemType,
    as_heard,
    read_numbers,
    read_one_of,
    read_question_with_options,
)


def _read(fields: Fields) -> ItemBody:
    question, options = read_question_with_options(fields, at_least=4, at_most=8)
    correct = read_numbers(fields, "correct", most=len(options))
    if not 2 <= len(correct) < len(options) or len(set(correct)) != len(correct):
        raise FieldProblem("correct", "must be at least two different numbers, and not all")
    return ItemBody(
        shown_text=question,
        heard=(),
        headline=question,
        answer_key={
            "options": list(options),
            "correct": [number - 1 for number in sorted(correct)],
            "skill": read_one_of(fields, "skill", SKILLS),
        },
        shown={"options": list(options), "choose": len(correct)},
    )


TYPE = ItemType(
    task="multiple_response",
    title="Multiple response",
    fields=frozenset({"question", "options", "correct", "skill"}),
    read=_read,
    script=as_heard,
    answer_kind=AnswerKind.CHOICES,
)
