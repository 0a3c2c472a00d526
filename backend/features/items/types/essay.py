"""Essay: a question, perhaps about a text that is shown, answered freely within a range of words."""

from backend.features.items.model import AnswerKind, ItemBody
from backend.features.items.types.base import (
    Fields,
    ItemType,
    check_word_count,
    read_key_points,
    read_text,
    read_word_range,
)


def _read(fields: Fields) -> ItemBody:
    question = read_text(fields, "question")
    check_word_count("question", question, least=6, most=60)
    source = read_text(fields, "source") if "source" in fields else None
    points = read_key_points(fields, least=2, most=6)
    least, most = read_word_range(fields)
    shown: dict[str, object] = {"least_words": least, "most_words": most}
    if source is not None:
        shown["source"] = source
    return ItemBody(
        shown_text=question,
        heard=(),
        headline=question,
        answer_key={
            "prompt": f"{question} {source or ''}".strip(),
            "key_points": points,
            "register": "neutral",
            "least_words": least,
            "most_words": most,
        },
        shown=shown,
    )


TYPE = ItemType(
    task="essay",
    title="Essay",
    fields=frozenset({"question", "source", "key_points", "least_words", "most_words"}),
    read=_read,
    answer_kind=AnswerKind.TEXT,
)
