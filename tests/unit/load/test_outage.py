"""An outage in a load run: what goes away, when, and what is compared."""

import pytest

from scripts.load.outage import Effect, Outage, Span, read_parts, sent_after_s, spans_of

OUTAGE = Outage(parts=("objects",), seconds=30, exam_s=10)


def test_parts_come_in_our_order_and_once():
    assert read_parts("mail, queue,mail") == ("queue", "mail")
    assert read_parts("") == ()
    with pytest.raises(ValueError, match=r"disk: there are queue, objects, mail"):
        read_parts("queue,disk")


def test_before_without_and_after_follow_each_other_when_everybody_sits():
    assert OUTAGE.spans == {"before": (10, 20), "without": (20, 50), "after": (50, 60)}
    assert OUTAGE.ends_s == 60
    assert OUTAGE.signals == ((18, "mail"), (20, "away"), (50, "back"))


def test_nobody_runs_out_of_exams_however_quick():
    assert OUTAGE.exams * 10 * 0.7 > OUTAGE.ends_s


def test_an_acknowledgement_counts_where_its_call_began():
    times = [
        (9_999, 900),
        (10_000, 1),
        (19_999, 40_000),
        (20_000, 2),
        (30_000, 4),
        (49_000, 3),
        (50_000, 5),
        (60_000, 9),
    ]
    before, without, after = spans_of(OUTAGE, times)
    assert (before.acked, before.p50_ms, before.p99_ms) == (2, 1, 40_000)
    assert (without.acked, without.p50_ms, without.p99_ms) == (3, 3, 4)
    assert (after.acked, after.p99_ms) == (1, 5)


def test_a_span_without_acknowledgements_is_no_division_by_zero():
    effect = Effect(spans=spans_of(OUTAGE, []), deferred=0, sent_after_s=0, drained_s=0)
    assert effect.slow_down == 0


def test_the_slow_down_compares_the_outage_with_the_time_before_it():
    spans = tuple(Span(name=name, acked=9, p50_ms=1, p99_ms=p99) for name, p99 in (("before", 40), ("without", 60)))
    assert Effect(spans=spans, deferred=0, sent_after_s=0, drained_s=None).slow_down == 1.5


def test_what_waited_is_counted_from_the_return():
    assert sent_after_s(OUTAGE, [(25_000, 20_000), (30_000, 24_500)]) == 4.5
    assert sent_after_s(OUTAGE, [(25_000, 20_000)]) == 0, "sent before it"
    assert sent_after_s(OUTAGE, []) == 0
