"""One module per item type; this registry names them all."""

from backend.features.items.types import (
    open_question,
    read_aloud,
    repeat,
    retelling,
    sentence_build,
    short_answer,
)
from backend.features.items.types.base import ItemType

ITEM_TYPES: dict[str, ItemType] = {
    "read_aloud": read_aloud.TYPE,
    "repeat": repeat.TYPE,
    "short_answer": short_answer.TYPE,
    "sentence_build": sentence_build.TYPE,
    "retelling": retelling.TYPE,
    "open_question": open_question.TYPE,
}
