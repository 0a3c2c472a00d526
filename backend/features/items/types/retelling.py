"""Retelling: a story of 45 to 70 words, heard once and told again."""

from backend.features.items.model import ItemBody
from backend.features.items.types.base import Fields, ItemType, as_heard, check_word_count, read_key_points, read_text


def _read(fields: Fields) -> ItemBody:
    story = read_text(fields, "story")
    check_word_count("story", story, least=40, most=75)
    key_points = read_key_points(fields, least=6, most=9)
    return ItemBody(
        shown_text=None, heard=(story,), headline=story, answer_key={"story": story, "key_points": key_points}
    )


TYPE = ItemType(
    task="retelling",
    title="Story retelling",
    fields=frozenset({"story", "key_points"}),
    read=_read,
    script=as_heard,
)
