"""Promises of the scale, as properties; and that a lack of evidence is never a zero."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from backend.scoring.scales import (
    TASK_TRAITS,
    Cut,
    CutTable,
    InvalidScale,
    Scale,
    ScaledOutcome,
    scale_attempt,
    scale_from_dict,
)
from backend.scoring.score import ItemScore, Points, ScoreStatus, Trait

CONFIG = Path(__file__).resolve().parents[3] / "config" / "scales"
RAW: dict[str, Any] = yaml.safe_load((CONFIG / "versant_style_20_80-4.yaml").read_text())
FIRST, SECOND, THIRD = (
    scale_from_dict(yaml.safe_load((CONFIG / name).read_text()))
    for name in ("versant_style_20_80.yaml", "versant_style_20_80-2.yaml", "versant_style_20_80-3.yaml")
)
SCALE = scale_from_dict(RAW)
SHARES = st.floats(min_value=0, max_value=1, allow_nan=False)
TASKS = [task for task, traits in TASK_TRAITS.items() if traits]


def item(task: str, value: float, *, confidence: float = 0.8) -> ItemScore:
    points = {trait: Points(value=value) for trait in TASK_TRAITS[task]}
    return ItemScore(task=task, scorer_version="t-1", status=ScoreStatus.SCORED, points=points, confidence=confidence)


def unscored(task: str, *, reason: str = "noise_only") -> ItemScore:
    return ItemScore(task=task, scorer_version="t-1", status=ScoreStatus.NEEDS_HUMAN, reason=reason)


def silent(task: str) -> ItemScore:
    return replace(item(task, 0.0), reason="no_speech")


def form(value: float) -> list[ItemScore]:
    counts = {"read_aloud": 4, "repeat": 6, "short_answer": 8, "sentence_build": 5, "retelling": 1}
    return [item(task, value) for task, count in counts.items() for _ in range(count)]


ATTEMPTS = st.lists(st.tuples(st.sampled_from(TASKS), SHARES), min_size=1, max_size=25)


def attempt(pairs: list[tuple[str, float]]) -> list[ItemScore]:
    return [item(task, value) for task, value in pairs]


def test_the_ends_of_the_scale_are_reached() -> None:
    assert scale_attempt(form(1.0), SCALE).overall == 80
    assert scale_attempt(form(0.0), SCALE).overall == 20
    assert scale_attempt(form(1.0), SCALE).band == "C2"
    assert scale_attempt(form(0.0), SCALE).band == "<A1"


@given(ATTEMPTS, st.data())
def test_more_points_never_lower_any_score(pairs: list[tuple[str, float]], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(pairs) - 1))
    task, value = pairs[at]
    better = [*pairs[:at], (task, data.draw(st.floats(min_value=value, max_value=1))), *pairs[at + 1 :]]
    before, after = scale_attempt(attempt(pairs), SCALE), scale_attempt(attempt(better), SCALE)
    for trait in before.subscores:
        low, high = before.subscores[trait].value, after.subscores[trait].value
        assert (low is None) == (high is None)
        assert low is None or high is None or low <= high
    assert before.overall is None or after.overall is None or before.overall <= after.overall


@given(st.lists(SHARES, min_size=2, max_size=8))
def test_scaling_never_reorders_candidates(shares: list[float]) -> None:
    scores = [scale_attempt(form(share), SCALE).overall for share in sorted(shares)]
    assert all(score is not None for score in scores)
    assert scores == sorted(scores, key=lambda score: score or 0)


@given(SHARES, st.integers(1, 6), st.integers(1, 10))
def test_raising_a_cut_never_raises_a_band(share: float, which: int, by: int) -> None:
    cuts = list(SCALE.cut_table.cuts)
    ceiling = cuts[which + 1].lowest - 1 if which + 1 < len(cuts) else SCALE.highest
    cuts[which] = Cut(band=cuts[which].band, lowest=min(cuts[which].lowest + by, ceiling))
    stricter = replace(SCALE, cut_table=CutTable(id="s", source="s", cuts=tuple(cuts)))
    order = [cut.band for cut in cuts]
    before, after = scale_attempt(form(share), SCALE).band, scale_attempt(form(share), stricter).band
    assert before is not None
    assert after is not None
    assert order.index(after) <= order.index(before)


@given(ATTEMPTS)
def test_scores_stay_on_the_scale_and_carry_an_error(pairs: list[tuple[str, float]]) -> None:
    outcome = scale_attempt(attempt(pairs), SCALE)
    for subscore in outcome.subscores.values():
        if subscore.value is None:
            assert subscore.insufficient_evidence
        else:
            assert 20 <= subscore.value <= 80
            assert subscore.sem is not None
            assert subscore.sem >= 1


@given(ATTEMPTS, st.lists(st.sampled_from(TASKS), min_size=1, max_size=5))
def test_what_could_not_be_scored_changes_no_number(pairs: list[tuple[str, float]], failed: list[str]) -> None:
    before = scale_attempt(attempt(pairs), SCALE)
    after = scale_attempt([*attempt(pairs), *(unscored(task) for task in failed)], SCALE)
    assert numbers(after) == numbers(before)
    assert after.n_missing == len(failed)
    assert "items_missing" in after.warnings


def numbers(outcome: ScaledOutcome) -> list[int | None]:
    return [outcome.overall, *(each.value for each in outcome.subscores.values())]


def test_too_little_evidence_is_no_number_and_never_a_zero() -> None:
    outcome = scale_attempt([item("read_aloud", 0.9) for _ in range(6)], SCALE)
    assert outcome.overall is None
    assert outcome.band is None
    assert outcome.subscores[Trait.FLUENCY].value is not None
    vocabulary = outcome.subscores[Trait.VOCABULARY]
    assert (vocabulary.value, vocabulary.band, vocabulary.insufficient_evidence) == (None, None, True)
    assert "insufficient_evidence" in outcome.warnings


def test_nothing_at_all_is_no_number() -> None:
    outcome = scale_attempt([], SCALE)
    assert outcome.overall is None
    assert all(subscore.insufficient_evidence for subscore in outcome.subscores.values())


def test_silence_in_a_few_items_counts_as_zero() -> None:
    some = [*form(0.8), *(silent("repeat") for _ in range(3))]
    assert (scale_attempt(some, SCALE).overall or 0) < (scale_attempt(form(0.8), SCALE).overall or 0)


def test_an_attempt_of_silence_is_not_scored_but_looked_at() -> None:
    outcome = scale_attempt([silent(task) for task in TASKS for _ in range(6)], SCALE)
    assert outcome.overall is None
    assert "mostly_silent" in outcome.warnings
    assert all(subscore.value is None for subscore in outcome.subscores.values())


def test_a_missing_item_lowers_the_confidence() -> None:
    assert (
        scale_attempt([*form(0.7), unscored("repeat")], SCALE).confidence < scale_attempt(form(0.7), SCALE).confidence
    )


def test_low_confidence_is_a_warning() -> None:
    doubtful = [replace(each, confidence=0.3) for each in form(0.7)]
    assert "low_confidence" in scale_attempt(doubtful, SCALE).warnings


def test_more_items_make_a_smaller_error() -> None:
    few = scale_attempt(form(0.6), SCALE).subscores[Trait.FLUENCY].sem
    many = scale_attempt(form(0.6) * 3, SCALE).subscores[Trait.FLUENCY].sem
    assert few is not None
    assert many is not None
    assert many < few


def test_what_the_machine_gets_wrong_in_every_item_stays_however_many_there_are() -> None:
    many = form(0.6) * 20
    sems = [scale_attempt(many, scale).subscores[Trait.PRONUNCIATION].sem or 0 for scale in (FIRST, SCALE)]
    assert sems[0] < 2 < 3.5 < sems[1]


@given(ATTEMPTS)
def test_later_versions_move_errors_and_nothing_else(pairs: list[tuple[str, float]]) -> None:
    now = numbers(scale_attempt(attempt(pairs), SCALE))
    assert all(numbers(scale_attempt(attempt(pairs), each)) == now for each in (FIRST, SECOND, THIRD))


def weighted(outcome: ScaledOutcome, *, above: float = 0) -> list[float]:
    """The subscores' errors, each times its weight in the overall; smaller ones are left out."""
    total = sum(trait.weight for trait in SCALE.traits)
    sems = [(trait.weight / total, outcome.subscores[trait.trait].sem or 0) for trait in SCALE.traits]
    return [weight * sem for weight, sem in sems if sem > above]


@given(ATTEMPTS)
def test_the_overalls_error_lies_between_independent_errors_and_the_same_one(pairs: list[tuple[str, float]]) -> None:
    outcome, before = (scale_attempt(attempt(pairs), each) for each in (SCALE, THIRD))
    assert (outcome.sem is None) == (before.sem is None)
    if outcome.sem is not None and before.sem is not None:
        assert before.sem == pytest.approx(sum(weighted(before)))
        assert outcome.sem <= before.sem + 1e-9
        assert outcome.sem >= math.hypot(*weighted(outcome, above=1)) - 1e-9


def one_scale(**points: tuple[str, ...]) -> Scale:
    """Two subscores, half each, of the named tasks; `machine_sd` nowhere."""
    curve = [[0.0, 20], [1.0, 80]]
    traits = {
        name: {"weight": 50, "min_items": 2, "prior_sd": 0.4, "curve": curve, "sources": {key: [name] for key in tasks}}
        for name, tasks in points.items()
    }
    return scale_from_dict(RAW | {"traits": traits})


def chosen(task: str, value: float) -> ItemScore:
    points = {trait: Points(value=value) for trait in (Trait.LISTENING, Trait.READING)}
    return ItemScore(task=task, scorer_version="t-1", status=ScoreStatus.SCORED, points=points, confidence=0.8)


CHOSEN_ITEMS = [chosen(task, value) for task in ("gap_fill", "matching") for value in (0.2, 0.9, 0.4, 0.7, 0.5)]


def test_subscores_of_different_answers_add_up_as_the_root_of_squares() -> None:
    outcome = scale_attempt(CHOSEN_ITEMS, one_scale(listening=("gap_fill",), reading=("matching",)))
    errors = [each.sem or 0 for each in outcome.subscores.values()]
    assert outcome.sem == pytest.approx(math.hypot(*errors) / 2)


def test_subscores_of_the_same_answers_have_one_error() -> None:
    both = ("gap_fill", "matching")
    outcome = scale_attempt(CHOSEN_ITEMS, one_scale(listening=both, reading=both))
    errors = [each.sem or 0 for each in outcome.subscores.values()]
    assert outcome.sem == pytest.approx(sum(errors) / 2)


def test_what_the_machine_gets_wrong_adds_up_whatever_the_answers() -> None:
    """A hundred times the answers: hardly any error is left but the machine's."""
    outcome = scale_attempt(form(0.6) * 100, SCALE)
    assert outcome.sem == pytest.approx(sum(weighted(outcome)), rel=0.05)


def test_the_outcome_names_its_tables() -> None:
    plain = scale_attempt(form(0.7), SCALE).to_dict()
    assert (plain["scale_id"], plain["scale_version"], plain["cut_table_id"]) == (
        "versant_style_20_80",
        "4",
        "cefr_20_80_placement",
    )


@pytest.mark.parametrize("path", sorted(CONFIG.glob("versant*.yaml")), ids=lambda path: path.stem)
def test_every_scale_in_the_folder_is_valid(path: Path) -> None:
    scale: Scale = scale_from_dict(yaml.safe_load(path.read_text()))
    assert path.stem in (scale.id, f"{scale.id}-{scale.version}")
    assert {trait.trait for trait in scale.traits} <= set(Trait)
    assert scale.cut_table.source


def broken(change: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(yaml.safe_dump(RAW))
    data["traits"]["fluency"] |= change.get("fluency", {})
    data["cut_table"] |= change.get("cut_table", {})
    return data


@pytest.mark.parametrize(
    "change",
    [
        {"fluency": {"curve": [[0, 20], [0.5, 60], [1, 50]]}},
        {"fluency": {"curve": [[0.1, 20], [1, 80]]}},
        {"fluency": {"curve": [[0, 10], [1, 80]]}},
        {"fluency": {"weight": 0}},
        {"fluency": {"min_items": 0}},
        {"cut_table": {"cuts": [{"band": "A1", "lowest": 30}]}},
        {"cut_table": {"cuts": [{"band": "A1", "lowest": 20}, {"band": "A2", "lowest": 20}]}},
    ],
)
def test_a_table_that_would_break_a_promise_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidScale):
        scale_from_dict(broken(change))
