"""The public identification: stable, typed with mistakes, checked."""

from hypothesis import given
from hypothesis import strategies as st

from backend.features.results.model import number_of, read_number

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_the_number_of_a_sitting_never_changes():
    assert number_of("attempt") == number_of("attempt")
    assert len(number_of("attempt")) == 14


@given(st.text(min_size=1))
def test_what_we_print_can_be_read_back_however_it_is_typed(attempt_id):
    number = number_of(attempt_id)
    assert read_number(number) == number
    assert read_number(f"  {number.lower().replace('-', ' ')} ") == number
    assert read_number(number.replace("0", "O").replace("1", "l")) == number


@given(st.text(min_size=1), st.integers(0, 11), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_found(attempt_id, place, wrong):
    plain = number_of(attempt_id).replace("-", "")
    typed = plain[:place] + wrong + plain[place + 1 :]
    assert (read_number(typed) is None) == (wrong != plain[place])


@given(st.text(max_size=40))
def test_anything_may_be_typed(typed):
    found = read_number(typed)
    assert found is None or len(found) == 14
