"""Which speech engine a delivery is heard by: one for all its answers, so that nobody is judged by another ear. Pure.

(none) --first answer with words--> bound --engine fails--> down --it answers--> bound
down --for as long as the installation waits--> rescoring by the next engine --all queued--> bound to that one
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """`id` is the delivery's. `down_since`: since when its engine fails. `leaving`: the engine whose scores are being
    taken again (None: none); `tried`: engines that this delivery has left, in order."""

    id: str
    campus_id: str
    engine: str
    engine_version: str
    bound_at: datetime
    down_since: datetime | None = None
    down_reason: str | None = None
    leaving: str | None = None
    tried: tuple[str, ...] = ()
    revision: int = 0


def went_down(cohort: Cohort, *, reason: str, at: datetime) -> Cohort:
    """Down already for the same reason: the same cohort."""
    if cohort.down_since is not None and cohort.down_reason == reason:
        return cohort
    return _changed(cohort, down_since=cohort.down_since or at, down_reason=reason)


def came_back(cohort: Cohort) -> Cohort:
    return cohort if cohort.down_since is None else _changed(cohort, down_since=None, down_reason=None)


def next_engine(cohort: Cohort, engines: tuple[str, ...]) -> str | None:
    """The first in the installation's order that this delivery has not left, nor has now."""
    return next((each for each in engines if each != cohort.engine and each not in cohort.tried), None)


def must_move(cohort: Cohort, engines: tuple[str, ...], *, patience: timedelta | None, at: datetime) -> bool:
    """Whether the engine was down for so long that the whole delivery goes to the next. None: never by itself."""
    return (
        patience is not None
        and cohort.down_since is not None
        and at - cohort.down_since >= patience
        and next_engine(cohort, engines) is not None
    )


def moved(cohort: Cohort, engine: str, *, at: datetime) -> Cohort:
    """Bound to the next engine; what the last one scored is still to be queued again (`leaving`)."""
    return _changed(
        cohort,
        engine=engine,
        engine_version="",
        bound_at=at,
        down_since=None,
        down_reason=None,
        leaving=cohort.engine,
        tried=(*cohort.tried, cohort.engine),
    )


def rescored(cohort: Cohort) -> Cohort:
    """Everything that the last engine scored is queued."""
    return cohort if cohort.leaving is None else _changed(cohort, leaving=None)


def _changed(cohort: Cohort, **changes: object) -> Cohort:
    return replace(cohort, revision=cohort.revision + 1, **changes)  # type: ignore[arg-type] # Cohort's own fields
