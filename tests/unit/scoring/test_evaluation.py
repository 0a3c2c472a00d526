"""The figures of `make evaluate`."""

import json
import math

import numpy as np
import pytest

from scripts.calibration_fit import kappa_of_marks
from scripts.evaluate_scoring import group_agreement


def test_marks_that_round_alike_agree_wholly_and_chance_does_not() -> None:
    marks = np.array([2.0, 5.0, 8.0, 9.0])
    assert kappa_of_marks(marks + 0.4, marks) == 1
    assert kappa_of_marks(np.array([12.0, -3.0]), np.array([10.0, 0.0])) == 1
    assert kappa_of_marks(marks[::-1], marks) < 0


@pytest.mark.parametrize("marks", [[], [7.0], [7.0, 7.0, 7.0]])
def test_what_is_not_defined_for_a_group_is_null_in_json(marks: list[float]) -> None:
    found = group_agreement(np.array(marks), np.array(marks))
    assert found["pearson"] is None
    assert set(json.loads(json.dumps(found, allow_nan=False))) == {"pearson", "rmse", "qwk"}
    assert math.isnan(kappa_of_marks(np.array(marks), np.array(marks)))
