"""One module per task, each with a VERSION and a pure `score(evidence, key)`. `score_answer` picks by task.

`SCORERS` listen to recordings (`Evidence`), `TEXT_SCORERS` read what was typed or chosen (`TextEvidence`).
"""

from collections.abc import Callable
from typing import Any

from backend.scoring.evidence import Evidence
from backend.scoring.keys import AnswerKey
from backend.scoring.score import ItemScore
from backend.scoring.scorers import (
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
from backend.scoring.writing import TextEvidence

# Any: each scorer takes its own kind of key; `key_from_dict` with the same task gives exactly that kind.
SCORERS: dict[str, Callable[[Evidence, Any], ItemScore]] = {
    "read_aloud": read_aloud.score,
    "repeat": repeat.score,
    "short_answer": short_answer.score,
    "sentence_build": sentence_build.score,
    "retelling": retelling.score,
    "open_question": open_question.score,
    "conversation": short_answer.score,
}

TEXT_SCORERS: dict[str, Callable[[TextEvidence, Any], ItemScore]] = {
    "sentence_completion": sentence_completion.score,
    "dictation": dictation.score,
    "passage_reconstruction": passage_reconstruction.score,
    "email": email.score,
    "essay": essay.score,
    "typing": typing.score,
    "multiple_choice": multiple_choice.score,
    "multiple_response": multiple_response.score,
    "gap_fill": gap_fill.score,
    "ordering": ordering.score,
    "matching": matching.score,
}

VERSIONS: dict[str, str] = {
    "read_aloud": read_aloud.VERSION,
    "repeat": repeat.VERSION,
    "short_answer": short_answer.VERSION,
    "sentence_build": sentence_build.VERSION,
    "retelling": retelling.VERSION,
    "open_question": open_question.VERSION,
    "conversation": short_answer.VERSION,
    "sentence_completion": sentence_completion.VERSION,
    "dictation": dictation.VERSION,
    "passage_reconstruction": passage_reconstruction.VERSION,
    "email": email.VERSION,
    "essay": essay.VERSION,
    "typing": typing.VERSION,
    "multiple_choice": multiple_choice.VERSION,
    "multiple_response": multiple_response.VERSION,
    "gap_fill": gap_fill.VERSION,
    "ordering": ordering.VERSION,
    "matching": matching.VERSION,
}


def score_answer(evidence: Evidence, key: AnswerKey) -> ItemScore:
    """The score of one answer by the scorer of its task. KeyError: no such task."""
    return SCORERS[evidence.task](evidence, key)
