"""Documents and back: properties over nested values, and the refusals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from enum import IntEnum, StrEnum
from typing import Any, Literal

import bson
import pytest
from bson.codec_options import CodecOptions
from hypothesis import given
from hypothesis import strategies as st

from backend.storage import DocumentMismatch, from_document, to_document, to_value


class State(StrEnum):
    OPEN = "open"
    QUEUED = "queued"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    id: str
    size: int
    stored_at: datetime
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    id: str
    state: State
    level: Level
    queued_at: datetime
    born_on: date | None
    segments: tuple[Segment, ...] = ()
    window: tuple[int, float] = (0, 0.0)
    tags: frozenset[str] = frozenset()
    names: list[str] = field(default_factory=list)
    points: Mapping[str, float] = field(default_factory=dict)
    by_state: dict[State, int] = field(default_factory=dict)
    by_position: dict[int, str] = field(default_factory=dict)
    first: Segment | None = None
    task: Literal["repeat", "read_aloud"] = "repeat"
    evidence: Any = None
    items: Sequence[str] = ()
    amount: int | str = 0


whole = st.integers(min_value=-(2**63), max_value=2**63 - 1)
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
moments = st.datetimes(
    min_value=datetime(1970, 1, 2),
    max_value=datetime(2100, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
segments = st.builds(Segment, id=text, size=whole, stored_at=moments, share=st.none() | numbers)
responses = st.builds(
    Response,
    id=text,
    state=st.sampled_from(State),
    level=st.sampled_from(Level),
    queued_at=moments,
    born_on=st.none() | st.dates(),
    segments=st.lists(segments, max_size=3).map(tuple),
    window=st.tuples(whole, numbers),
    tags=st.frozensets(text, max_size=4),
    names=st.lists(text, max_size=3),
    points=st.dictionaries(text, numbers, max_size=3),
    by_state=st.dictionaries(st.sampled_from(State), whole, max_size=2),
    by_position=st.dictionaries(whole, text, max_size=3),
    first=st.none() | segments,
    task=st.sampled_from(["repeat", "read_aloud"]),
    evidence=st.none() | text | st.dictionaries(text, whole, max_size=2),
    items=st.lists(text, max_size=3).map(tuple),
    amount=whole | text,
)


def in_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def through_bson(document: dict[str, Any]) -> dict[str, Any]:
    """As the server gives it back."""
    return bson.decode(bson.encode(document), CodecOptions(tz_aware=True, tzinfo=UTC))


@given(responses)
def test_what_goes_in_comes_out_in_milliseconds(response):
    back = from_document(Response, through_bson(to_document(response)))
    assert back.queued_at == in_milliseconds(response.queued_at)
    assert back.queued_at.utcoffset() == timedelta(0)
    assert [each.stored_at for each in back.segments] == [in_milliseconds(each.stored_at) for each in response.segments]
    assert to_document(back) == to_document(response)


@given(responses)
def test_reading_twice_changes_nothing(response):
    once = from_document(Response, to_document(response))
    assert from_document(Response, to_document(once)) == once


@given(responses, st.dictionaries(text.filter(lambda name: name not in Response.__slots__), whole, max_size=3))
def test_unknown_fields_are_ignored(response, unknown):
    document = to_document(response)
    unknown.pop("_id", None)
    assert from_document(Response, {**unknown, **document}) == from_document(Response, document)


def a_response(**changes: Any) -> Response:
    values: dict[str, Any] = {
        "id": "r1",
        "state": State.OPEN,
        "level": Level.LOW,
        "queued_at": datetime(2026, 11, 23, tzinfo=UTC),
        "born_on": None,
    }
    return Response(**{**values, **changes})


def test_id_is_the_documents_id_only_at_the_top():
    segment = Segment(id="s1", size=1, stored_at=datetime(2026, 1, 1, tzinfo=UTC))
    document = to_document(a_response(first=segment))
    assert document["_id"] == "r1"
    assert "id" not in document
    assert document["first"]["id"] == "s1"
    assert next(iter(document)) == "_id"


def test_new_fields_take_their_defaults():
    document = to_document(a_response())
    for name in ("segments", "points", "task", "items"):
        del document[name]
    assert from_document(Response, document) == a_response()


@pytest.mark.parametrize("name", ["_id", "state", "queued_at", "born_on"])
def test_a_missing_field_without_default_is_a_mismatch(name):
    document = to_document(a_response())
    del document[name]
    with pytest.raises(DocumentMismatch) as caught:
        from_document(Response, document)
    assert caught.value.reason == f"document_mismatch:Response.{name.lstrip('_')}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_id", 5),
        ("state", "asleep"),
        ("level", 7),
        ("queued_at", "2026-11-23"),
        ("born_on", "soon"),
        ("segments", "abc"),
        ("segments", [5]),
        ("window", [1]),
        ("window", [1, 2, 3]),
        ("window", [True, 1.0]),
        ("points", {"a": "b"}),
        ("points", []),
        ("first", []),
        ("task", "sing"),
        ("amount", 1.5),
        ("tags", [1]),
    ],
)
def test_a_value_of_another_type_is_a_mismatch_that_does_not_repeat_it(name, value):
    document = {**to_document(a_response()), name: value}
    with pytest.raises(DocumentMismatch) as caught:
        from_document(Response, document)
    assert caught.value.reason == f"document_mismatch:Response.{name.lstrip('_')}"


def test_a_mismatch_inside_names_its_own_place():
    document = to_document(a_response(first=Segment(id="s", size=1, stored_at=datetime(2026, 1, 1, tzinfo=UTC))))
    document["first"]["size"] = "big"
    with pytest.raises(DocumentMismatch) as caught:
        from_document(Response, document)
    assert caught.value.reason == "document_mismatch:Segment.size"


def test_whole_numbers_are_good_floats():
    document = {**to_document(a_response()), "points": {"a": 2}}
    points = from_document(Response, document).points
    assert points == {"a": 2.0}
    assert isinstance(points["a"], float)


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), object(), {"a": {1j}}])
def test_what_has_no_document_is_refused(value):
    with pytest.raises(DocumentMismatch):
        to_value(value)


def test_values_of_filters():
    moment = datetime(2026, 1, 1, 5, 30, 0, 123_456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    expected = {
        "state": "open",
        "at": {"$lte": datetime(2026, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC)},
        "ids": {"$in": ["a"]},
    }
    assert to_value({"state": State.OPEN, "at": {"$lte": moment}, "ids": {"$in": ("a",)}}) == expected
