"""Which hypothesis of a recogniser is believed."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backend.adapters.speech.offline.choice import digit_by_digit, fewest_errors, joined_probabilities
from backend.adapters.speech.offline.phones import _best_path, _best_scores


def said(*texts: str) -> list[tuple[str, ...]]:
    return [tuple(text.split()) for text in texts]


def test_the_likeliest_is_believed_where_nothing_else_speaks() -> None:
    best, risk = fewest_errors(said("he left", "she left"), [-1.0, -5.0], [-10.0, -10.0])
    assert best == 0
    assert 0 < risk < 0.1


def test_what_the_others_agree_on_beats_a_lonely_favourite() -> None:
    ways = said("you call out him", "i could tell it on his face", "you could tell it on his face", "could tell it on")
    assert fewest_errors(ways, [-5.0, -5.2, -5.1, -5.4], [0.0] * 4)[0] in (1, 2)


def test_the_sounds_decide_between_words_that_are_equally_likely() -> None:
    assert fewest_errors(said("a class", "a glass"), [-2.0, -2.0], [-90.0, -40.0])[0] == 1


def test_words_that_do_not_fit_into_the_sound_are_never_believed() -> None:
    assert fewest_errors(said("a very long story indeed", "no"), [-1.0, -9.0], [-math.inf, -50.0])[0] == 1


def test_no_word_at_all_is_a_way_to_hear_a_sound() -> None:
    assert fewest_errors([()], [-3.0], [-30.0]) == (0, 0.0)


def test_what_both_listenings_thought_of_beats_what_one_did() -> None:
    ways = said("a class", "a glass", "a gloss")
    first = {ways[0]: -1.0, ways[1]: -1.5}
    second = {ways[1]: -1.0, ways[2]: -0.5}
    joined = joined_probabilities(ways, [first, second])
    assert joined[1] == -1.25
    assert joined[1] > max(joined[0], joined[2])
    assert joined_probabilities(ways, [first, {}]) == joined_probabilities(ways, [first])


def test_figures_are_also_read_one_by_one() -> None:
    assert digit_by_digit("Room 8106, not 12.") == "Room 8 1 0 6, not 1 2."
    assert digit_by_digit("1,200 at 7:30, 3.25") == "1,200 at 7:30, 3.25"


@given(st.integers(2, 30), st.lists(st.integers(0, 6), min_size=1, max_size=4), st.integers(0, 1000))
def test_several_texts_at_once_score_as_each_alone(frames: int, sizes: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    blank = random.normal(-2, 1, frames)
    texts = [[random.normal(-3, 1, frames) for _ in range(size)] for size in sizes]
    for text, score in zip(texts, _best_scores(texts, blank), strict=True):
        if not text:
            assert score == np.cumsum(blank)[-1]
        elif len(text) <= frames:
            assert abs(score - _best_path(np.stack(text, axis=1), blank)[1]) < 1e-9
        else:
            assert score == -math.inf
