"""Ordering: the share of the neighbours that follow each other rightly; see docs/scoring/ordering.md."""

from collections.abc import Sequence
from itertools import pairwise

from backend.scoring.chosen import chosen, said
from backend.scoring.keys import OrderKey
from backend.scoring.score import ItemScore
from backend.scoring.writing import TextEvidence

VERSION = "ordering-1"


def score(evidence: TextEvidence, key: OrderKey) -> ItemScore:
    """The best over the orders that are right. The order that was shown, left as it is, earns nothing by chance: a part
    counts only where all parts were put into an order."""
    complete = sorted(evidence.choices) == list(range(len(key.parts)))
    untouched = list(evidence.choices) == list(range(len(key.parts)))
    value = max(_share(evidence.choices, order) for order in key.orders) if complete and not untouched else 0.0
    return chosen(
        evidence,
        value,
        skill=key.skill,
        version=VERSION,
        explanation={"expected": said(key.orders[0], key.parts), "chosen": said(evidence.choices, key.parts)},
    )


def _share(chosen_order: Sequence[int], right: Sequence[int]) -> float:
    wanted = set(pairwise(right))
    return sum(pair in wanted for pair in pairwise(chosen_order)) / len(wanted)
