"""Any history of saves in a part with a time limit, to and fro and late, and its end at any moment: what is
acknowledged is kept, nothing is taken after its time, and each answer is handed in."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.errors import Conflict
from backend.features.attempts.answers import ANSWER_GRACE, OFFLINE
from backend.features.attempts.responses import ResponseState
from tests.support.exam import OPENS, PART_MS, make_parts_paper
from tests.unit.attempts.test_parts import Desk

SAVES = st.tuples(st.integers(0, 2 * PART_MS), st.integers(1, 3), st.integers(0, 40))


@settings(max_examples=300, deadline=None)
@given(st.lists(SAVES, min_size=1, max_size=25), st.booleans(), st.one_of(st.none(), st.integers(0, 2 * PART_MS)))
def test_every_history_of_a_part(history, goes_on_offline, finished_after_ms):
    desk = Desk(make_parts_paper(goes_on_offline=goes_on_offline))
    newest: dict[int, int] = {}
    is_finished = False
    finished_at = OPENS + timedelta(milliseconds=finished_after_ms or 0)
    end = OPENS + timedelta(milliseconds=PART_MS)
    last = (end if finished_after_ms is None else min(end, finished_at)) + ANSWER_GRACE
    last += OFFLINE if goes_on_offline else timedelta()
    for after_ms, position, number in sorted(history):
        now = OPENS + timedelta(milliseconds=after_ms)
        if finished_after_ms is not None and now >= finished_at and not is_finished:
            desk.move(("close", 3), now=finished_at)
            is_finished = True
        try:
            desk.save(position, str(number), number, at=now)
        except Conflict:
            assert now >= min(last, end + ANSWER_GRACE), "nothing that is in time is refused"
            kept = desk.late.find(f"a1:{position}")
            assert kept is not None, "what came late is kept"
        else:
            newest[position] = max(newest.get(position, -1), number)
            assert desk.responses.find(f"a1:{position}").answered_at < last, "nothing is written after its time"
        for known, number_of in newest.items():
            assert desk.text(known) == str(number_of), "the newest acknowledged answer is the one that is kept"
        if is_finished:
            assert ResponseState.DRAFT not in desk.states(), "a finished part has nothing that waits for its end"
