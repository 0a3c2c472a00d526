"""Reading and planning rosters: no row is ever lost, and twice is once."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.features.students.model import Student, StudentState, name_key, roll_key
from backend.features.students.roster import Fate, RosterPreview, column_letter, plan_roster, read_roster

HEADINGS = ["Roll No", "Name", "E-mail", "Login"]
CELL = st.one_of(
    st.sampled_from(
        ["", " ", "N1", "n1", "N2", "101.0", "Asha", "a@b.in", "not an address", "x" * 130, "\u200b", "a,b"]
    ),
    st.text(max_size=12),
)


def stored(preview: RosterPreview, *, batch_id: str = "a") -> dict[str, Student]:
    """The students that importing the preview leaves behind."""
    return {
        roll_key(entry.row.roll_number): Student(
            id=entry.login,
            campus_id="north",
            batch_id=batch_id,
            roll_number=entry.row.roll_number,
            name=entry.row.name,
            email=entry.row.email,
            login=entry.login,
            state=StudentState.ACTIVE,
            roll_key=roll_key(entry.row.roll_number),
            name_key=name_key(entry.row.name),
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for entry in preview.entries
    }


def plan(rows: Sequence[Sequence[str]], students: dict[str, Student] | None = None) -> RosterPreview:
    known = students or {}
    return plan_roster(
        read_roster(rows),
        batch_id="a",
        slug="north",
        students=known,
        batch_names={"a": "A", "b": "B"},
        taken_logins={student.login: student.id for student in known.values()},
    )


@given(st.lists(st.lists(CELL, min_size=0, max_size=5), max_size=12))
def test_every_row_that_holds_anything_ends_as_a_student_or_as_a_problem(rows: list[list[str]]) -> None:
    preview = plan([HEADINGS, *rows])
    filled = {
        number
        for number, row in enumerate(rows, start=2)
        if any(cell.replace("\ufeff", "").replace("\u200b", "").strip() for cell in row)
    }
    in_entries = [entry.row.row for entry in preview.entries]
    in_problems = {problem.row for problem in preview.problems} - {0}
    assert len(in_entries) == len(set(in_entries))
    assert set(in_entries) | in_problems == filled
    assert not set(in_entries) & in_problems


@given(st.lists(st.lists(CELL, min_size=2, max_size=3), max_size=12))
def test_the_same_roster_twice_changes_nothing(rows: list[list[str]]) -> None:
    first = plan([HEADINGS, *rows])
    again = plan([HEADINGS, *rows], stored(first))
    assert {entry.fate for entry in again.entries} <= {Fate.UNCHANGED}
    assert [entry.row for entry in again.entries] == [entry.row for entry in first.entries]


@pytest.mark.parametrize(
    "headings",
    [
        ["Roll No.", "Student Name", "E-Mail ID"],
        ["REGISTER NO", "NAME OF THE STUDENT", "Email Address"],
        ["Roll Number *", "Full name", "mail"],
        ["USN", "Candidate Name", "email-id"],
    ],
)
def test_headings_are_called_many_things(headings: list[str]) -> None:
    (row,) = read_roster([["College"], [], headings, ["7", "Asha", "a@b.in"]]).rows
    assert (row.row, row.roll_number, row.name, row.email) == (4, "7", "Asha", "a@b.in")


def test_first_and_last_names_are_joined() -> None:
    (row,) = read_roster([["Surname", "Roll", "First Name"], ["Nair", "7", "Asha"]]).rows
    assert row.name == "Asha Nair"


def test_two_columns_for_one_thing_are_a_problem_that_names_both() -> None:
    (problem,) = read_roster([["Roll No", "Name", "Reg No"], ["1", "a", "2"]]).problems
    assert (problem.row, problem.column, problem.code) == (1, "C (Reg No)", "column_twice")
    assert "column A is the first" in problem.message


@pytest.mark.parametrize(
    "headings",
    [
        [["Roll No", "Name", "", "Email"], ["", "First", "Last", ""]],
        [["College"], ["Roll No", "Student details", "", "Contact"], ["", "First Name", "Surname", "E-mail"]],
        [["", "Students", "", "E-mail"], ["Roll No", "First name", "Last name", ""]],
    ],
)
def test_headings_of_merged_cells_take_two_lines(headings: list[list[str]]) -> None:
    roster = read_roster([*headings, ["7", "Asha", "Nair", "a@b.in"]])
    assert roster.problems == ()
    (row,) = roster.rows
    assert (row.row, row.roll_number, row.name, row.email) == (len(headings) + 1, "7", "Asha Nair", "a@b.in")


def test_a_title_that_is_called_like_a_heading_takes_nothing_away() -> None:
    roster = read_roster([["Student", "", ""], ["", "Roll", "Name"], ["1", "7", "Asha"]])
    assert [(row.roll_number, row.name) for row in roster.rows] == [("7", "Asha")]


@pytest.mark.parametrize("shortened", ["2.3E+11", "2,30041E+11", "2e+11"])
def test_a_number_that_a_spreadsheet_shortened_is_no_roll_number(shortened: str) -> None:
    (problem,) = read_roster([["Roll", "Name"], [shortened, "Asha"]]).problems
    assert (problem.row, problem.code) == (2, "roll_number_shortened")


def test_an_address_that_several_students_have_is_told_and_hinders_nobody() -> None:
    preview = plan(
        [HEADINGS, ["1", "Asha", "a@b.in"], ["2", "Ravi", "c@d.in"], ["3", "Kiran", "A@b.in"], ["4", "Lata"]]
    )
    assert preview.shared_emails == {"a@b.in": [2, 4]}
    assert [entry.row.row for entry in preview.entries] == [2, 3, 4, 5]


def test_text_is_composed_and_stripped() -> None:
    (row,) = read_roster([["Roll", "Name"], [" N 1 ", "  Zoe\u0308   Rao\u200b "]]).rows
    assert (row.roll_number, row.name) == ("N 1", "Zoë Rao")


def test_two_rows_that_would_get_one_login() -> None:
    preview = plan([["Roll", "Name"], ["N 1", "Asha"], ["N1", "Ravi"]])
    assert [entry.row.row for entry in preview.entries] == [2]
    assert [(problem.row, problem.code) for problem in preview.problems] == [(3, "login_twice")]


@pytest.mark.parametrize(("column", "letter"), [(0, "A"), (25, "Z"), (26, "AA"), (39, "AN")])
def test_columns_are_called_as_in_the_file(column: int, letter: str) -> None:
    assert column_letter(column) == letter
