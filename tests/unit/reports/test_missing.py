"""What a report says of the questions that do not count."""

import pytest

from backend.features.reports.model import missing_text
from backend.features.results.model import ItemState
from tests.support.builders_results import make_items, make_outcome, make_result

LEFT_OUT = "What is left out is not counted as wrong."


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({}, None),
        ({"p7": ItemState.NOT_SCORED}, f"One answer could not be scored and is left out. {LEFT_OUT}"),
        ({"p7": ItemState.NOT_REACHED}, f"One question was not reached and is left out. {LEFT_OUT}"),
        (
            {"p5": ItemState.NOT_SCORED, "p6": ItemState.NO_RECORDING, "p7": ItemState.NOT_REACHED}
            | {"p8": ItemState.NOT_REACHED},
            "2 answers could not be scored and are left out. 2 questions were not reached and are left out. "
            + LEFT_OUT,
        ),
    ],
)
def test_what_was_not_reached_was_not_hard_to_score(states, expected):
    result = make_result(items=make_items(**states), outcome=make_outcome(n_missing=len(states)))
    assert missing_text(result) == expected
