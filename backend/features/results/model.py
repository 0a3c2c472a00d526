"""A result: what one attempt settled to, immutable, naming the version of everything that went into it.

    settlement 1 --(a response was scored again)--> settlement 2 --> ...

Every settlement is a new document that names the one it supersedes; older ones stay as they were. Which of them a
student sees is said by another document, the release:

    (none) --release--> released --withdraw--> withdrawn --release--> released
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from backend.core.errors import Conflict


class ItemState(StrEnum):
    """How an item ended. Only `scored` has points; no other state is ever a zero."""

    SCORED = "scored"
    FOR_RATER = "for_rater"
    NOT_SCORED = "not_scored"
    NO_RECORDING = "no_recording"
    NO_ANSWER = "no_answer"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitPoints:
    """`value` 0..1 of what could be earned; `weight` against the other items of the same trait."""

    value: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOutcome:
    """One item that counts. `reason` is a constant code where something is unusual."""

    position: int
    task: str
    item_id: str
    item_version: int
    state: ItemState
    points: Mapping[str, TraitPoints] = field(default_factory=dict)
    confidence: float = 0.0
    scorer_version: str = ""
    engine: str = ""
    calibration: str = ""
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitResult:
    """A subscore. `value` and `band` are None when the evidence was not enough: never a zero."""

    trait: str
    value: int | None
    band: str | None
    sem: float | None
    n_items: int
    n_missing: int
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the scale made of the items. `confidence` 0..1; `warnings` are constant codes.

    `typing` holds words_per_minute and accuracy (0..1) where typing was tested.
    """

    overall: int | None
    band: str | None
    sem: float | None
    subscores: tuple[TraitResult, ...]
    intelligibility: str | None
    confidence: float
    n_items: int
    n_missing: int
    warnings: tuple[str, ...]
    typing: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Everything that could move the score, by version. Item versions are with the items."""

    format_id: str
    format_version: str
    form_id: str
    scale_id: str
    scale_version: str
    cut_table_id: str
    scorers: tuple[str, ...]
    engines: tuple[str, ...]
    calibrations: tuple[str, ...]
    software: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`number` publicly identifies the sitting and stays the same over settlements; `completed_at` in UTC, read in
    `time_zone`. `fingerprint` is the hash of all that was settled: the same inputs never make a second result."""

    id: str
    attempt_id: str
    settlement: int
    supersedes: str | None
    number: str
    delivery_id: str
    campus_id: str
    student_id: str
    title: str
    completed_at: datetime
    time_zone: str
    outcome: Outcome
    items: tuple[ItemOutcome, ...]
    versions: Versions
    fingerprint: str
    settled_at: datetime

    def get_subscore(self, trait: str) -> TraitResult | None:
        return next((each for each in self.outcome.subscores if each.trait == trait), None)


def result_id(attempt_id: str, settlement: int) -> str:
    """The n-th settlement of an attempt has one id, so that it can be written only once."""
    return f"{attempt_id}-{settlement}"


# -- the public identification ---------------------------------------------------------------------------------------

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})
_DIGITS = 11
# Consecutive whole numbers below 32 that are odd share no factor with it: every single wrong character is found.
_WEIGHTS = (1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21)


def number_of(attempt_id: str) -> str:
    """The sitting's public identification, e.g. ``"7K3M-9QXD-2HRT"``: 55 bits of the hash of an id that nobody sees,
    and a check character."""
    hashed = int.from_bytes(hashlib.sha256(f"sitting\n{attempt_id}".encode()).digest()[:7], "big") >> 1
    digits = [hashed >> (5 * place) & 31 for place in range(_DIGITS)]
    return _grouped("".join(_ALPHABET[digit] for digit in [*digits, _check_digit(digits)]))


def _check_digit(digits: Sequence[int]) -> int:
    return sum(weight * digit for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 32


def _grouped(plain: str) -> str:
    return "-".join(plain[start : start + 4] for start in range(0, len(plain), 4))


def read_number(typed: str) -> str | None:
    """The number as we write it, from what a person typed: any case, spaces or dashes anywhere, O for 0, I or L for 1.
    None when it cannot be a number: too long, too short, or its check character is wrong."""
    plain = "".join(each for each in typed.upper() if each not in " -\u2010\u2011\u2012\u2013\t").translate(_MISREAD)
    if len(plain) != _DIGITS + 1 or any(each not in _ALPHABET for each in plain):
        return None
    digits = [_ALPHABET.index(each) for each in plain]
    return _grouped(plain) if _check_digit(digits[:-1]) == digits[-1] else None


# -- release ---------------------------------------------------------------------------------------------------------


class ReleaseState(StrEnum):
    RELEASED = "released"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Says of one result that its student may see it, or no longer. `id` is the result's."""

    id: str
    attempt_id: str
    delivery_id: str
    campus_id: str
    student_id: str
    state: ReleaseState
    released_by: str
    released_at: datetime
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None
    revision: int = 0

    @property
    def is_open(self) -> bool:
        return self.state is ReleaseState.RELEASED


def release_of(result: Result, *, by: str, at: datetime) -> Release:
    return Release(
        id=result.id,
        attempt_id=result.attempt_id,
        delivery_id=result.delivery_id,
        campus_id=result.campus_id,
        student_id=result.student_id,
        state=ReleaseState.RELEASED,
        released_by=by,
        released_at=at,
    )


def released_again(release: Release, *, by: str, at: datetime) -> Release:
    """Released; released already: the same release."""
    if release.is_open:
        return release
    return replace(
        release,
        state=ReleaseState.RELEASED,
        released_by=by,
        released_at=at,
        withdrawn_by=None,
        withdrawn_at=None,
        revision=release.revision + 1,
    )


def withdrawn(release: Release, *, by: str, at: datetime) -> Release:
    """Withdrawn; withdrawn already: the same release."""
    if not release.is_open:
        return release
    return replace(
        release, state=ReleaseState.WITHDRAWN, withdrawn_by=by, withdrawn_at=at, revision=release.revision + 1
    )


def check_may_release(result: Result) -> None:
    """Refuses to release a result that says nothing: a person has to look first."""
    if result.outcome.overall is None and all(each.value is None for each in result.outcome.subscores):
        raise Conflict("nothing_to_release", "There is no score yet. Look at the recordings first.")


def latest_of(results: Sequence[Result]) -> dict[str, Result]:
    """Each attempt's latest settlement, by attempt."""
    latest: dict[str, Result] = {}
    for result in sorted(results, key=lambda each: each.settlement):
        latest[result.attempt_id] = result
    return latest
