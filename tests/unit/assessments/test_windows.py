"""Local times become moments: time zones, and the two nights a year on which the clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import RuleViolation
from backend.features.assessments.model import Edge, Window, check_window, read_window, resolve_local

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def refused(act):
    with pytest.raises(RuleViolation) as refusal:
        act()
    return refusal.value


def test_local_time_in_the_campuss_zone():
    window = read_window(opens="2026-11-23T10:00", closes="2026-11-23T12:00", time_zone="Asia/Kolkata")
    assert window.opens_at == datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
    assert window.closes_at == datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize("edge", Edge)
def test_a_time_that_the_clocks_skip_is_refused(edge):
    refusal = refused(lambda: resolve_local("2026-03-29T02:30", time_zone="Europe/Paris", edge=edge))
    assert refusal.code == "skipped_time"


def test_a_time_that_comes_twice_gives_candidates_the_longer_window():
    window = read_window(opens="2026-10-25T02:30", closes="2026-10-25T02:45", time_zone="Europe/Paris")
    assert window.opens_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert window.closes_at == datetime(2026, 10, 25, 1, 45, tzinfo=UTC)


def test_around_the_change_nothing_is_refused():
    for text, hour in (("2026-03-29T01:59", 0), ("2026-03-29T03:00", 1)):
        assert resolve_local(text, time_zone="Europe/Paris", edge=Edge.OPENING).hour == hour


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01T10:00", "2026-02-30T10:00", "2026-11-23", "2026-11-23T25:00"])
def test_what_is_no_time(text):
    assert refused(lambda: resolve_local(text, time_zone="Asia/Kolkata", edge=Edge.OPENING)).code == "invalid_time"


def test_every_mistake_is_told_by_field():
    refusal = refused(lambda: read_window(opens="?", closes="2026-03-29T02:30", time_zone="Europe/Paris"))
    assert set(refusal.errors) == {"opens", "closes"}


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2037, 1, 1)),
    st.sampled_from(["Asia/Kolkata", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.sampled_from(list(Edge)),
)
def test_what_is_accepted_reads_the_same_on_the_campuss_clock(local, zone, edge):
    text = local.strftime("%Y-%m-%dT%H:%M")
    there = local.replace(second=0, microsecond=0, tzinfo=ZoneInfo(zone))
    exists = there.astimezone(UTC).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M") == text
    if not exists:
        assert refused(lambda: resolve_local(text, time_zone=zone, edge=edge)).code == "skipped_time"
        return
    moment = resolve_local(text, time_zone=zone, edge=edge)
    assert moment.tzinfo is UTC
    assert moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M") == text


@pytest.mark.parametrize(
    ("opens_in", "lasts", "text"),
    [
        (timedelta(hours=1), timedelta(0), "after it opens"),
        (timedelta(hours=1), -timedelta(hours=1), "after it opens"),
        (-timedelta(hours=3), timedelta(hours=2), "in the past"),
        (timedelta(hours=1), timedelta(minutes=19), "too short: this test takes up to 20 minutes"),
        (timedelta(hours=1), timedelta(days=32), "too long"),
    ],
)
def test_windows_that_make_no_sense(opens_in, lasts, text):
    window = Window(opens_at=NOW + opens_in, closes_at=NOW + opens_in + lasts, time_zone="UTC")
    refusal = refused(lambda: check_window(window, shortest=timedelta(minutes=20), now=NOW))
    assert text in refusal.errors["closes"][0]
