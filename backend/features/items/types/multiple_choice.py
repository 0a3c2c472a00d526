"""Multiple choice: a question with options, one of which is right; alone or about a shared stimulus."""

from backend.features.items.model import AnswerKind, ItemBody
from backend.features.items.types.base import (
    SKILLS,
    Fields,
    ItemType,
    as_heard,
    read_one_of,
    read_question_with_options,
    read_whole,
)


def _read(fields: Fields) -> ItemBody:
    question, options = read_question_with_options(fields, at_least=3, at_most=6)
    correct = read_whole(fields, "correct", least=1, most=len(options))
    return ItemBody(
        shown_text=question,
        heard=(),
        headline=question,
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
