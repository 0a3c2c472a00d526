"""Sentence completion: a sentence with one gap, filled by one typed word."""

from backend.features.items.model import AnswerKind, ItemBody
from backend.features.items.types.base import FieldProblem, Fields, ItemType, check_word_count, read_text, read_texts

GAP = "___"


def _read(fields: Fields) -> ItemBody:
    text = read_text(fields, "text")
    check_word_count("text", text, least=4, most=40)
    if text.count(GAP) != 1:
        raise FieldProblem("text", f"must have one gap, written {GAP}")
    accepted = read_texts(fields, "accepted")
    for answer in accepted:
        check_word_count("accepted", answer, least=1, most=1)
    return ItemBody(
        shown_text=text,
        heard=(),
        headline=text.replace(GAP, f"[{accepted[0]}]"),
        answer_key={"text": text, "accepted": list(accepted)},
        shown={"most_words": 1},
    )


TYPE = ItemType(
    task="sentence_completion",
    title="Sentence completion",
    fields=frozenset({"text", "accepted"}),
    read=_read,
    answer_kind=AnswerKind.TEXT,
)
