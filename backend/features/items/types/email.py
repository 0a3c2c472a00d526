"""E-mail: a situation, the points to cover and whom to write to; written freely within a range of words."""

from backend.features.items.model import AnswerKind, ItemBody
from backend.features.items.types.base import (
    Fields,
    ItemType,
    check_word_count,
    read_key_points,
    read_one_of,
    read_text,
    read_word_range,
)

REGISTERS = ("formal", "neutral", "informal")


def _read(fields: Fields) -> ItemBody:
    situation = read_text(fields, "situation")
    check_word_count("situation", situation, least=10, most=80)
    points = read_key_points(fields, least=2, most=5)
    least, most = read_word_range(fields)
    return ItemBody(
        shown_text=situation,
        heard=(),
        headline=situation,
        answer_key={
            "prompt": situation,
            "key_points": points,
            "register": read_one_of(fields, "register", REGISTERS),
            "least_words": least,
            "most_words": most,
        },
        shown={"points": [point["text"] for point in points], "least_words": least, "most_words": most},
    )


TYPE = ItemType(
    task="email",
    title="E-mail",
    fields=frozenset({"situation", "key_points", "register", "least_words", "most_words"}),
    read=_read,
    answer_kind=AnswerKind.TEXT,
)
