"""Open question: heard twice, answered freely, judged by raters."""

from backend.core.ports import Script
from backend.features.items.model import ItemBody
from backend.features.items.types.base import Fields, ItemType, Place, check_word_count, read_text

PAUSE_MS = 1_200


def _read(fields: Fields) -> ItemBody:
    question = read_text(fields, "question")
    check_word_count("question", question, least=6, most=32)
    return ItemBody(shown_text=None, heard=(question,), headline=question, answer_key={})


def _script(heard: tuple[str, ...], place: Place, lead_in_ms: int) -> Script:  # noqa: ARG001 - one shape for all types
    return Script(phrases=heard * 2, pause_ms=PAUSE_MS, lead_in_ms=lead_in_ms)


TYPE = ItemType(task="open_question", title="Open question", fields=frozenset({"question"}), read=_read, script=_script)
