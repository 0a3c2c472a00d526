"""Short answer: a question of at most 12 words, answered by a word or a phrase."""

from backend.features.items.model import ItemBody
from backend.features.items.types.base import Fields, ItemType, as_heard, check_word_count, read_text, read_texts


def _read(fields: Fields) -> ItemBody:
    question = read_text(fields, "question")
    check_word_count("question", question, least=3, most=12)
    accepted = read_texts(fields, "accepted")
    for answer in accepted:
        check_word_count("accepted", answer, least=1, most=5)
    return ItemBody(shown_text=None, heard=(question,), headline=question, answer_key={"accepted": list(accepted)})


TYPE = ItemType(
    task="short_answer",
    title="Short answer",
    fields=frozenset({"question", "accepted"}),
    read=_read,
    script=as_heard,
)
