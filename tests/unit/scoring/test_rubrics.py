"""Rubrics, what they earn, and how agreement is measured."""

import random

import pytest
import yaml

from backend.adapters.rubrics.files import FOLDER, FileRubrics
from backend.scoring.agreement import agreement_of, weighted_kappa
from backend.scoring.rubrics import InvalidRubric, rubric_for, rubric_from_dict
from backend.scoring.scales import TASK_TRAITS
from backend.scoring.score import Trait

RUBRICS = FileRubrics()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_rubric_can_be_rated_by(path):
    rubric = rubric_from_dict(yaml.safe_load(path.read_text()))
    assert rubric.id == path.stem.split("-")[0]
    for task in rubric.tasks:
        lowest = {each.id: each.numbers[0] for each in rubric.criteria_for(task)}
        highest = {each.id: each.numbers[-1] for each in rubric.criteria_for(task)}
        assert set(rubric.points_of(task, highest)) == set(TASK_TRAITS[task])
        assert all(points.value == 1 for points in rubric.points_of(task, highest).values())
        assert all(points.value == 0 for points in rubric.points_of(task, lowest).values())


@pytest.mark.parametrize(
    "task", ["open_question", "read_aloud", "repeat", "sentence_build", "retelling", "short_answer", "email", "essay"]
)
def test_every_task_that_a_machine_may_distrust_has_a_rubric(task):
    assert RUBRICS.find_for(task) is not None


def test_a_task_is_asked_only_what_it_shows():
    rubric = RUBRICS.find_for("read_aloud")
    assert [each.id for each in rubric.criteria_for("read_aloud")] == ["fluency", "pronunciation"]
    assert [each.id for each in rubric.criteria_for("repeat")] == ["sentence", "fluency", "pronunciation"]
    writing = RUBRICS.find_for("essay")
    assert "tone" not in [each.id for each in writing.criteria_for("essay")]


def test_points_of_a_mean_lie_between_levels_and_never_fall():
    rubric = RUBRICS.find_for("repeat")
    values = [
        rubric.points_of("repeat", {"sentence": level / 2, "fluency": 3, "pronunciation": 3})[Trait.SENTENCE_MASTERY]
        for level in range(11)
    ]
    assert [point.value for point in values] == sorted(point.value for point in values)
    assert values[5].value == pytest.approx(0.5)


def test_the_newest_version_is_asked_and_old_ones_stay():
    data = yaml.safe_load((FOLDER / "right_or_wrong.yaml").read_text())
    versions = [rubric_from_dict({**data, "version": version}) for version in ("2", "10", "1")]
    assert rubric_for("short_answer", versions).version == "10"
    assert rubric_for("nothing", versions) is None


@pytest.mark.parametrize(
    "change",
    [
        {"levels": [{"level": 0, "points": 0, "text": "none"}]},
        {"levels": [{"level": 0, "points": 0.5, "text": "none"}, {"level": 1, "points": 0.5, "text": "some"}]},
        {"levels": [{"level": 1, "points": 0, "text": "none"}, {"level": 0, "points": 1, "text": "some"}]},
        {"traits": []},
    ],
    ids=["one level", "equal points", "falling", "trait without criterion"],
)
def test_a_rubric_that_cannot_be_rated_by_is_refused(change):
    data = yaml.safe_load((FOLDER / "right_or_wrong.yaml").read_text())
    data["criteria"] = [{**data["criteria"][0], **change}]
    with pytest.raises(InvalidRubric):
        rubric_from_dict(data)


# -- agreement ---------------------------------------------------------------------------------------------------------


def test_kappa_by_hand():
    """Both judges give 0, 1, 1, 2: sixteen pairs by chance have squared distances that add up to 16, so 1 is expected;
    2/4 is observed."""
    assert weighted_kappa([(0, 0), (1, 1), (1, 2), (2, 1)]) == pytest.approx(0.5)


def test_kappa_is_one_for_whole_agreement_and_near_nothing_for_chance():
    rng = random.Random(7)
    levels = [rng.randrange(6) for _ in range(4000)]
    assert weighted_kappa([(level, level) for level in levels]) == 1
    shuffled = rng.sample(levels, len(levels))
    assert abs(weighted_kappa(list(zip(levels, shuffled, strict=True)))) < 0.06


def test_nothing_is_claimed_where_it_is_not_defined():
    assert agreement_of([], (0, 1)).kappa is None
    assert agreement_of([(1, 1)], (0, 1)).kappa is None
    same = agreement_of([(1, 1), (1, 1)], (0, 1, 2))
    assert (same.kappa, same.exact, same.adjacent) == (None, 1, 1)
    far = agreement_of([(0, 2), (1, 1)], (0, 1, 2))
    assert (far.exact, far.adjacent) == (0.5, 0.5)
