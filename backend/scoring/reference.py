"""Which text the sound is aligned to, and how far the recognised words agree with it.

Alignment takes any text, so it gets the text that the speaker is believed to have said: the printed sentence for read
speech, the part of the expected sentence that was heard for repeats and builds, what was recognised for free answers.
"""

from collections.abc import Sequence

from backend.scoring.keys import (
    AnswerKey,
    ReadAloudKey,
    RepeatKey,
    SentenceBuildKey,
)
from backend.scoring.text import Alignment, Operation, align, edit_distance, words_of


def best_variant(accepted: Sequence[str], heard: str) -> tuple[str, Alignment]:
    """The accepted text with the fewest word errors against `heard`; the first of equals."""
    alignments = [(text, align(text, heard)) for text in accepted]
    return min(alignments, key=lambda pair: pair[1].errors / max(pair[1].expected_count, 1))


def _said_of(text: str, heard: str) -> str:
    """The words of `text` that were said: those left out in a row of two or more, or at an end, are not.

    A lone word that was not recognised was probably said badly, so it stays and its sounds count.
    """
    steps = align(text, heard).steps
    expected = words_of(text)
    missing = {step.expected_index for step in steps if step.operation is Operation.DELETION}
    last = len(expected) - 1
    unsaid = {at for at in missing if at - 1 in missing or at + 1 in missing or at in (0, last)}
    return " ".join(word for at, word in enumerate(expected) if at not in unsaid)


def _is_about(alignment: Alignment) -> bool:
    return alignment.covered >= 0.3


def spoken_reference(key: AnswerKey, heard: Sequence[str]) -> str:
    """The text to align. Empty when nothing was recognised and the key knows no text."""
    said = " ".join(heard)
    match key:
        case ReadAloudKey(text=text):
            return text
        case RepeatKey(text=text):
            return _said_of(text, said) if _is_about(align(text, said)) else said
        case SentenceBuildKey(accepted=accepted):
            text, alignment = best_variant(accepted, said)
            return _said_of(text, said) if _is_about(alignment) else said
        case _:
            return said


def is_said(accepted: Sequence[str], heard: Sequence[str]) -> bool:
    """Whether any accepted text stands word for word in what was heard."""
    said = f" {' '.join(words_of(' '.join(heard)))} "
    return any(f" {' '.join(words_of(text))} " in said for text in accepted)


def match_features(reference: str, heard: Sequence[str]) -> dict[str, float]:
    """Agreement of the recognised words with the reference, 0..1 each (rates may exceed 1)."""
    said = " ".join(heard)
    alignment = align(reference, said)
    count = max(alignment.expected_count, 1)
    letters, spoken = "".join(words_of(reference)), "".join(words_of(said))
    return {
        "match_covered": alignment.covered,
        "match_errors": min(alignment.errors / count, 2.0),
        "match_deleted": alignment.count(Operation.DELETION) / count,
        "match_inserted": min(alignment.count(Operation.INSERTION) / count, 2.0),
        "match_restarts": float(alignment.count(Operation.RESTART)),
        "match_fillers": float(alignment.count(Operation.FILLER)),
        "match_letters": min(edit_distance(letters, spoken) / max(len(letters), 1), 2.0),
        "expected_words": float(alignment.expected_count),
    }
