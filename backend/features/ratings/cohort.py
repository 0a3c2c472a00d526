"""Which speech engine a delivery is heard by: one for all its answers, so that nobody is judged by another ear; and
which versions of it they were heard by, because an upgrade is another ear too. Pure.

(none) --first answer with words--> bound --engine fails--> down --it answers--> bound
bound --engine fails at one answer alone--> bound: the failure is that answer's
down --for as long as the installation waits--> leaving for the next engine --all queued--> bound to that one
bound, down --staff decide so--> leaving for the engine that they chose --all queued--> bound to that one
bound, heard by several versions --staff decide so--> leaving the older ones --all queued--> bound, the same engine
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backend.core.errors import Conflict, RuleViolation

REASON_MAX = 500
_ENOUGH = 2
# So long a single answer waits for an engine, where nothing else could show whether the engine is down.
_ALONE_AT_MOST = timedelta(hours=1)
REASON_WANTED = "Say why: whoever looks at the scores later may ask."


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineMove:
    """From one engine to another. `by`: the account that decided, None where the engine was down for too long;
    `reason`: in their words, or the failure's code."""

    at: datetime
    from_engine: str
    to_engine: str
    by: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """`id` is the delivery's. `down_since`: since when its engine fails; `failing`: the answers that it failed at since
    it last answered, at most two, which is enough to know that it is no single answer's fault. `leaving`: the engine
    whose scores are being taken again (None: none); `tried`: engines that this delivery has left and not come back to,
    in order; `moves`: every change of engine, the oldest first. `versions`: the whole versions of what heard its
    answers (`Evidence.heard_by`), the latest last; of answers from before they were kept, none."""

    id: str
    campus_id: str
    engine: str
    engine_version: str
    bound_at: datetime
    down_since: datetime | None = None
    down_reason: str | None = None
    failing: tuple[str, ...] = ()
    leaving: str | None = None
    tried: tuple[str, ...] = ()
    moves: tuple[EngineMove, ...] = ()
    versions: tuple[str, ...] = ()
    revision: int = 0


def went_down(cohort: Cohort, response_id: str, *, reason: str, at: datetime) -> Cohort:
    """Down already for the same reason, and known to fail at this answer or at two: the same cohort."""
    failing = cohort.failing if response_id in cohort.failing else (*cohort.failing, response_id)[:_ENOUGH]
    if (cohort.down_since is not None, cohort.down_reason, cohort.failing) == (True, reason, failing):
        return cohort
    return _changed(cohort, down_since=cohort.down_since or at, down_reason=reason, failing=failing)


def fails_at_one(
    cohort: Cohort, response_id: str, *, failed_before: bool, patience: timedelta | None, at: datetime
) -> bool:
    """Whether its engine's failure is this answer's own: it failed at no other since it last answered; and it answered
    since it first failed at this one (`failed_before`), or did not for as long as the installation waits, or an hour
    where that waits for ever."""
    if any(each != response_id for each in cohort.failing):
        return False
    if cohort.down_since is None:
        return failed_before
    return at - cohort.down_since >= (patience or _ALONE_AT_MOST)


def failed_at_one(cohort: Cohort, response_id: str) -> Cohort:
    """Not down: it fails at this answer alone. Noted already: the same cohort."""
    if cohort.down_since is None and cohort.failing == (response_id,):
        return cohort
    return _changed(cohort, down_since=None, down_reason=None, failing=(response_id,))


def came_back(cohort: Cohort) -> Cohort:
    if cohort.down_since is None and not cohort.failing:
        return cohort
    return _changed(cohort, down_since=None, down_reason=None, failing=())


def heard(cohort: Cohort, *, engine_version: str, heard_by: str) -> Cohort:
    """After an answer that its engine heard. By the version that was the latest already: the same cohort."""
    if cohort.versions[-1:] == (heard_by,):
        return cohort
    rest = (each for each in cohort.versions if each != heard_by)
    return _changed(cohort, engine_version=engine_version, versions=(*rest, heard_by))


def latest_version(cohort: Cohort) -> str | None:
    """Of its engine; None: nothing was heard by it since versions are kept."""
    return next(reversed(_own_versions(cohort)), None)


def older_versions(cohort: Cohort) -> tuple[str, ...]:
    """Those of its engine, but for the latest, by which answers may have been heard."""
    return _own_versions(cohort)[:-1]


def _own_versions(cohort: Cohort) -> tuple[str, ...]:
    return tuple(each for each in cohort.versions if each.startswith(f"{cohort.engine} "))


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


def others(cohort: Cohort, engines: tuple[str, ...]) -> tuple[str, ...]:
    """The engines of the installation that this delivery could be moved to."""
    return tuple(each for each in engines if each != cohort.engine)


def check_move(cohort: Cohort, engine: str, engines: tuple[str, ...], *, reason: str) -> None:
    """Refuses an engine that is not set up, or is the delivery's already in one version, and a move without a
    reason."""
    if engine == cohort.engine and not older_versions(cohort):
        raise Conflict("same_engine", "This test is scored by that engine already.")
    errors = {}
    if engine not in engines:
        errors["engine"] = ["Choose one of the engines that are set up."]
    if not reason.strip():
        errors["reason"] = [REASON_WANTED]
    elif len(reason.strip()) > REASON_MAX:
        errors["reason"] = [f"At most {REASON_MAX} characters."]
    if errors:
        raise RuleViolation("engine_not_moved", " ".join(each[0] for each in errors.values()), errors=errors)


def moved(cohort: Cohort, engine: str, *, by: str | None, reason: str, at: datetime) -> Cohort:
    """Bound to that engine; what others scored, or older versions of it, is still to be queued again (`leaving`)."""
    move = EngineMove(at=at, from_engine=cohort.engine, to_engine=engine, by=by, reason=reason.strip())
    stays = engine == cohort.engine
    older = older_versions(cohort) if stays else ()
    return _changed(
        cohort,
        engine=engine,
        engine_version=cohort.engine_version if stays else "",
        bound_at=at,
        down_since=None,
        down_reason=None,
        failing=(),
        leaving=cohort.engine,
        tried=(
            *(each for each in cohort.tried if each not in (engine, cohort.engine)),
            *(() if stays else (cohort.engine,)),
        ),
        moves=(*cohort.moves, move),
        versions=tuple(each for each in cohort.versions if each not in older),
    )


def rescored(cohort: Cohort) -> Cohort:
    """Everything that another engine or version scored is queued."""
    return cohort if cohort.leaving is None else _changed(cohort, leaving=None)


def _changed(cohort: Cohort, **changes: object) -> Cohort:
    return replace(cohort, revision=cohort.revision + 1, **changes)  # type: ignore[arg-type] # Cohort's own fields
