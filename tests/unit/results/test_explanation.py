"""What an explanation holds, and what it keeps from a student."""

from dataclasses import replace

import pytest

from backend.features.results.derivation import derive
from backend.features.results.evidence import answered_of
from backend.features.results.explanation import Audience, explain_answer, typed_pieces
from backend.features.results.settlement import Sitting, settle
from tests.support.builders_results import COMPLETED, make_items, make_result
from tests.support.exam import make_delivery, make_item
from tests.support.explained import SENTENCE, explained_response
from tests.support.results_world import PAPER, make_attempt, make_response


def explain(task="read_aloud", audience=Audience.STAFF, **changes):
    outcome = replace(make_items()[0], task=task, **changes)
    return explain_answer(outcome, make_item(0, task=task), explained_response("asha"), audience)


def test_words_carry_their_time_and_how_sure_the_recogniser_is():
    found = explain()
    by_word = {word.heard: word for word in found.words}
    assert (by_word["river"].start_ms, by_word["river"].end_ms) == (1320, 1680)
    assert [by_word[word].sureness for word in ("river", "three", "work")] == ["sure", "fair", "unsure"]
    assert by_word[""].end_ms is None
    assert found.is_compared


def test_weakly_said_words_and_sounds_come_with_the_stretch_to_hear():
    found = explain()
    assert [word.text for word in found.said if word.is_weak] == ["walked"]
    assert [(sound.word, sound.like) for sound in found.weak_sounds] == [
        ("walked", "aw in saw"),
        ("three", "th in think"),
    ]
    assert found.weak_sounds[0].span.end_ms - found.weak_sounds[0].span.start_ms == 360


def test_the_timeline_tells_long_pauses_only():
    line = explain().timeline
    assert [pause.seconds for pause in line.told_pauses] == [1.0]
    assert line.spoken_s == 5.8
    assert line.silent_before_s == 0.9


@pytest.mark.parametrize("task", ["repeat", "short_answer", "sentence_build", "retelling"])
def test_a_student_sees_what_was_heard_and_never_what_was_right(task):
    """Items are used again: only a text that the screen had printed may be compared."""
    found = explain(task, Audience.STUDENT)
    assert [word.heard for word in found.words][:3] == ["The", "river", "was"]
    assert not any(word.expected for word in found.words)
    assert (found.expected, found.key_points, found.weak_sounds, found.measures, found.versions) == ("", (), (), (), ())


def test_a_student_may_compare_a_printed_text():
    found = explain("read_aloud", Audience.STUDENT)
    assert found.expected == SENTENCE
    assert found.is_compared


def test_an_answer_without_a_score_explains_nothing_and_breaks_nothing():
    outcome = make_items()[0]
    for response in (None, make_response("asha", 0, score=None)):
        found = explain_answer(outcome, make_item(0), response, Audience.STAFF)
        assert (found.words, found.timeline, found.said) == ((), None, ())


def test_what_was_chosen_is_told_in_words_and_not_in_numbers():
    held = {"typed": "2", "chosen": "opposite the bank", "expected": "behind the station"}
    assert [piece.text for piece in typed_pieces(held)] == ["opposite the bank"]
    assert answered_of(held) == "opposite the bank"
    assert answered_of({"typed": "water"}) == "water"


def test_what_was_typed_is_cut_at_the_checkers_remarks():
    held = {
        "typed": "He go there. Yes",
        "flaws": [
            {"kind": "agreement", "start": 3, "end": 5, "advice": "Use goes."},
            {"kind": "usage", "start": 4, "end": 9, "advice": "Overlaps."},
        ],
    }
    response = make_response("asha", 0, score={"explanation": held})
    found = explain_answer(make_items()[0], make_item(0, task="email"), response, Audience.STUDENT)
    assert [(piece.text, piece.advice) for piece in found.typed] == [
        ("He ", ""),
        ("go", "Use goes."),
        (" there. Yes", ""),
    ]


# -- from points to scores ---------------------------------------------------------------------------------------------


@pytest.fixture
def settled(scale):
    responses = tuple(
        make_response("asha", place, value=0.4 + 0.015 * place) for place in range(len(PAPER.items)) if place != 3
    )
    sitting = Sitting(
        attempt=make_attempt("asha"),
        delivery=make_delivery(),
        paper=PAPER,
        responses=responses,
        scale=scale,
        software="viva test",
    )
    return settle(sitting, previous=None, now=COMPLETED)


@pytest.fixture
def scale():
    from backend.adapters.scales.files import FileScales

    return FileScales().get("versant_style_20_80", "1")


def test_the_steps_lead_to_the_numbers_that_were_settled(settled, scale):
    found = derive(settled, PAPER, scale)
    for trait in found.traits:
        assert int(trait.exact + 0.5) == trait.settled.value
        assert sum(part.count for part in trait.contributions) == trait.settled.n_items
        assert trait.stretch.from_points <= trait.mean <= trait.stretch.to_points
        assert trait.band_from <= trait.settled.value
    assert int(found.exact + 0.5) == settled.outcome.overall
    assert sum(trait.share for trait in found.traits) == pytest.approx(100)


def test_where_there_is_no_score_no_step_pretends_one(scale):
    from tests.support.builders_results import make_outcome

    result = make_result(outcome=make_outcome(vocabulary=None))
    found = derive(result, PAPER, scale)
    missing = next(trait for trait in found.traits if trait.trait == "vocabulary")
    assert (missing.exact, missing.mean, missing.band_from) == (None, None, None)
    assert found.exact is None
