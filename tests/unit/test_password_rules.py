"""Which passwords are refused, and that honest ones are not."""

from datetime import UTC, datetime

import pytest

from backend.core.actor import Role
from backend.core.errors import RuleViolation
from backend.features.accounts.model import Account, AccountState
from backend.features.accounts.password_rules import check_password

ASHA = Account(
    id="asha",
    login="n23cs041@north",
    email="asha.nair@example.edu",
    display_name="Asha Nair",
    role=Role.STUDENT,
    campus_id="north",
    state=AccountState.INVITED,
    password_hash=None,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "password1",
        "P@ssw0rd2026!",
        "Welcome@123",
        "iloveyou!!",
        "cricket2011",
        "12345678",
        "01012008",
        "abcdefgh",
        "qwertyui",
        "aaaaaaaaaa",
        "abababab",
        "abcabcabc",
        "AshaNair1",
        "asha@2008",
        "n23cs041",
        "north@n23cs041",
        "x" * 257,
    ],
)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(RuleViolation) as refusal:
        check_password(password, account=ASHA, role=Role.STUDENT)
    assert list(refusal.value.errors) == ["password"]


@pytest.mark.parametrize(
    "password",
    ["river lamp seven", "mango-tree-29", "Kx7#pq!vLw", "नमस्ते दुनिया २", "correct horse"],
)
def test_honest_ones_pass_unchanged(password: str) -> None:
    assert check_password(password, account=ASHA, role=Role.STUDENT) == password


def test_those_who_see_other_peoples_results_need_twelve_characters() -> None:
    with pytest.raises(RuleViolation):
        check_password("kettle lamp", account=None, role=Role.CAMPUS)
    assert check_password("kettle lamps", account=None, role=Role.CAMPUS)


def test_composed_and_decomposed_letters_are_the_same_password() -> None:
    assert check_password("cafe\u0301 rouge", account=None, role=Role.STUDENT) == "caf\u00e9 rouge"
