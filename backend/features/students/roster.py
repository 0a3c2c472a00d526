"""A roster: a table that a college brings, read into students. Pure.

Rows -> `read_roster` -> what each row says, and every problem by row and column -> `plan_roster` -> what would happen
to each student. Every row that holds anything ends as one student's plan or as a named problem; none is dropped.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backend.features.accounts.model import NAME_MAX, clean_text, fold, is_email, is_login
from backend.features.students.model import ROLL_MAX, Student, is_roll_number, login_for, roll_key

HEADER_WITHIN = 20
"""In how many of the first rows the headings are looked for: colleges put titles above them."""

HEADING_LINES = 3
"""How many rows the headings may take."""

_HEADINGS = {
    "roll_number": (
        "rollnumber rollno roll rollnos regno regnumber registrationno registrationnumber registerno registernumber "
        "enrollmentno enrolmentno enrollmentnumber enrolmentnumber studentid studentno studentnumber admissionno "
        "admissionnumber hallticketno usn prn urn matricno matriculationno idno id"
    ),
    "name": "name studentname fullname nameofthestudent nameofstudent candidatename studentsname student",
    "first_name": "firstname first givenname forename",
    "last_name": "lastname last surname familyname",
    "email": "email emailid emailaddress mail mailid emailids studentemail collegeemail",
    "login": "login loginid loginname username userid",
}
_FIELD_OF = {heading: field for field, headings in _HEADINGS.items() for heading in headings.split()}

TITLES = {
    "roll_number": "Roll number",
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail",
    "login": "Login",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterProblem:
    """`row` is as in the file, from 1; 0 is the file itself. `column` is a letter with its heading, or empty."""

    row: int
    column: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterRow:
    """What a row says, cleaned. `email` and `login` are None where the file has nothing."""

    row: int
    roll_number: str
    name: str
    email: str | None
    login: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    rows: tuple[RosterRow, ...]
    problems: tuple[RosterProblem, ...]


class Fate(StrEnum):
    """What importing does to the student of a row."""

    ADDED = "added"
    UPDATED = "updated"
    MOVED = "moved"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterEntry:
    """`student_id` is None for one who is added. `changes` are (what, before, after)."""

    row: RosterRow
    fate: Fate
    student_id: str | None
    login: str
    changes: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterPreview:
    """What importing would do. `digest` changes when any of it does."""

    entries: tuple[RosterEntry, ...]
    problems: tuple[RosterProblem, ...]

    def count(self, *fates: Fate) -> int:
        return sum(entry.fate in fates for entry in self.entries)

    @property
    def rows_with_problems(self) -> int:
        return len({problem.row for problem in self.problems})

    @property
    def shared_emails(self) -> Mapping[str, Sequence[int]]:
        """Rows by the e-mail address that several of them have: allowed, but often a slip of copying."""
        rows: dict[str, list[int]] = {}
        for entry in self.entries:
            if entry.row.email:
                rows.setdefault(fold(entry.row.email), []).append(entry.row.row)
        return {email: sorted(numbers) for email, numbers in rows.items() if len(numbers) > 1}

    @property
    def digest(self) -> str:
        return hashlib.sha256(repr((self.entries, self.problems)).encode()).hexdigest()[:32]


# -- reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """Where the fields are: 0-based row, and column by field."""

    row: int
    columns: Mapping[str, int]
    headings: Sequence[str]

    def label(self, field: str) -> str:
        """ "B (Roll No)": how people find it in their file."""
        column = self.columns.get(field)
        if column is None:
            return TITLES[field]
        return f"{column_letter(column)} ({clean_text(self.headings[column])})"

    def text(self, cells: Sequence[str], field: str) -> str:
        column = self.columns.get(field)
        return _text_at(cells, column) if column is not None else ""


def read_roster(rows: Sequence[Sequence[str]]) -> Roster:
    """What the rows say. The headings may be anywhere in the first twenty rows and called what colleges call them."""
    header, problems = _find_header(rows)
    if header is None:
        return Roster(rows=(), problems=tuple(problems))
    read: list[RosterRow] = []
    for number, cells in enumerate(rows[header.row + 1 :], start=header.row + 2):
        if not any(clean_text(cell) for cell in cells):
            continue
        row, mistakes = _read_row(header, number, cells)
        problems += mistakes
        if row is not None:
            read.append(row)
    unique, doubles = _without_doubles(header, read)
    if not unique and not problems and not doubles:
        problems.append(_problem(0, "", "no_rows", "There is no student below the headings."))
    return Roster(rows=tuple(unique), problems=tuple(sorted([*problems, *doubles], key=lambda problem: problem.row)))


def _find_header(rows: Sequence[Sequence[str]]) -> tuple[_Header | None, list[RosterProblem]]:
    for number in range(min(len(rows), HEADER_WITHIN)):
        last, cells = _headings_from(rows, number)
        fields = _fields(cells)
        if "roll_number" not in fields or not {"name", "first_name"} & set(fields):
            continue
        return _header_at(last, cells, fields)
    message = (
        "No headings were found. The file, or its first sheet, needs a row with at least “Roll number” and “Name” "
        "above the students."
    )
    return None, [_problem(0, "", "headings_missing", message)]


def _headings_from(rows: Sequence[Sequence[str]], first: int) -> tuple[int, Sequence[str]]:
    """Headings that begin in this row, and the last row they take: merged cells give them two lines ("Name" above
    "First" and "Last"). A row is a further line where it has headings and no roll number."""
    cells, last = rows[first], first
    for number in range(first + 1, min(len(rows), first + HEADING_LINES)):
        fields, below = _fields(cells), rows[number]
        if not any(fields) or not any(_fields(below)):
            break
        if "roll_number" in fields and any(
            _text_at(below, at) for at, one in enumerate(fields) if one == "roll_number"
        ):
            break
        cells, last = _one_line(cells, below), number
    return last, cells


def _one_line(above: Sequence[str], below: Sequence[str]) -> Sequence[str]:
    """The lower heading of each column, or the upper one where that alone says something new."""
    known_below = set(_fields(below))
    line = []
    for column in range(max(len(above), len(below))):
        upper, lower = _text_at(above, column), _text_at(below, column)
        field, field_below = _FIELD_OF.get(_plain(upper)), _FIELD_OF.get(_plain(lower))
        if field is None:
            line.append(lower or upper)
        else:
            line.append(lower if field_below or field in known_below else upper)
    return line


def _text_at(cells: Sequence[str], column: int) -> str:
    return clean_text(cells[column]) if column < len(cells) else ""


def _fields(cells: Sequence[str]) -> list[str | None]:
    return [_FIELD_OF.get(_plain(cell)) for cell in cells]


def _header_at(
    number: int, cells: Sequence[str], fields: Sequence[str | None]
) -> tuple[_Header | None, list[RosterProblem]]:
    columns: dict[str, int] = {}
    problems = []
    for column, field in enumerate(fields):
        if field in columns:
            where = f"{column_letter(column)} ({clean_text(cells[column])})"
            first = column_letter(columns[field])
            message = f"This is a second column for “{TITLES[field]}”; column {first} is the first. Remove one of them."
            problems.append(_problem(number + 1, where, "column_twice", message))
        elif field is not None:
            columns[field] = column
    if problems:
        return None, problems
    return _Header(row=number, columns=columns, headings=cells), []


def _read_row(header: _Header, number: int, cells: Sequence[str]) -> tuple[RosterRow | None, list[RosterProblem]]:
    roll, email, login = (header.text(cells, field) for field in ("roll_number", "email", "login"))
    name = header.text(cells, "name")
    name_field = "name" if "name" in header.columns else "first_name"
    if name_field == "first_name":
        name = clean_text(f"{header.text(cells, 'first_name')} {header.text(cells, 'last_name')}")
    # A spreadsheet makes numbers of roll numbers: 101.0 was typed as 101.
    roll = re.sub(r"^(\d+)\.0$", r"\1", roll)
    mistakes = [
        *_check(number, header.label("roll_number"), roll, "roll_number", is_roll_number, _ROLL_HELP),
        *_check_whole(number, header.label("roll_number"), roll),
        *_check(number, header.label(name_field), name, "name", _is_name, _NAME_HELP),
        *(_check(number, header.label("email"), email, "email", is_email, _EMAIL_HELP) if email else ()),
        *(_check(number, header.label("login"), fold(login), "login", is_login, _LOGIN_HELP) if login else ()),
    ]
    if mistakes:
        return None, mistakes
    return RosterRow(row=number, roll_number=roll, name=name, email=email or None, login=fold(login) or None), []


_ROLL_HELP = f"A roll number has 1 to {ROLL_MAX} characters."
_NAME_HELP = f"A name has at most {NAME_MAX} ordinary characters."
_EMAIL_HELP = "This is not an e-mail address. Correct it, or leave the cell empty."
_LOGIN_HELP = "A login has 3 to 254 characters, without spaces and commas. Correct it, or leave the cell empty."


def _is_name(text: str) -> bool:
    return 0 < len(text) <= NAME_MAX and text.isprintable()


def _check(
    row: int, column: str, text: str, field: str, is_good: Callable[[str], bool], help_text: str
) -> Iterable[RosterProblem]:
    if not text:
        yield _problem(row, column, f"{field}_missing", f"The {TITLES[field].lower()} is missing.")
    elif not is_good(text):
        yield _problem(row, column, f"{field}_invalid", help_text)


def _check_whole(row: int, column: str, roll: str) -> Iterable[RosterProblem]:
    """2.3E+11 is what a spreadsheet leaves of a long number in a CSV; several students may have the same."""
    if re.fullmatch(r"\d([.,]\d+)?E\+\d+", roll, re.IGNORECASE):
        message = f"The spreadsheet shortened this number to {roll}. Upload it as XLSX, or format the column as text."
        yield _problem(row, column, "roll_number_shortened", message)


def _without_doubles(header: _Header, rows: Sequence[RosterRow]) -> tuple[list[RosterRow], list[RosterProblem]]:
    """Rows whose roll number and login come once; of several, the first stays and the others are problems."""
    first_roll: dict[str, int] = {}
    first_login: dict[str, int] = {}
    unique: list[RosterRow] = []
    problems: list[RosterProblem] = []
    for row in rows:
        roll_at = first_roll.setdefault(roll_key(row.roll_number), row.row)
        login_at = first_login.setdefault(row.login, row.row) if row.login else row.row
        if roll_at != row.row:
            message = f"Row {roll_at} has this roll number already. Leave one of them."
            problems.append(_problem(row.row, header.label("roll_number"), "roll_number_twice", message))
        elif login_at != row.row:
            message = f"Row {login_at} has this login already."
            problems.append(_problem(row.row, header.label("login"), "login_twice", message))
        else:
            unique.append(row)
    return unique, problems


def _problem(row: int, column: str, code: str, message: str) -> RosterProblem:
    return RosterProblem(row=row, column=column, code=code, message=message)


def _plain(heading: str) -> str:
    """ "E-Mail ID *" -> "emailid"."""
    return re.sub(r"[^a-z]", "", clean_text(heading).casefold().replace("’", ""))


def column_letter(column: int) -> str:
    """0 -> A, 26 -> AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


# -- planning --------------------------------------------------------------------------------------------------------


def logins_of(roster: Roster, *, slug: str) -> list[str]:
    """Every login that the roster's students may get: for looking up which are taken."""
    return [row.login or login_for(row.roll_number, slug) for row in roster.rows]


def plan_roster(
    roster: Roster,
    *,
    batch_id: str,
    slug: str,
    students: Mapping[str, Student],
    batch_names: Mapping[str, str],
    taken_logins: Mapping[str, str],
) -> RosterPreview:
    """What importing into the batch would do.

    `students` are those of the campus by folded roll number, `taken_logins` account ids by login, less those of
    accounts that wait for their student. `batch_names` tell where somebody is moved from.
    """
    entries: list[RosterEntry] = []
    problems = list(roster.problems)
    given: dict[str, int] = {}
    for row in roster.rows:
        student = students.get(roll_key(row.roll_number))
        entry = _plan_existing(row, student, batch_id, batch_names) if student else _plan_new(row, slug)
        problem = _login_problem(entry, student, taken_logins, given)
        if problem is not None:
            problems.append(problem)
            continue
        given[entry.login] = row.row
        entries.append(entry)
    return RosterPreview(entries=tuple(entries), problems=tuple(sorted(problems, key=lambda problem: problem.row)))


def _plan_new(row: RosterRow, slug: str) -> RosterEntry:
    return RosterEntry(row=row, fate=Fate.ADDED, student_id=None, login=row.login or login_for(row.roll_number, slug))


def _plan_existing(row: RosterRow, student: Student, batch_id: str, batch_names: Mapping[str, str]) -> RosterEntry:
    changes = []
    if row.name != student.name:
        changes.append(("Name", student.name, row.name))
    if row.email is not None and row.email != student.email:
        changes.append(("E-mail", student.email or "none", row.email))
    if row.roll_number != student.roll_number:
        changes.append(("Roll number", student.roll_number, row.roll_number))
    is_moved = student.batch_id != batch_id
    if is_moved:
        before, after = (batch_names.get(one, "another batch") for one in (student.batch_id, batch_id))
        changes.append(("Batch", before, after))
    fate = Fate.MOVED if is_moved else Fate.UPDATED if changes else Fate.UNCHANGED
    return RosterEntry(row=row, fate=fate, student_id=student.id, login=student.login, changes=tuple(changes))


def _login_problem(
    entry: RosterEntry, student: Student | None, taken_logins: Mapping[str, str], given: Mapping[str, int]
) -> RosterProblem | None:
    row = entry.row
    if student is not None:
        if row.login is not None and row.login != student.login:
            message = f"This student signs in as {student.login}. A login never changes: leave the cell empty."
            return _problem(row.row, TITLES["login"], "login_differs", message)
        return None
    if entry.login in given:
        message = f"Row {given[entry.login]} gets the same login, {entry.login}. Give another in a column “Login”."
        return _problem(row.row, TITLES["login"], "login_twice", message)
    if entry.login in taken_logins:
        message = f"Somebody signs in as {entry.login} already. Give another login in a column “Login”."
        return _problem(row.row, TITLES["login"], "login_taken", message)
    return None
