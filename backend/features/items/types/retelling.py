"""Retelling: a story of 45 to 70 words, heard once and told again."""

from backend.features.items.model import ItemBody
from backend.features.items.types.base import (
    FieldProblem,
    Fields,
    ItemType,
    as_heard,
    check_word_count,
    read_text,
    read_texts,
)


def _read(fields: Fields) -> ItemBody:
    story = read_text(fields, "story")
    check_word_count("story", story, least=40, most=75)
    points = fields.get("key_points")
    if not isinstance(points, list) or not 6 <= len(points) <= 9:
        raise FieldProblem("key_points", "must be a list of 6 to 9")
    key_points = [_read_point(point) for point in points]
    return ItemBody(
        shown_text=None, heard=(story,), headline=story, answer_key={"story": story, "key_points": key_points}
    )


def _read_point(point: object) -> dict[str, object]:
    if not isinstance(point, dict) or set(point) != {"text", "accepted"}:
        raise FieldProblem("key_points", "must each have text and accepted")
    return {"text": read_text(point, "text"), "accepted": list(read_texts(point, "accepted"))}


TYPE = ItemType(
    task="retelling",
    title="Story retelling",
    fields=frozenset({"story", "key_points"}),
    read=_read,
    script=as_heard,
)
