"""Gap fill: a text with numbered gaps, each typed, or chosen from its options."""

import re

from backend.features.items.model import AnswerKind, ItemBody
from backend.features.items.types.base import (
    SKILLS,
    FieldProblem,
    Fields,
    ItemType,
    check_word_count,
    read_one_of,
    read_text,
    read_texts,
)

GAP = re.compile(r"\{(\d+)\}")


def _read(fields: Fields) -> ItemBody:
    text = read_text(fields, "text")
    check_word_count("text", text, least=8, most=150)
    gaps = fields.get("gaps")
    if not isinstance(gaps, list) or not 2 <= len(gaps) <= 12:
        raise FieldProblem("gaps", "must be a list of 2 to 12")
    if [int(number) for number in GAP.findall(text)] != list(range(1, len(gaps) + 1)):
        raise FieldProblem("text", "must have the gaps {1}, {2} ... in order, as many as gaps")
    read = [_read_gap(gap) for gap in gaps]
    return ItemBody(
        shown_text=text,
        heard=(),
        headline=GAP.sub("___", text),
        answer_key={
            "gaps": [{"accepted": list(accepted)} for accepted, _ in read],
            "skill": read_one_of(fields, "skill", SKILLS),
        },
        shown={"gaps": [{"options": list(options)} for _, options in read]},
    )


def _read_gap(gap: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is accepted, and the options to choose from; none where the gap is typed."""
    if not isinstance(gap, dict) or not {"accepted"} <= set(gap) <= {"accepted", "options"}:
        raise FieldProblem("gaps", "must each have accepted, and may have options")
    accepted = read_texts(gap, "accepted")
    options = read_texts(gap, "options", at_least=2) if "options" in gap else ()
    if options and not set(accepted) <= set(options):
        raise FieldProblem("gaps", "have an accepted word that is not among the options")
    return accepted, options


TYPE = ItemType(
    task="gap_fill",
    title="Gap fill",
    fields=frozenset({"text", "gaps", "skill"}),
    read=_read,
    answer_kind=AnswerKind.TEXTS,
)
