"""What a recogniser's inner states add to a mark, and what happens without them."""

import numpy as np

from backend.adapters.speech.calibrations import load_calibration
from backend.scoring.calibration import ASPECTS
from scripts.calibration_fit import fit_states, make_table


def test_states_move_the_mark_by_their_share_only() -> None:
    calibration = load_calibration()
    assert calibration.states is not None
    without = calibration.predict({}, mode="read")
    best = calibration.predict({f"state_{aspect}": 10.0 for aspect in ASPECTS}, mode="read")
    worst = calibration.predict({f"state_{aspect}": 0.0 for aspect in ASPECTS}, mode="read")
    for aspect in ASPECTS:
        low, middle, high = (getattr(each, aspect) for each in (worst, without, best))
        assert low < middle < high
        assert high - low <= calibration.states.shares[aspect] + 1e-6


def test_states_of_another_engine_or_none_are_left_out() -> None:
    calibration = load_calibration()
    assert calibration.state_marks(None) == {}
    assert calibration.state_marks(np.zeros(7, dtype=np.float32)) == {}


def test_absurd_states_stay_on_the_marks() -> None:
    calibration = load_calibration()
    assert calibration.states is not None
    width = len(calibration.states.centre)
    for value in (1e9, -1e9, 0.0):
        marks = calibration.state_marks(np.full(width, value, dtype=np.float32))
        assert set(marks) == {f"state_{aspect}" for aspect in ASPECTS}
        assert all(0 <= mark <= 10 for mark in marks.values())


def test_a_line_over_states_finds_what_is_in_them() -> None:
    random = np.random.default_rng(5)
    states = random.normal(0, 1, (300, 40))
    marks = 7 + states[:, 0] - states[:, 1]
    rows = [{"speech_s": 1.0}] * 301
    inner: list[list[float] | None] = [*states.tolist(), None]  # one recording without states is left out
    given = {aspect: np.append(marks, 0.0) for aspect in ASPECTS}
    table = make_table(rows, given, [str(at) for at in range(301)], "read", inner)
    arrays = fit_states(table, np.arange(301))
    z = (states - arrays["state/centre"]) / arrays["state/spread"]
    found = z @ arrays["state/total/slopes"] + arrays["state/total/intercept"]
    assert np.corrcoef(found, marks)[0, 1] > 0.97


def test_without_states_nothing_is_fitted() -> None:
    table = make_table([{"speech_s": 1.0}] * 3, {aspect: np.ones(3) for aspect in ASPECTS}, ["a", "b", "c"], "read")
    assert fit_states(table, np.arange(3)) == {}
