"""Sentence build: three phrases, heard in an order that is no sentence, said again as one."""

import re
from itertools import permutations

from backend.core.ports import Script
from backend.features.items.model import ItemBody
from backend.features.items.types.base import FieldProblem, Fields, ItemType, Place, read_texts

PAUSE_MS = 650
ORDERS = frozenset("".join(order) for order in permutations("123"))


def _words(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.casefold()))


def order_of(sentence: str, phrases: tuple[str, ...]) -> str | None:
    """The order, such as "312", in which the phrases make up the sentence; None when they do not."""
    said = _words(sentence)
    for order in sorted(ORDERS):
        if said == " ".join(_words(phrases[int(at) - 1]) for at in order):
            return order
    return None


def _read(fields: Fields) -> ItemBody:
    phrases = read_texts(fields, "phrases", at_least=3)
    if len(phrases) != 3:
        raise FieldProblem("phrases", "must be three")
    accepted = read_texts(fields, "accepted")
    rejected = read_texts(fields, "rejected")
    _check_orders(phrases, accepted, rejected)
    return ItemBody(
        shown_text=None,
        heard=phrases,
        headline=accepted[0],
        answer_key={"phrases": list(phrases), "accepted": list(accepted)},
    )


def _check_orders(phrases: tuple[str, ...], accepted: tuple[str, ...], rejected: tuple[str, ...]) -> None:
    """Every order is judged once; the one that is heard is no sentence."""
    orders = [order_of(sentence, phrases) for sentence in accepted]
    if None in orders:
        raise FieldProblem("accepted", "must be the three phrases in some order")
    if "123" in orders:
        raise FieldProblem("phrases", "must not be heard in an order that is right")
    if sorted([*(order for order in orders if order), *rejected]) != sorted(ORDERS):
        raise FieldProblem("rejected", "must be all orders that are not accepted, such as 123")


def _script(heard: tuple[str, ...], place: Place, lead_in_ms: int) -> Script:  # noqa: ARG001 - one shape for all types
    return Script(phrases=heard, pause_ms=PAUSE_MS, lead_in_ms=lead_in_ms)


TYPE = ItemType(
    task="sentence_build",
    title="Sentence build",
    fields=frozenset({"phrases", "accepted", "rejected"}),
    read=_read,
    script=_script,
)
