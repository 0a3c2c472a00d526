"""How well typed words fit what was asked for: exact, another form of the word, a slip of the fingers."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.scoring.text import edit_distance, stem, words_of

INFLECTED, MISSPELT = 0.5, 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """`credit` 0..1; `how` is exact, inflected, misspelt or None where nothing fits."""

    credit: float
    variant: str | None = None
    how: str | None = None


NO_FIT = Fit(credit=0.0)


def best_fit(typed: Sequence[str], accepted: Sequence[str], *, unknown: Sequence[str] = ()) -> Fit:
    """The best fit among the accepted answers. Case, contractions and British or American spelling never matter."""
    fits = [_fit(tuple(typed), variant, unknown) for variant in accepted]
    return max(fits, key=lambda fit: fit.credit, default=NO_FIT)


def _fit(typed: tuple[str, ...], variant: str, unknown: Sequence[str]) -> Fit:
    wanted = words_of(variant)
    if typed == wanted:
        return Fit(credit=1.0, variant=variant, how="exact")
    if len(typed) != len(wanted) or not typed:
        return NO_FIT
    pairs = list(zip(wanted, typed, strict=True))
    if all(is_slip(want, word, unknown) or want == word for want, word in pairs):
        return Fit(credit=MISSPELT, variant=variant, how="misspelt")
    if all((len(want) > 3 and stem(want) == stem(word)) or want == word for want, word in pairs):
        return Fit(credit=INFLECTED, variant=variant, how="inflected")
    return NO_FIT


def is_slip(wanted: str, typed: str, unknown: Sequence[str]) -> bool:
    """Whether a word that is no English word is the wanted one with a letter wrong (two in a word of eight or more)."""
    if typed not in unknown or len(wanted) < 4:
        return False
    return edit_distance(wanted, typed) <= (2 if len(wanted) >= 8 else 1)
