"""Random histories of the engine keep its promises; and an engine that breaks one is caught. Long: make histories."""

import logging
from dataclasses import replace

import pytest
import structlog

from backend.features.attempts import answers, model, usecases
from backend.features.attempts.engine import moves, pauses
from backend.features.attempts.engine import usecases as engine
from backend.features.attempts.recordings import usecases as recordings
from backend.features.ratings import model as ratings_model
from scripts.histories.run import play, run


@pytest.fixture(autouse=True)
def quiet():
    """Thousands of attempts say little that anybody would read."""
    kept = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(wrapper_class=kept)


def test_two_thousand_histories_break_no_promise():
    tally = run(2_000, seed="unit")
    assert tally.failed == []
    assert sum(tally.broken.values()) == 0
    for what in ("moves", "refused", "crashes", "controls", "answers", "recordings", "kept_late", "settled"):
        assert tally.counts[what] > 200, what
    assert set(tally.ends) >= {"submitted", "expired", "voided"}


def test_the_same_seed_is_the_same_history():
    first, second = play("again:1"), play("again:1")
    assert first.attempt == second.attempt
    assert first.counts == second.counts


def _believes_the_client(monkeypatch):
    monkeypatch.setattr(moves, "believed", lambda attempt, move, **_: move.at)


def _takes_moves_after_the_end(monkeypatch):
    monkeypatch.setattr(moves, "_check_goes_on", lambda *_, **__: None)


def _forgets_to_shift_the_deadline(monkeypatch):
    gone_on = pauses._gone_on
    monkeypatch.setattr(
        pauses, "_gone_on", lambda attempt, at: replace(gone_on(attempt, at=at), deadline_at=attempt.deadline_at)
    )


def _asks_no_page_for_its_lease(monkeypatch):
    monkeypatch.setattr(model, "check_lease", lambda *_: None)


def _forgets_the_other_answers_of_a_part(monkeypatch):
    hand_in = answers.hand_in
    monkeypatch.setattr(answers, "hand_in", lambda *, paper, **rest: hand_in(paper=replace(paper, sections=()), **rest))


def _leaves_a_part_item_by_item(monkeypatch):
    closed = moves.closed
    monkeypatch.setattr(
        moves, "closed", lambda attempt, **rest: replace(closed(attempt, **rest), position=attempt.position + 1)
    )


def _never_ends(monkeypatch):
    monkeypatch.setattr(usecases, "up_to_now", lambda attempt, now: attempt)


def _forgets_what_is_under_way(monkeypatch):
    monkeypatch.setattr(engine, "keep_abreast", lambda *, attempt, **_: attempt)


def _leaves_what_is_stranded(monkeypatch):
    monkeypatch.setattr(engine, "finish_stranded", lambda **_: 0)


def _settles_without_waiting_for_moves(monkeypatch):
    monkeypatch.setattr(ratings_model, "moves_until", lambda *_: None)


def _refuses_what_was_typed_off_line(monkeypatch):
    def refuse(*_, **__):
        raise model.item_not_open()

    monkeypatch.setattr(answers, "_check_over", refuse)


def _refuses_what_was_spoken_off_line(monkeypatch):
    monkeypatch.setattr(recordings, "_is_beyond_moves", lambda *_: False)


def _calls_late_what_it_does_not_keep(monkeypatch):
    monkeypatch.setattr(answers, "keep_answer", lambda *_, **__: None)


def _forgets_the_windows_of_what_was_closed(monkeypatch):
    closed = moves.closed
    monkeypatch.setattr(moves, "closed", lambda attempt, **rest: replace(closed(attempt, **rest), window_ends=()))


def _counts_on_a_deadline_that_stands(monkeypatch):
    def until(attempt):
        end = attempt.submitted_at or attempt.deadline_at
        return None if end is None else end + model.UPLOAD_GRACE

    monkeypatch.setattr(model.Attempt, "upload_until", property(until))


@pytest.mark.parametrize(
    ("breaks", "kind"),
    [
        (_settles_without_waiting_for_moves, "lost"),
        (_refuses_what_was_typed_off_line, "lost"),
        (_refuses_what_was_spoken_off_line, "lost"),
        (_calls_late_what_it_does_not_keep, "lost"),
        (_counts_on_a_deadline_that_stands, "lost"),
        (_forgets_the_windows_of_what_was_closed, "late"),
        (_believes_the_client, "late"),
        (_takes_moves_after_the_end, "late"),
        (_forgets_to_shift_the_deadline, "clock"),
        (_asks_no_page_for_its_lease, "lease"),
        (_never_ends, "stuck"),
        (_forgets_what_is_under_way, "clock"),
        (_leaves_what_is_stranded, "stuck"),
        (_forgets_the_other_answers_of_a_part, "late"),
        (_leaves_a_part_item_by_item, "back"),
    ],
)
def test_an_engine_that_breaks_a_promise_is_caught(monkeypatch, breaks, kind):
    breaks(monkeypatch)
    assert any(run(150, seed=f"broken:{number}").broken[kind] > 0 for number in range(30))
