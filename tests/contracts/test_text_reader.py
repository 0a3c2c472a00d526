"""The reader of typed answers: real grammar checker, word lists and sentence encoder."""

import pytest

from backend.adapters.speech.offline.meaning import SentenceEncoder
from backend.adapters.text.reader import LocalTextReader
from backend.scoring.keys import key_from_dict
from backend.scoring.writing import TextEvidence

KEY = key_from_dict(
    "email",
    {
        "prompt": "Your train was late. Write to the railway company.",
        "register": "formal",
        "least_words": 40,
        "most_words": 90,
        "key_points": [{"text": "which train it was", "accepted": ["the morning train to the coast"]}],
    },
)
WELL = "I travelled on the morning train to the coast. It was an hour late, so I missed a meeting in the organisation."
BADLY = "He go to the station every days and their is an problm with teh train."


@pytest.fixture(scope="module")
def reader():
    return LocalTextReader(SentenceEncoder)


def read(reader, text):
    return reader.read(TextEvidence(task="email", text=text), KEY)


def test_correct_british_english_has_no_flaw(reader):
    evidence = read(reader, WELL)
    assert evidence.flaws == ()
    assert evidence.unknown_words == ()
    assert evidence.english == 1
    assert sum(evidence.levels.values()) >= 5


def test_flaws_are_found_where_they_are(reader):
    evidence = read(reader, BADLY)
    found = {BADLY[flaw.start : flaw.end] for flaw in evidence.flaws}
    assert {"go", "problm", "teh"} <= found
    assert "problm" in evidence.unknown_words


def test_a_point_that_is_made_is_nearer_than_one_that_is_not(reader):
    near = read(reader, WELL).meaning.key_points[0]
    far = read(reader, "My sister likes to paint flowers in the garden with her friends.").meaning.key_points[0]
    assert near > far + 0.2


def test_the_same_text_reads_the_same(reader):
    assert read(reader, WELL).to_dict() == read(reader, WELL).to_dict()


def test_a_gap_needs_no_grammar(reader):
    key = key_from_dict("sentence_completion", {"text": "A ___ day.", "accepted": ["sunny"]})
    evidence = reader.read(TextEvidence(task="sentence_completion", text="suny"), key)
    assert evidence.unknown_words == ("suny",) or evidence.unknown_words == ()
    assert evidence.flaws == ()
