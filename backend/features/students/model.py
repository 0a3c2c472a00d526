"""A student: a person of one campus, in one batch at a time, with an account of the same id."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.features.accounts.model import clean_text, fold, invalid, is_login

ROLL_MAX = 40


class StudentState(StrEnum):
    """A disabled student cannot sign in and sits no tests; results stay."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """`roll_key` and `name_key` are folded, for finding and ordering; the roll number is unique in the campus."""

    id: str
    campus_id: str
    batch_id: str
    roll_number: str
    name: str
    email: str | None
    login: str
    state: StudentState
    roll_key: str
    name_key: str
    created_at: datetime

    @property
    def is_active(self) -> bool:
        return self.state is StudentState.ACTIVE


def check_roll_number(text: str) -> str:
    roll = clean_text(text)
    if not is_roll_number(roll):
        raise invalid("roll_number", f"1 to {ROLL_MAX} characters, such as 23CS041.")
    return roll


def is_roll_number(text: str) -> bool:
    return 0 < len(text) <= ROLL_MAX and text.isprintable()


def roll_key(roll_number: str) -> str:
    return fold(roll_number)


def name_key(name: str) -> str:
    return fold(name)


def login_for(roll_number: str, slug: str) -> str:
    """The login a student gets: "23cs041@north". Spaces and separators in the roll number are left out."""
    kept = "".join(letter for letter in fold(roll_number) if letter.isalnum() or letter in "-_./")
    return f"{kept or 'student'}@{slug}"


def check_login(text: str) -> str:
    login = fold(text)
    if not is_login(login):
        raise invalid("login", "3 to 254 characters without spaces or commas.")
    return login
