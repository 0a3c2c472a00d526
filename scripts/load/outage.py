"""A store that goes away in the middle of a load run: when, and what that did to acknowledgements. Pure.

Candidates begin one after another, so that at any later moment somebody is at every item; they sit exam after exam.
Then come three spans that are compared: before, without (as long as asked for), and after.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PARTS = ("queue", "objects", "mail")
MAY_SLOW_DOWN = 2.0
MAIL_LEAD_S = 2.0
# Prompts take from 0.7 to 1.3 of their time: nobody runs out of exams.
QUICKEST = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """`parts` are away for `seconds`; an exam takes `exam_s`."""

    parts: tuple[str, ...]
    seconds: float
    exam_s: float

    @property
    def from_s(self) -> float:
        """After the first exam of the last who begins, and as long again, which is measured."""
        return 2 * self.exam_s

    @property
    def until_s(self) -> float:
        return self.from_s + self.seconds

    @property
    def ends_s(self) -> float:
        """When nobody begins another exam."""
        return self.until_s + self.exam_s

    @property
    def exams(self) -> int:
        """The most that one candidate can sit."""
        return math.ceil(self.ends_s / (self.exam_s * QUICKEST)) + 1

    @property
    def spans(self) -> Mapping[str, tuple[float, float]]:
        """What is compared, in seconds from the start."""
        return {
            "before": (self.exam_s, self.from_s),
            "without": (self.from_s, self.until_s),
            "after": (self.until_s, self.ends_s),
        }

    @property
    def signals(self) -> tuple[tuple[float, str], ...]:
        """What the generator says, and when: results are mailed just before the provider goes."""
        return ((max(0.0, self.from_s - MAIL_LEAD_S), "mail"), (self.from_s, "away"), (self.until_s, "back"))


def read_parts(words: str) -> tuple[str, ...]:
    """ "queue,objects" as parts, each once, in our order. ValueError, which names what there is, for any other word."""
    wanted = {word.strip() for word in words.split(",") if word.strip()}
    if not wanted <= set(PARTS):
        raise ValueError(f"{', '.join(sorted(wanted - set(PARTS)))}: there are {', '.join(PARTS)}")
    return tuple(part for part in PARTS if part in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Acknowledgements of calls that began in this span."""

    name: str
    acked: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """`deferred` recordings waited on the devices, the last of them for `sent_after_s` after the store's return.
    `drained_s`: from the last exam's end until nothing waited any more; None when something still does. `problems`:
    what was lost or doubled behind the exams."""

    spans: tuple[Span, ...]
    deferred: int
    sent_after_s: float
    drained_s: float | None
    problems: tuple[str, ...] = ()

    @property
    def slow_down(self) -> float:
        """How many times the 99th percentile without the store is that before."""
        found = {span.name: span for span in self.spans}
        return found["without"].p99_ms / found["before"].p99_ms if found["before"].p99_ms else 0.0


def spans_of(outage: Outage, times: Sequence[tuple[float, float]]) -> tuple[Span, ...]:
    """`times`: for each acknowledgement when its call began, since the start, and how long it took, in ms."""
    return tuple(
        _span(name, sorted(took for began, took in times if from_s <= began / 1000 < until_s))
        for name, (from_s, until_s) in outage.spans.items()
    )


def _span(name: str, ordered: Sequence[float]) -> Span:
    return Span(name=name, acked=len(ordered), p50_ms=_at(ordered, 0.5), p99_ms=_at(ordered, 0.99))


def _at(ordered: Sequence[float], share: float) -> float:
    """The nearest rank."""
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)] if ordered else 0.0


def sent_after_s(outage: Outage, deferred: Sequence[tuple[float, float]]) -> float:
    """How long after its return the store had the last recording that had waited for it."""
    return max((max(0.0, (began + took) / 1000 - outage.until_s) for began, took in deferred), default=0.0)
