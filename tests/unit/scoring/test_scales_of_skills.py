"""Scales that say which points count for which subscore, and the gate of typing."""

from collections import Counter

import pytest

from backend.adapters.scales.files import FileScales
from backend.scoring.scales import Scale, scale_attempt
from backend.scoring.score import ItemScore, Points, ScoreStatus, Trait
from scripts.simulate_choices import FORM, study
from tests.support.bank import real_formats

SCALES = FileScales()
SKILLS, WRITING = SCALES.get_newest("skills_20_80"), SCALES.get_newest("writing_20_80")


def item(task: str, **values: float) -> ItemScore:
    points = {Trait(name): Points(value=value) for name, value in values.items()}
    return ItemScore(task=task, scorer_version="1", status=ScoreStatus.SCORED, points=points, confidence=0.9)


def typing(words_per_minute: float, accuracy: float) -> ItemScore:
    return ItemScore(
        task="typing",
        scorer_version="1",
        status=ScoreStatus.SCORED,
        confidence=0.9,
        explanation={"words_per_minute": words_per_minute, "accuracy": accuracy},
    )


def written(value: float) -> list[ItemScore]:
    return [
        *(item("dictation", listening=value, writing=value) for _ in range(4)),
        *(item("sentence_completion", vocabulary=value) for _ in range(4)),
        item("passage_reconstruction", reading_comprehension=value, grammar=value),
        item("email", grammar=value, vocabulary=value, organization=value, voice_and_tone=value),
    ]


def test_the_same_answer_counts_for_what_the_scale_says():
    scores = [
        *(item("repeat", sentence_mastery=1.0, fluency=0.0, pronunciation=0.0) for _ in range(4)),
        *(item("sentence_completion", vocabulary=0.5) for _ in range(4)),
        *(item("dictation", listening=1.0, writing=0.0) for _ in range(4)),
    ]
    found = scale_attempt(scores, SKILLS).subscores
    assert found[Trait.LISTENING].value == 80
    assert found[Trait.SPEAKING].value == 20
    assert found[Trait.READING].value == 45
    assert found[Trait.WRITING].value == 20


def test_a_missing_answer_is_missing_from_exactly_what_it_feeds():
    lost = ItemScore(task="email", scorer_version="", status=ScoreStatus.NEEDS_HUMAN)
    found = scale_attempt([*written(0.7)[:-1], lost], WRITING).subscores
    assert found[Trait.VOICE_AND_TONE].n_missing == 1
    assert found[Trait.VOICE_AND_TONE].insufficient_evidence
    assert found[Trait.READING_COMPREHENSION].n_missing == 0


@pytest.mark.parametrize(
    ("speed", "accuracy", "counts"), [(30, 0.97, True), (12.1, 0.9, True), (12, 0.97, False), (30, 0.89, False)]
)
def test_a_writing_score_counts_only_for_those_who_can_type(speed, accuracy, counts):
    outcome = scale_attempt([*written(0.7), typing(speed, accuracy)], WRITING)
    assert (outcome.overall is not None) is counts
    assert ("typing_too_slow" in outcome.warnings) is not counts
    assert all((each.value is not None) is counts for each in outcome.subscores.values())


def test_without_a_typing_item_nothing_is_withheld():
    assert scale_attempt(written(0.7), WRITING).overall is not None


def test_slow_typing_withholds_writing_only_where_other_skills_do_not_need_it():
    scores = [*written(0.8), *(item("repeat", sentence_mastery=1.0, fluency=1.0, pronunciation=1.0) for _ in range(4))]
    outcome = scale_attempt([*scores, typing(5, 0.99)], SKILLS)
    assert outcome.subscores[Trait.WRITING].value is None
    assert outcome.subscores[Trait.SPEAKING].value == 80
    assert outcome.overall is None


@pytest.mark.parametrize("scale", [SKILLS, WRITING], ids=lambda scale: scale.id)
def test_more_points_never_lower_a_score(scale: Scale):
    values = [scale_attempt(written(share / 10), scale) for share in range(11)]
    for trait in values[0].subscores:
        found = [outcome.subscores[trait].value for outcome in values]
        known = [value for value in found if value is not None]
        assert known == sorted(known)


def test_guessing_earns_the_bottom_and_every_level_its_band():
    """Simulated candidates over the listening and reading form; see docs/scoring/scale.md."""
    scale = SCALES.get_newest("listening_reading_20_80")
    found = study(scale, candidates=60, seed=1)
    assert found["guessing"]["mean"] < 24
    overall = found["overall"]
    assert abs(overall["sem_reported"] - overall["error_between_sittings"]) < 1.2
    edges = [(cut.band, cut.lowest) for cut in scale.cut_table.cuts[1:]]
    assert all(abs(found[f"edge_{band}"]["mean"] - lowest) < 5 for band, lowest in edges)


def test_the_simulated_form_is_as_long_as_the_one_that_ships():
    (format_,) = [each for each in real_formats() if each.id == "listening_reading"]
    shipped: Counter[str] = Counter()
    simulated: Counter[str] = Counter()
    for part in format_.sections:
        shipped[part.traits[0]] += part.items
    for trait, _, counts, _, _ in FORM:
        simulated[trait.value] += sum(counts)
    assert simulated == shipped == {"listening": 22, "reading": 35}
