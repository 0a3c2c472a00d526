"""Legs of one fault make one outcome; the last line of `make faults` counts the controls apart."""

import pytest

from scripts.faults.__main__ import is_kept, line, summary
from scripts.faults.drill import Outcome
from scripts.faults.history import Finding, Kind


def outcome(fault="power_storm", *, kinds=(), recovery_s=0.1, drained_s=1.0, **changes):
    return Outcome(
        **{
            "fault": fault,
            "runs": 10,
            "acked": 100,
            "findings": [Finding(kind=kind, subject="a", text="t") for kind in kinds],
            "recoveries_s": [recovery_s],
            "drained_s": drained_s,
            **changes,
        }
    )


CONTROL = "power_storm_control"


def test_two_legs_are_one_outcome():
    first = outcome(kinds=[Kind.LOST], unknown=2, spent_s={"disk": [0.1]})
    second = outcome(drained_s=None, recovery_s=0.3, unknown=1, spent_s={"disk": [0.2], "database": [0.5]})
    both = first.plus(second)
    assert (both.runs, both.acked, both.unknown, both.count(Kind.LOST)) == (20, 200, 3, 1)
    assert both.recoveries_s == [0.1, 0.3]
    assert both.drained_s == 1.0
    assert both.spent_s == {"disk": [0.1, 0.2], "database": [0.5]}


def test_the_controls_losses_are_not_the_products():
    found = summary([outcome(), outcome(CONTROL, kinds=[Kind.LOST, Kind.LOST])])
    assert found == {"runs": 10, "acked": 100, "lost": 0, "late": 0, "doubled": 0, "control_lost": 2}


@pytest.mark.parametrize(
    ("outcomes", "kept"),
    [
        ([outcome(), outcome(CONTROL, kinds=[Kind.LOST])], True),
        ([outcome(), outcome(CONTROL)], False),
        ([outcome(kinds=[Kind.LOST])], False),
        ([outcome(kinds=[Kind.UNDRAINED])], False),
        ([outcome(recovery_s=float("inf"))], False),
        ([outcome(acked=0)], False),
    ],
)
def test_a_run_is_good_when_nothing_broke_and_the_control_lost(outcomes, kept):
    assert is_kept(outcomes) is kept


def test_a_line_tells_how_many_calls_broke_off():
    assert line(outcome(unknown=7)).split()[:4] == ["power_storm", "10", "100", "7"]
