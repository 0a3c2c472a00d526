"""How far two judges agree on levels. Pure."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """`kappa`: quadratic weighted kappa, 1 whole agreement, 0 what chance gives; None where it is not defined: fewer
    than two pairs, or both judges always gave one and the same level. `exact` and `adjacent` are shares 0..1 of pairs
    that are equal, or at most one level apart."""

    pairs: int
    kappa: float | None
    exact: float
    adjacent: float


def agreement_of(pairs: Sequence[tuple[int, int]], numbers: Sequence[int]) -> Agreement:
    """Of pairs of levels, both from `numbers` (rising). Distances count levels, whatever their numbers."""
    if not pairs:
        return Agreement(pairs=0, kappa=None, exact=0.0, adjacent=0.0)
    place = {number: index for index, number in enumerate(numbers)}
    indexed = [(place[a], place[b]) for a, b in pairs]
    return Agreement(
        pairs=len(pairs),
        kappa=weighted_kappa(indexed) if len(pairs) > 1 else None,
        exact=sum(a == b for a, b in indexed) / len(pairs),
        adjacent=sum(abs(a - b) <= 1 for a, b in indexed) / len(pairs),
    )


def weighted_kappa(pairs: Sequence[tuple[int, int]]) -> float | None:
    """Cohen's kappa with quadratic weights (Cohen 1968): 1 - observed over expected squared distance."""
    ours, theirs = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    observed = math.fsum((a - b) ** 2 for a, b in pairs) / len(pairs)
    expected = math.fsum(n * m * (a - b) ** 2 for a, n in ours.items() for b, m in theirs.items()) / len(pairs) ** 2
    return None if expected == 0 else 1 - observed / expected
