"""One module per item type; this registry names them all."""

from backend.features.items.types import (
    conversation,
    dictation,
    email,
    essay,
    gap_fill,
    matching,
    multiple_choice,
    multiple_response,
    open_question,
    ordering,
    passage_reconstruction,
    read_aloud,
    repeat,
    retelling,
    sentence_build,
    sentence_completion,
    short_answer,
    typing,
)
from backend.features.items.types.base import ItemType

ITEM_TYPES: dict[str, ItemType] = {
    "read_aloud": read_aloud.TYPE,
    "repeat": repeat.TYPE,
    "short_answer": short_answer.TYPE,
    "sentence_build": sentence_build.TYPE,
    "retelling": retelling.TYPE,
    "open_question": open_question.TYPE,
    "conversation": conversation.TYPE,
    "sentence_completion": sentence_completion.TYPE,
    "dictation": dictation.TYPE,
    "passage_reconstruction": passage_reconstruction.TYPE,
    "email": email.TYPE,
    "essay": essay.TYPE,
    "typing": typing.TYPE,
    "multiple_choice": multiple_choice.TYPE,
    "multiple_response": multiple_response.TYPE,
    "gap_fill": gap_fill.TYPE,
    "ordering": ordering.TYPE,
    "matching": matching.TYPE,
}
