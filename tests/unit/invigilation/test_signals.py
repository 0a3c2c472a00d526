"""Signals are kept, capped, reviewed, open to appeal; nothing is lost from the record."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.core.errors import Conflict
from backend.features.invigilation.signals import (
    KEPT_MAX,
    Finding,
    Signal,
    SignalKind,
    SignalRecord,
    appealed,
    recorded,
    reviewed,
)

START = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
NOW = START + timedelta(minutes=10)
EMPTY = SignalRecord(id="attempt", delivery_id="delivery", campus_id="north", student_id="asha")


def signal(number: int = 1, *, at: datetime = NOW, duration_ms: int | None = 4_000) -> Signal:
    return Signal(signal_id=f"s{number}", kind=SignalKind.TAB_LEFT, at=at, received_at=NOW, duration_ms=duration_ms)


def with_signals(record: SignalRecord, *signals: Signal) -> SignalRecord:
    return recorded(record, signals, earliest=START, now=NOW)


def test_the_same_signal_again_changes_nothing():
    once = with_signals(EMPTY, signal(1), signal(2))
    assert with_signals(once, signal(1), signal(2)) is once
    assert with_signals(EMPTY, signal(1), signal(1)).total == 1


def test_moments_are_clamped_to_the_attempt_and_to_now():
    record = with_signals(EMPTY, signal(1, at=START - timedelta(days=1)), signal(2, at=NOW + timedelta(hours=9)))
    assert [each.at for each in record.signals] == [START, NOW]


def test_beyond_the_cap_signals_are_counted_only():
    record = with_signals(EMPTY, *(signal(n) for n in range(KEPT_MAX + 7)))
    assert (len(record.signals), record.beyond, record.total) == (KEPT_MAX, 7, KEPT_MAX + 7)


def test_a_review_holds_until_more_is_noticed_and_is_never_replaced():
    record = with_signals(EMPTY, signal(1))
    assert record.finding is Finding.NEW
    record = reviewed(record, finding=Finding.NO_CONCERN, reason="A call.", by="meera", at=NOW)
    assert record.finding is Finding.NO_CONCERN
    record = with_signals(record, signal(2))
    assert record.finding is Finding.NEW
    record = reviewed(record, finding=Finding.NOTED, reason="Again.", by="meera", at=NOW)
    assert [review.finding for review in record.reviews] == [Finding.NO_CONCERN, Finding.NOTED]


def test_an_appeal_opens_it_again_and_waits_for_its_answer():
    record = reviewed(with_signals(EMPTY, signal()), finding=Finding.NOTED, reason="Away.", by="meera", at=NOW)
    later = NOW + timedelta(days=1)
    record = appealed(record, text="The lights went out.", at=later)
    assert (record.finding, record.is_appealed) == (Finding.NEW, True)
    with pytest.raises(Conflict):
        appealed(record, text="Once more.", at=later)
    answered = reviewed(
        record, finding=Finding.NO_CONCERN, reason="Confirmed.", by="meera", at=later + timedelta(hours=1)
    )
    assert (answered.finding, answered.is_appealed) == (Finding.NO_CONCERN, False)
    assert [each.text for each in answered.appeals] == ["The lights went out."]


def test_nobody_reviews_it_back_to_new():
    with pytest.raises(Conflict):
        reviewed(EMPTY, finding=Finding.NEW, reason="-", by="meera", at=NOW)
