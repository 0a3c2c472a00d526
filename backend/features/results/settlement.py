"""From scored responses to a result: pure, so the same responses, form and scale always give the same result."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from backend.core.errors import Conflict
from backend.features.assessments.model import Delivery
from backend.features.attempts.model import Attempt
from backend.features.attempts.paper import Paper, PaperItem
from backend.features.attempts.responses import Response, ResponseState
from backend.features.results.model import (
    ItemOutcome,
    ItemState,
    Outcome,
    Result,
    TraitPoints,
    TraitResult,
    Versions,
    number_of,
    result_id,
)
from backend.scoring.scales import Scale, ScaledOutcome, scale_attempt
from backend.scoring.score import ItemScore, ScoreStatus, Trait


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """All that an attempt's result is made of. `responses` in any order."""

    attempt: Attempt
    delivery: Delivery
    paper: Paper
    responses: tuple[Response, ...]
    scale: Scale
    software: str


def check_complete(sitting: Sitting) -> None:
    """Refuses while the attempt runs or an answer still waits to be scored, or needs a person's decision."""
    if not sitting.attempt.is_over:
        raise Conflict("attempt_running", "This attempt is not over yet.")
    if any(response.is_waiting for response in sitting.responses):
        raise Conflict("still_scoring", "Some answers are still being scored.")
    if any(response.is_blocking for response in sitting.responses):
        raise Conflict("answers_unscored", "Some answers could not be scored: decide about them first.")


def settle(sitting: Sitting, *, previous: Result | None, now: datetime) -> Result:
    """The attempt's next result. When nothing changed since `previous`, `previous` itself.

    Refused as `check_complete` does. Items without a score are left out of the scale and counted as missing.
    """
    check_complete(sitting)
    verdicts = _verdicts(sitting)
    scaled = scale_attempt([score for _, score in verdicts], sitting.scale)
    items = tuple(_outcome_of(item, score) for item, score in verdicts)
    outcome = replace(_outcome(scaled, sitting.scale), typing=_typing(verdicts))
    versions = _versions(sitting, scaled, items)
    fingerprint = _fingerprint(sitting, outcome, items, versions)
    if previous is not None and previous.fingerprint == fingerprint:
        return previous
    settlement = 1 if previous is None else previous.settlement + 1
    attempt, delivery = sitting.attempt, sitting.delivery
    return Result(
        id=result_id(attempt.id, settlement),
        attempt_id=attempt.id,
        settlement=settlement,
        supersedes=None if previous is None else previous.id,
        number=number_of(attempt.id),
        delivery_id=attempt.delivery_id,
        campus_id=attempt.campus_id,
        student_id=attempt.student_id,
        title=delivery.title,
        completed_at=attempt.submitted_at or now,
        time_zone=delivery.time_zone,
        outcome=outcome,
        items=items,
        versions=versions,
        fingerprint=fingerprint,
        settled_at=now,
    )


def _verdicts(sitting: Sitting) -> list[tuple[PaperItem, ItemScore]]:
    """Every item that counts with its score, in the form's order."""
    responses = {response.position: response for response in sitting.responses}
    feeds = {part.letter: frozenset(Trait(name) for name in part.traits) for part in sitting.paper.sections}
    return [
        (item, _score_of(item, responses.get(item.position), feeds.get(item.section_letter, frozenset())))
        for item in sitting.paper.items
        if not item.practice
    ]


def _score_of(item: PaperItem, response: Response | None, feeds: frozenset[Trait]) -> ItemScore:
    if response is None:
        return _no_score(item, "not_reached", feeds)
    if response.state is ResponseState.MISSING:
        return _no_score(item, response.reason or "no_recording", feeds)
    if response.score is not None and response.state in (ResponseState.SCORED, ResponseState.NEEDS_RATER):
        return ItemScore.from_dict(response.score)
    if response.state is ResponseState.NEEDS_RATER:
        return ItemScore(task=item.task, scorer_version="", status=ScoreStatus.NEEDS_RATER)
    return _no_score(item, response.reason or "not_scored", feeds)


def _no_score(item: PaperItem, reason: str, feeds: frozenset[Trait]) -> ItemScore:
    """Missing from what its part feeds: a task that is chosen does not say it, and its key is not read here."""
    return ItemScore(task=item.task, scorer_version="", status=ScoreStatus.NEEDS_HUMAN, reason=reason, feeds=feeds)


_STATES = {ScoreStatus.SCORED: ItemState.SCORED, ScoreStatus.NEEDS_RATER: ItemState.FOR_RATER}
_ABSENT = {
    "not_reached": ItemState.NOT_REACHED,
    "no_recording": ItemState.NO_RECORDING,
    "no_answer": ItemState.NO_ANSWER,
}


def _outcome_of(item: PaperItem, score: ItemScore) -> ItemOutcome:
    state = _STATES.get(score.status) or _ABSENT.get(score.reason or "", ItemState.NOT_SCORED)
    return ItemOutcome(
        position=item.position,
        task=item.task,
        item_id=item.item_id,
        item_version=item.item_version,
        state=state,
        points={
            trait.value: TraitPoints(value=round(points.value, 4), weight=round(points.weight, 4))
            for trait, points in score.points.items()
        },
        confidence=round(score.confidence, 4),
        scorer_version=score.scorer_version,
        engine=_engine_of(score.explanation),
        calibration=str(score.explanation.get("calibration") or ""),
        reason=score.reason,
    )


def _engine_of(explanation: Mapping[str, object]) -> str:
    engine = explanation.get("engine")
    if not isinstance(engine, Mapping) or not engine.get("name"):
        return ""
    return f"{engine['name']} {engine.get('version', '')}".strip()


def _outcome(scaled: ScaledOutcome, scale: Scale) -> Outcome:
    return Outcome(
        overall=scaled.overall,
        band=scaled.band,
        sem=_rounded(scaled.sem),
        subscores=tuple(
            TraitResult(
                trait=trait.trait.value,
                value=each.value,
                band=each.band,
                sem=_rounded(each.sem),
                n_items=each.n_items,
                n_missing=each.n_missing,
                confidence=round(each.confidence, 4),
            )
            for trait in scale.traits
            for each in (scaled.subscores[trait.trait],)
        ),
        intelligibility=scaled.intelligibility,
        confidence=round(scaled.confidence, 4),
        n_items=scaled.n_items,
        n_missing=scaled.n_missing,
        warnings=scaled.warnings,
    )


def _typing(verdicts: Sequence[tuple[PaperItem, ItemScore]]) -> dict[str, float]:
    """Speed and accuracy, where typing was tested and measured."""
    found = [
        score.explanation for _, score in verdicts if score.task == "typing" and score.status is ScoreStatus.SCORED
    ]
    return {name: float(found[0][name]) for name in ("words_per_minute", "accuracy")} if found else {}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _versions(sitting: Sitting, scaled: ScaledOutcome, items: Sequence[ItemOutcome]) -> Versions:
    return Versions(
        format_id=sitting.delivery.format_id,
        format_version=sitting.delivery.format_version,
        form_id=sitting.attempt.form_id,
        scale_id=scaled.scale_id,
        scale_version=scaled.scale_version,
        cut_table_id=scaled.cut_table_id,
        scorers=_distinct(item.scorer_version for item in items),
        engines=_distinct(item.engine for item in items),
        calibrations=_distinct(item.calibration for item in items),
        software=sitting.software,
    )


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if name}))


def _fingerprint(sitting: Sitting, outcome: Outcome, items: Sequence[ItemOutcome], versions: Versions) -> str:
    """Hash of what was settled. The software's version is left out: a new release alone makes no new result."""
    content = {
        "attempt": sitting.attempt.id,
        # Results from before typing was measured keep their fingerprints.
        "outcome": {name: value for name, value in asdict(outcome).items() if name != "typing" or value},
        "items": [asdict(item) for item in items],
        "versions": {name: value for name, value in asdict(versions).items() if name != "software"},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
