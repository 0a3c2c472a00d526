"""How well one of five experts agrees with the other four: what a machine's figures are held against.

Each is compared with the median of the others, and the five comparisons are averaged. Utterances and words that were
not marked by five are left out.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from backend.scoring.calibration import ASPECTS
from scripts.calibration_fit import BAD_BELOW, Floats, by_speaker, kappa_of_marks, mean_known, pearson, rmse, rounded
from scripts.rated_corpus import Utterance, totals_of

EXPERTS = 5
WELL_READ = 8.0  # an utterance's total, from which badly said words are rare
Figures = dict[str, float | None]


def of_utterances(corpus: Sequence[Utterance]) -> dict[str, Figures]:
    """Per aspect; of the total by each one's own, not rounded. `best_pearson`: of the expert who agrees best;
    `one_against_one`: the mean Pearson of two."""
    return {aspect: _figures(*_of_aspect(corpus, aspect), together=None) for aspect in ASPECTS}


def of_speakers(corpus: Sequence[Utterance]) -> dict[str, Figures]:
    """The same of the means of speakers."""
    found = {}
    for aspect in ASPECTS:
        marks, whose = _of_aspect(corpus, aspect)
        found[aspect] = _figures(marks, whose, together=by_speaker)
    return found


def _of_aspect(corpus: Sequence[Utterance], aspect: str) -> tuple[Floats, npt.NDArray[np.str_]]:
    """The marks (utterances, experts) and whose utterances they are."""
    given = [
        (each.experts.get(aspect) or (totals_of(each.experts) if aspect == "total" else []), each.speaker)
        for each in corpus
    ]
    rated = [(marks, speaker) for marks, speaker in given if len(marks) == EXPERTS]
    marks = np.array([each for each, _ in rated], dtype=np.float64).reshape(-1, EXPERTS)
    return marks, np.array([speaker for _, speaker in rated], dtype=np.str_)


def _figures(
    marks: Floats,
    whose: npt.NDArray[np.str_],
    *,
    together: Callable[[Floats, npt.NDArray[np.str_]], Floats] | None,
) -> Figures:
    """`together` joins the marks of one person."""

    def joined(values: Floats) -> Floats:
        return together(values, whose) if together else values

    pairs = [(joined(own), joined(others)) for own, others in _each_against_the_others(marks)] if len(marks) else []
    single = [(joined(marks[:, a]), joined(marks[:, b])) for a, b in combinations(range(EXPERTS), 2)] if pairs else []
    agreements = [pearson(own, others) for own, others in pairs]
    return {
        "pearson": mean_known(agreements),
        "rmse": mean_known([rmse(own, others) for own, others in pairs]),
        "qwk": mean_known([kappa_of_marks(own, others) for own, others in pairs]),
        "best_pearson": rounded(max(agreements, default=float("nan"))),
        "one_against_one": mean_known([pearson(one, other) for one, other in single]),
    }


def _each_against_the_others(marks: Floats) -> list[tuple[Floats, Floats]]:
    return [(marks[:, one], np.median(np.delete(marks, one, axis=1), axis=1)) for one in range(EXPERTS)]


def of_words(corpus: Sequence[Utterance]) -> dict[str, Any]:
    """Of single words: Pearson, and how well an expert's own marks below BAD_BELOW name the words that the others call
    badly said; `well_read`: the same in utterances of WELL_READ and more, where they are rare."""
    well_read = [each for each in corpus if each.median.get("total", 0.0) >= WELL_READ]
    return {**_of_words(corpus), "well_read": _of_words(well_read)}


def _of_words(corpus: Sequence[Utterance]) -> Figures:
    rated = [word["accuracy"] for each in corpus for word in each.words if len(word.get("accuracy") or []) == EXPERTS]
    pairs = _each_against_the_others(np.array(rated, dtype=np.float64)) if rated else []
    named = [(own < BAD_BELOW, others < BAD_BELOW) for own, others in pairs]
    return {
        "pearson": mean_known([pearson(own, others) for own, others in pairs]),
        "auc": mean_known([auc(own, others) for own, others in pairs]),
        "precision": mean_known([share((flagged & bad).sum(), flagged.sum()) for flagged, bad in named]),
        "recall": mean_known([share((flagged & bad).sum(), bad.sum()) for flagged, bad in named]),
        "f1": mean_known([share(2 * (flagged & bad).sum(), flagged.sum() + bad.sum()) for flagged, bad in named]),
    }


def auc(predicted: Floats, medians: Floats) -> float:
    """How surely a badly said word has the lower mark of two; not a number where all words are of one kind."""
    bad = medians < BAD_BELOW
    return float(roc_auc_score(bad, -predicted)) if 0 < bad.sum() < len(bad) else float("nan")


def share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")
