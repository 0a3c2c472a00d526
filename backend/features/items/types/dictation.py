"""Dictation: a sentence of 3 to 14 words, heard once and typed word for word."""

from backend.features.items.model import AnswerKind, ItemBody
from backend.features.items.types.base import Fields, ItemType, as_heard, check_word_count, read_text


def _read(fields: Fields) -> ItemBody:
    text = read_text(fields, "text")
    check_word_count("text", text, least=3, most=14)
    return ItemBody(shown_text=None, heard=(text,), headline=text, answer_key={"text": text})


TYPE = ItemType(
    task="dictation",
    title="Dictation",
    fields=frozenset({"text"}),
    read=_read,
    script=as_heard,
    answer_kind=AnswerKind.TEXT,
)
