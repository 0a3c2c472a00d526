"""The simulated study: its parts do what the page says of them."""

import numpy as np
import pytest
import yaml

from backend.scoring.scales import scale_from_dict
from scripts.simulate_reliability import FORM, SCALE, Candidate, Sitting, draw_candidates, halves, study


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, float]]:
    return study(scale_from_dict(yaml.safe_load(SCALE.read_text(encoding="utf-8"))), candidates=60, seed=3)


def test_abler_candidates_get_higher_scores_on_every_form(found: dict[str, dict[str, float]]) -> None:
    assert found["overall"]["split_half"] > 0.9
    assert found["overall"]["with_true_score"] > 0.9
    assert found["overall"]["two_forms"] > found["vocabulary"]["two_forms"]


def test_halves_share_the_form_task_by_task() -> None:
    someone = draw_candidates(1, np.random.default_rng(1))[0]
    one, other = halves(Sitting(someone, np.random.default_rng(2)).items())
    assert len(one) + len(other) == sum(FORM.values()) == 61
    assert sum(item.task == "repeat" for item in one) == sum(item.task == "repeat" for item in other) == 8


def test_what_a_calibration_gets_wrong_for_a_voice_stays_with_it() -> None:
    fair = draw_candidates(1, np.random.default_rng(1))[0]
    favoured = Candidate(ability=fair.ability, bias={key: value + 0.2 for key, value in fair.bias.items()})

    def mean(candidate: Candidate) -> float:
        items = Sitting(candidate, np.random.default_rng(4)).items()
        return float(np.mean([points.value for item in items for points in item.points.values()]))

    assert mean(favoured) > mean(fair) + 0.02
