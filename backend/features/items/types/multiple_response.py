"""Multiple response: a question with options, several of which are right."""

from backend.features.items.model import AnswerKind, ItemBody
from backend.features.items.types.base import (
    SKILLS,
    FieldProblem,
    Fields,
    ItemType,
    as_heard,
    check_word_count,
    read_one_of,
    read_text,
    read_texts,
)


def _read(fields: Fields) -> ItemBody:
    question = read_text(fields, "question")
    check_word_count("question", question, least=2, most=60)
    options = read_texts(fields, "options", at_least=4)
    if len(options) > 8:
        raise FieldProblem("options", "must be at most 8")
    correct = read_numbers(fields, "correct", most=len(options))
    if not 2 <= len(correct) < len(options) or len(set(correct)) != len(correct):
        raise FieldProblem("correct", "must be at least two different numbers, and not all")
    return ItemBody(
        shown_text=question,
        heard=(),
        headline=f"{question} [{', '.join(options[number - 1] for number in correct)}]",
        answer_key={
            "options": list(options),
            "correct": [number - 1 for number in sorted(correct)],
            "skill": read_one_of(fields, "skill", SKILLS),
        },
        shown={"options": list(options), "choose": len(correct)},
    )


def read_numbers(fields: Fields, name: str, *, most: int) -> list[int]:
    """A list of numbers of options, counted from 1 as authors do."""
    values = fields.get(name)
    if not isinstance(values, list) or not all(isinstance(value, int) and 1 <= value <= most for value in values):
        raise FieldProblem(name, f"must be a list of numbers from 1 to {most}")
    return values


TYPE = ItemType(
    task="multiple_response",
    title="Multiple response",
    fields=frozenset({"question", "options", "correct", "skill"}),
    read=_read,
    script=as_heard,
    answer_kind=AnswerKind.CHOICES,
)
