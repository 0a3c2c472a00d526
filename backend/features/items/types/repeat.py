"""Repeat: a sentence of 3 to 15 words, heard once and said again word for word."""

from backend.features.items.model import ItemBody
from backend.features.items.types.base import Fields, ItemType, as_heard, check_word_count, read_text


def _read(fields: Fields) -> ItemBody:
    text = read_text(fields, "text")
    check_word_count("text", text, least=3, most=15)
    return ItemBody(shown_text=None, heard=(text,), headline=text, answer_key={"text": text})


TYPE = ItemType(task="repeat", title="Repeat", fields=frozenset({"text"}), read=_read, script=as_heard)
