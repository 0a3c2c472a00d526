"""One module per task, each with a VERSION and a pure `score(evidence, key)`. `score_answer` picks by task."""

from collections.abc import Callable
from typing import Any

from backend.scoring.evidence import Evidence
from backend.scoring.keys import AnswerKey
from backend.scoring.score import ItemScore
from backend.scoring.scorers import open_question, read_aloud, repeat, retelling, sentence_build, short_answer

# Any: each scorer takes its own kind of key; `key_from_dict` with the same task gives exactly that kind.
SCORERS: dict[str, Callable[[Evidence, Any], ItemScore]] = {
    "read_aloud": read_aloud.score,
    "repeat": repeat.score,
    "short_answer": short_answer.score,
    "sentence_build": sentence_build.score,
    "retelling": retelling.score,
    "open_question": open_question.score,
}

VERSIONS: dict[str, str] = {
    "read_aloud": read_aloud.VERSION,
    "repeat": repeat.VERSION,
    "short_answer": short_answer.VERSION,
    "sentence_build": sentence_build.VERSION,
    "retelling": retelling.VERSION,
    "open_question": open_question.VERSION,
}


def score_answer(evidence: Evidence, key: AnswerKey) -> ItemScore:
    """The score of one answer by the scorer of its task. KeyError: no such task."""
    return SCORERS[evidence.task](evidence, key)
