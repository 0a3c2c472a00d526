"""Multiple choice: a question with options, one of which is right; alone or about a shared stimulus."""

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
    read_whole,
)


def _read(fields: Fields) -> ItemBody:
    question = read_text(fields, "question")
    check_word_count("question", question, least=2, most=60)
    options = read_texts(fields, "options", at_least=3)
    if len(options) > 6:
        raise FieldProblem("options", "must be at most 6")
    correct = read_whole(fields, "correct", least=1, most=len(options))
    return ItemBody(
        shown_text=question,
        heard=(),
        headline=f"{question} [{options[correct - 1]}]",
        answer_key={
            "options": list(options),
            "correct": [correct - 1],
            "skill": read_one_of(fields, "skill", SKILLS),
        },
        shown={"options": list(options)},
    )


TYPE = ItemType(
    task="multiple_choice",
    title="Multiple choice",
    fields=frozenset({"question", "options", "correct", "skill"}),
    read=_read,
    script=as_heard,
    answer_kind=AnswerKind.CHOICES,
)
