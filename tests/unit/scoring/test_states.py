"""What a recogniser's inner states add to a mark, and what happens without them."""

import numpy as np
import pytest

from backend.adapters.speech.calibrations import load_calibration
from backend.scoring.calibration import ASPECTS, Calibration, StateModel, calibration_from_arrays
from scripts import calibration_fit
from scripts.calibration_fit import fit_states, make_table


def shipped() -> tuple[Calibration, StateModel]:
    calibration = load_calibration()
    assert calibration.states is not None
    return calibration, calibration.states


def test_states_of_another_engine_or_none_are_left_out() -> None:
    calibration, _ = shipped()
    without = calibration.predict({}, mode="read")
    assert calibration.predict({}, mode="read", states=None) == without
    assert calibration.predict({}, mode="read", states=np.zeros(7, dtype=np.float32)) == without


def test_states_that_speak_for_a_voice_move_its_marks_and_stay_on_them() -> None:
    calibration, states = shipped()
    slopes = states.slopes[ASPECTS.index("total")] * states.spread
    for mode in ("read", "open"):
        better, worse = (
            calibration.predict({}, mode=mode, states=states.centre + way * 0.5 * np.sign(slopes) * states.spread)
            for way in (1, -1)
        )
        assert better.total > worse.total
        for value in (1e9, -1e9):
            absurd = calibration.predict({}, mode=mode, states=np.full(len(states.centre), value))
            assert all(0 <= getattr(absurd, aspect) <= 1 for aspect in ASPECTS)


def test_networks_serve_what_they_were_trained_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration_fit, "NETS", 2)
    random = np.random.default_rng(3)
    states = random.normal(0, 1, (200, 20))
    rows = [{"speech_s": float(each)} for each in random.normal(3, 1, 200)]
    marks = {aspect: 6 + np.tanh(states[:, 0]) * 2 for aspect in ASPECTS}
    inner: list[list[float] | None] = list(states.tolist())
    table = make_table(rows, marks, [str(at) for at in range(200)], "read", inner)
    arrays = calibration_fit.fit_whole(table, np.arange(200), "read")
    fitted = calibration_from_arrays("t", arrays)
    nets = fitted.modes["read"].nets
    assert nets is not None
    assert fitted.states is not None
    x = (np.clip(table.x, arrays["read/low"], arrays["read/high"]) - arrays["read/centre"]) / arrays["read/spread"]
    found = []
    for row, state in zip(x, states, strict=True):
        known = fitted.states.standard(state)
        assert known is not None
        found.append(nets.marks(nets.whole(row, known))[ASPECTS.index("total")])
    assert np.corrcoef(found, marks["total"])[0, 1] > 0.9


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
