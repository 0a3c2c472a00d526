"""What a load run says of itself."""

import pytest

from scripts.load.cost import Comparison, Price
from scripts.load.records import Verdict
from scripts.load.report import Run, list_goals


def make_run(*, p99_ms: float = 250, viva_ms: float = 2, failures: dict[str, int] | None = None) -> Run:
    outcome = {"acknowledgement": {"p50": 9, "p99": p99_ms}, "failures": failures or {}, "lost": []}
    return Run(
        candidates=1,
        engine="secantusdb",
        machines=1,
        workers=1,
        outcome=outcome,
        verdict=Verdict(checked=1),
        costs={},
        comparison=Comparison(viva=Price(cpu_ms=viva_ms, p50_ms=2, saves=9), bare=Price(cpu_ms=1, p50_ms=1, saves=9)),
    )


def test_a_run_at_its_limits_meets_every_goal():
    assert [goal.endswith(": met") for goal in list_goals(make_run())] == [True] * 3


@pytest.mark.parametrize(
    ("changes", "missed"), [({"p99_ms": 250.6}, 0), ({"viva_ms": 2.3}, 1), ({"failures": {"timeout": 1}}, 2)]
)
def test_each_goal_is_missed_by_itself(changes, missed):
    goals = list_goals(make_run(**changes))
    assert [number for number, goal in enumerate(goals) if goal.endswith(": NOT met")] == [missed]
