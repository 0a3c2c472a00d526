"""Conversation: a short dialogue and a question about it, heard once and answered by a word or a phrase."""

from backend.core.ports import Script
from backend.features.items.model import ItemBody
from backend.features.items.types.base import Fields, ItemType, Place, check_word_count, read_text, read_texts

PAUSE_MS = 700


def _read(fields: Fields) -> ItemBody:
    turns = read_texts(fields, "dialogue", at_least=2)
    check_word_count("dialogue", " ".join(turns), least=10, most=60)
    question = read_text(fields, "question")
    check_word_count("question", question, least=3, most=14)
    accepted = read_texts(fields, "accepted")
    for answer in accepted:
        check_word_count("accepted", answer, least=1, most=6)
    return ItemBody(
        shown_text=None,
        heard=(*turns, question),
        headline=f"{question} {' '.join(turns)}",
        answer_key={"accepted": list(accepted)},
    )


def _script(heard: tuple[str, ...], place: Place, lead_in_ms: int) -> Script:  # noqa: ARG001 - one shape for all types
    return Script(phrases=heard, pause_ms=PAUSE_MS, lead_in_ms=lead_in_ms)


TYPE = ItemType(
    task="conversation",
    title="Conversation",
    fields=frozenset({"dialogue", "question", "accepted"}),
    read=_read,
    script=_script,
)
