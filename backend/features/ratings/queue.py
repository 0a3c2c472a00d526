"""How far scoring is, and an honest time to finish: measured over the last minutes, or said to be unknown. Pure."""

import math
from dataclasses import dataclass
from datetime import timedelta

MEASURED_OVER = timedelta(minutes=5)
_FEWEST_TO_MEASURE = 5  # of fewer answers nobody can tell a pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What the whole installation does, because all tests share one queue: `judged` answers in the last
    `MEASURED_OVER`, `waiting` answers now."""

    waiting: int
    judged: int

    @property
    def per_minute(self) -> float | None:
        """None: too few were measured."""
        if self.judged < _FEWEST_TO_MEASURE:
            return None
        return self.judged / (MEASURED_OVER.total_seconds() / 60)

    @property
    def minutes_left(self) -> int | None:
        """Until everything that waits now has its turn, rounded up; None: not known. 0: nothing waits."""
        if not self.waiting:
            return 0
        pace = self.per_minute
        return None if pace is None else max(1, math.ceil(self.waiting / pace))


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """One delivery: answers that wait, are being scored, failed, are missing, or are for people. `longest_wait`: of the
    answer whose turn comes first. `engine_down`: why its speech engine fails, in plain words."""

    delivery_id: str
    title: str
    campus_name: str
    queued: int
    claimed: int
    scored: int
    failed: int
    missing: int
    for_people: int
    longest_wait: timedelta | None
    engine: str
    engine_down: str

    @property
    def waiting(self) -> int:
        return self.queued + self.claimed

    @property
    def is_quiet(self) -> bool:
        """Nothing waits, and nobody has to act."""
        return not (self.waiting or self.failed or self.missing or self.for_people)
