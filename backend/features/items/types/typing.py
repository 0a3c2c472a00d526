"""Typing: a printed text, copied for a minute. Unscored; it tells whether a writing score can be trusted."""

from backend.features.items.model import AnswerKind, ItemBody
from backend.features.items.types.base import Fields, ItemType, check_word_count, read_text


def _read(fields: Fields) -> ItemBody:
    text = read_text(fields, "text")
    check_word_count("text", text, least=60, most=200)
    return ItemBody(shown_text=text, heard=(), headline=text, answer_key={"text": text})


TYPE = ItemType(task="typing", title="Typing", fields=frozenset({"text"}), read=_read, answer_kind=AnswerKind.TEXT)
