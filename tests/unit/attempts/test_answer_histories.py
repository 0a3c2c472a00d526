"""Any history of saves, repeated, reordered and late: what is acknowledged is kept, nothing is taken after its time."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.adapters.jobs.memory import MemoryJobs
from backend.core.errors import Conflict
from backend.features.attempts import answers
from backend.features.attempts.answers import ANSWER_GRACE, OFFLINE
from backend.features.attempts.memory import MemoryLateAnswers, MemoryResponses
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.responses import Answer, ResponseState
from backend.features.items.model import AnswerKind
from tests.support.exam import OPENS, make_attempt, make_paper

WINDOW = timedelta(seconds=60)
DEADLINE = OPENS + timedelta(minutes=20)
SAVES = st.tuples(
    st.integers(0, 2_000_000),  # when, in ms after the item was opened
    st.integers(1, 3),  # epoch
    st.integers(0, 40),  # count
)
HISTORIES = st.lists(SAVES, min_size=1, max_size=25)


class World:
    """One student's open item, and what the client was told of each save."""

    def __init__(self, *, goes_on_offline: bool, closes_after_ms: int | None) -> None:
        self.responses, self.late, self.jobs = MemoryResponses(), MemoryLateAnswers(), MemoryJobs()
        paper = make_paper(tasks=("essay",) * 2)
        items = tuple(
            replace(item, answer_kind=AnswerKind.TEXT, prompt_ms=0, prompt_key=None, window_ms=60_000)
            for item in paper.items
        )
        self.paper = replace(paper, items=items, goes_on_offline=goes_on_offline)
        self.closes_at = None if closes_after_ms is None else OPENS + timedelta(milliseconds=closes_after_ms)
        self.acknowledged: list[tuple[int, datetime]] = []
        self.refused: list[tuple[int, str]] = []

    def attempt_at(self, now: datetime) -> Attempt:
        closed = self.closes_at is not None and now >= self.closes_at
        attempt = make_attempt(
            state=AttemptState.IN_PROGRESS,
            started_at=OPENS,
            deadline_at=DEADLINE,
            position=1 if closed else 0,
            item_opened_at=self.closes_at if closed else OPENS,
            window_ends=(OPENS + WINDOW,) if closed else (),
            item_prompt_ms=0,
            item_window_ms=60_000,
        )
        return attempt if now < DEADLINE else replace(attempt, state=AttemptState.EXPIRED, submitted_at=DEADLINE)

    def save(self, now: datetime, rank: int) -> None:
        answer = Answer(text=str(rank))
        written = answers.save_newer(
            attempt_id="a1", position=0, student_id="asha", answer=answer, rank=rank, responses=self.responses, now=now
        )
        try:
            if written is None:
                self._save_slowly(now, answer, rank)
        except Conflict as refusal:
            self.refused.append((rank, refusal.code))
        else:
            self.acknowledged.append((rank, now))

    def _save_slowly(self, now: datetime, answer: Answer, rank: int) -> None:
        answers.save_answer(
            attempt=self.attempt_at(now),
            position=0,
            answer=answer,
            rank=rank,
            paper=self.paper,
            responses=self.responses,
            late_answers=self.late,
            jobs=self.jobs,
            now=now,
        )


@settings(max_examples=400, deadline=None)
@given(HISTORIES, st.booleans(), st.one_of(st.none(), st.integers(1_000, 60_000)))
def test_every_history_keeps_what_it_acknowledged_and_takes_nothing_late(history, goes_on_offline, closes_after_ms):
    world = World(goes_on_offline=goes_on_offline, closes_after_ms=closes_after_ms)
    before = 0
    for after_ms, epoch, count in sorted(history):
        now = OPENS + timedelta(milliseconds=after_ms)
        if world.closes_at is not None and now >= world.closes_at:
            answers.hand_in(
                attempt=world.attempt_at(now),
                positions=[0],
                paper=world.paper,
                responses=world.responses,
                jobs=world.jobs,
                now=world.closes_at,
            )
        world.save(now, answers.rank_of(epoch, count))
        stored = world.responses.find("a1:0")
        assert stored is None or stored.answer_rank >= before, "a sequence never goes back"
        before = stored.answer_rank if stored is not None else 0
        if stored is not None and closes_after_ms is not None and now >= world.closes_at:
            assert stored.state is ResponseState.QUEUED
    newest = max((rank for rank, _ in world.acknowledged), default=0)
    stored = world.responses.find("a1:0")
    assert (stored.answer_rank if stored else 0) == newest, "the newest acknowledged answer is the one that is kept"
    allowed = WINDOW + (OFFLINE if goes_on_offline else timedelta())
    written = [moment for rank, moment in world.acknowledged if rank == newest]
    if stored is not None:
        last = min(OPENS + allowed, DEADLINE) + ANSWER_GRACE
        assert stored.answered_at < last, "nothing is written after its time"
        assert min(written) <= stored.answered_at <= max(written)
    for rank, code in world.refused:
        assert code == "answer_late"
        kept = world.late.find("a1:0")
        assert kept is not None, "what came late is kept"
        assert kept.answer_rank >= rank or (stored is not None and stored.answer_rank >= rank)


def test_sequences_keep_their_order_as_one_number():
    pairs = [(0, 0), (0, 1), (0, 2**30), (1, 0), (2, 5), (2**20, 0)]
    ranks = [answers.rank_of(*pair) for pair in pairs]
    assert ranks == sorted(ranks)
    assert [answers.sequence_of(rank) for rank in ranks] == pairs
    assert min(ranks) > 0
