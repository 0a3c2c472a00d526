"""Details of the audit log in words."""

import pytest

from backend.features.audit.words import Detail, details_of
from tests.support.audit import entry


def told(**details):
    return [(detail.label, detail.text) for detail in details_of(entry(1, details=details))]


def test_counts_codes_and_switches_are_words():
    assert told(named="0") == [("To", "everybody")]
    assert told(named="1") == [("To", "1 student")]
    assert told(extra_time="1.25", break_minutes="10", replays="0", larger_text="true") == [
        ("Time", "1.25 times the usual"),
        ("Breaks", "10 minutes"),
        ("Prompts heard again", "never"),
        ("Larger text", "yes"),
    ]
    assert told(no_silence_end="true") == [("Silence ends an answer", "no")]
    assert told(powers="extend pause", kind_of="network_refused") == [
        ("May", "extend, pause"),
        ("Kind", "network refused"),
    ]
    assert told(position="0") == [("Question", "1")]


def test_ids_are_marked_as_such():
    (detail,) = details_of(entry(1, details={"delivery_id": "md5ede4"}))
    assert detail == Detail(label="Test", text="md5ede4", is_id=True)
    (detail,) = details_of(entry(1, details={"message_id": "bero4"}))
    assert detail.label == "Message"


@pytest.mark.parametrize(
    ("value", "shown"), [("2", "Refused: 2 answers"), ("result_released", "Because: result released")]
)
def test_what_was_refused_and_why(value, shown):
    assert [": ".join(line) for line in told(refused=value)] == [shown]


def test_what_nobody_named_is_still_readable():
    assert told(some_new_code="a_value") == [("Some new code", "a value")]
