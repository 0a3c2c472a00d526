"""A course of a campus."""

from dataclasses import dataclass
from datetime import datetime

from backend.features.accounts.model import clean_text, fold, invalid

CODE_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """`code_key` is the folded code, unique in the campus."""

    id: str
    campus_id: str
    name: str
    code: str
    code_key: str
    created_at: datetime


def check_code(text: str) -> str:
    """A short code such as "BSC-CS", as it will be shown."""
    code = clean_text(text)
    if not code or len(code) > CODE_MAX or not code.isprintable():
        raise invalid("code", f"1 to {CODE_MAX} characters, such as BSC-CS.")
    return code


def code_key(code: str) -> str:
    return fold(code)
