"""Results as they come out of scoring, with only the interesting part spelled out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from backend.adapters.speech.calibrations import SHIPPED
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

COMPLETED = datetime(2026, 11, 23, 5, 2, 17, tzinfo=UTC)
CUTS = (("<A1", 20), ("A1", 24), ("A2", 33), ("B1", 46), ("B2", 57), ("C1", 68), ("C2", 79))
TRAITS = ("sentence_mastery", "vocabulary", "fluency", "pronunciation")
TASKS: tuple[str, ...] = ("read_aloud",) * 5 + ("repeat",) * 10 + ("short_answer",) * 12 + ("sentence_build",) * 6
TASKS += ("retelling",) * 3 + ("open_question",) * 2
FEEDS = {
    "read_aloud": ("fluency", "pronunciation"),
    "repeat": ("sentence_mastery", "fluency", "pronunciation"),
    "short_answer": ("vocabulary",),
    "sentence_build": ("sentence_mastery", "fluency", "pronunciation"),
    "retelling": TRAITS,
}


def band_of(value: int) -> str:
    return next(band for band, lowest in reversed(CUTS) if value >= lowest)


def make_subscore(trait: str, value: int | None, **changes: object) -> TraitResult:
    subscore = TraitResult(
        trait=trait,
        value=value,
        band=None if value is None else band_of(value),
        sem=None if value is None else 2.8,
        n_items=2 if value is None else 19,
        n_missing=0,
        confidence=0.2 if value is None else 0.78,
    )
    return replace(subscore, **changes)  # type: ignore[arg-type] # TraitResult's own fields


def make_outcome(
    sentence_mastery: int | None = 58,
    vocabulary: int | None = 63,
    fluency: int | None = 52,
    pronunciation: int | None = 55,
    **changes: object,
) -> Outcome:
    values = (sentence_mastery, vocabulary, fluency, pronunciation)
    known = [value for value in values if value is not None]
    overall = None
    if len(known) == 4:
        overall = round(0.3 * known[0] + 0.2 * known[1] + 0.3 * known[2] + 0.2 * known[3])
    outcome = Outcome(
        overall=overall,
        band=None if overall is None else band_of(overall),
        sem=None if overall is None else 2.4,
        subscores=tuple(make_subscore(trait, value) for trait, value in zip(TRAITS, values, strict=True)),
        intelligibility=None if pronunciation is None else "Mostly easy to understand",
        confidence=0.76,
        n_items=36,
        n_missing=0,
        warnings=(),
    )
    return replace(outcome, **changes)  # type: ignore[arg-type] # Outcome's own fields


def make_items(tasks: Sequence[str] = TASKS, **states: ItemState) -> tuple[ItemOutcome, ...]:
    """One item a task; `p3=ItemState.NOT_SCORED` says how the item at position 3 ended."""
    return tuple(_item(position, task, states.get(f"p{position}")) for position, task in enumerate(tasks))


def _item(position: int, task: str, state: ItemState | None) -> ItemOutcome:
    ended = state or (ItemState.FOR_RATER if task == "open_question" else ItemState.SCORED)
    scored = ended is ItemState.SCORED
    points = {trait: TraitPoints(value=0.74, weight=1.0) for trait in FEEDS.get(task, ())} if scored else {}
    return ItemOutcome(
        position=position,
        task=task,
        item_id=f"item{position}",
        item_version=1,
        state=ended,
        points=points,
        confidence=0.8 if scored else 0.0,
        scorer_version=f"{task}-1" if ended is not ItemState.NOT_REACHED else "",
        engine="offline 1" if scored else "",
        calibration=SHIPPED if scored else "",
        reason=None if scored or task == "open_question" else "noise_only",
    )


def make_result(attempt_id: str = "attempt_asha", *, settlement: int = 1, **changes: object) -> Result:
    result = Result(
        id=result_id(attempt_id, settlement),
        attempt_id=attempt_id,
        settlement=settlement,
        supersedes=None if settlement == 1 else result_id(attempt_id, settlement - 1),
        number=number_of(attempt_id),
        delivery_id="delivery",
        campus_id="north",
        student_id="asha",
        title="Spoken English, November",
        completed_at=COMPLETED,
        time_zone="Asia/Kolkata",
        outcome=make_outcome(),
        items=make_items(),
        versions=Versions(
            format_id="versant_style_short",
            format_version="1",
            form_id="form_one",
            scale_id="versant_style_20_80",
            scale_version="1",
            cut_table_id="cefr_20_80_placement",
            scorers=("read_aloud-1", "repeat-1", "retelling-1", "sentence_build-1", "short_answer-1"),
            engines=("offline 1",),
            calibrations=(SHIPPED,),
            software="viva 0.1.0",
        ),
        fingerprint=f"fingerprint-{settlement}",
        settled_at=COMPLETED.replace(minute=9),
    )
    return replace(result, **changes)  # type: ignore[arg-type] # Result's own fields
