"""Passage reconstruction: a passage of 40 to 70 words, read for a while, then written again in own words."""

from backend.features.items.model import AnswerKind, ItemBody
from backend.features.items.types.base import Fields, ItemType, check_word_count, read_key_points, read_text


def _read(fields: Fields) -> ItemBody:
    passage = read_text(fields, "passage")
    check_word_count("passage", passage, least=40, most=70)
    key_points = read_key_points(fields, least=4, most=8)
    return ItemBody(
        shown_text=passage,
        heard=(),
        headline=passage,
        answer_key={"passage": passage, "key_points": key_points},
        shown={"most_words": 120},
    )


TYPE = ItemType(
    task="passage_reconstruction",
    title="Passage reconstruction",
    fields=frozenset({"passage", "key_points"}),
    read=_read,
    answer_kind=AnswerKind.TEXT,
)
