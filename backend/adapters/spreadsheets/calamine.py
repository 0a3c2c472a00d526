"""XLSX and ODS through calamine, CSV through the standard library."""

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime

from python_calamine import CalamineError, CalamineWorkbook

from backend.adapters.spreadsheets.archive import MAX_CELL, MAX_COLUMNS, MAX_ROWS, cleaned, refusal
from backend.adapters.spreadsheets.templates import roster_template
from backend.core.errors import RuleViolation
from backend.core.ports import Spreadsheets

MAX_BYTES = 5 * 1024 * 1024
_ARCHIVE = b"PK"
_COMPOUND = b"\xd0\xcf\x11\xe0"
_SEPARATORS = ",;\t|"
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class CalamineSpreadsheets(Spreadsheets):
    """What it is, is seen from its first bytes: names and content types say what people wish."""

    def read_rows(self, data: bytes) -> Sequence[Sequence[str]]:
        if not data.strip():
            raise refusal("file_empty")
        if len(data) > MAX_BYTES:
            raise refusal("file_too_large")
        if data.startswith(_COMPOUND):
            # The old XLS, or an XLSX that a password encrypts: both are this container.
            raise refusal("file_protected" if b"E\0n\0c\0r\0y\0p\0t" in data else "file_unreadable")
        rows = _read_workbook(cleaned(data)) if data.startswith(_ARCHIVE) else _read_text(data)
        return _checked(rows)

    def roster_template(self) -> bytes:
        return roster_template()


def _read_workbook(data: bytes) -> list[list[str]]:
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as workbook:
            if not workbook.sheet_names:
                raise refusal("file_empty")
            rows = workbook.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except RuleViolation:
        raise
    except (CalamineError, OSError, ValueError, OverflowError):
        raise refusal("file_unreadable") from None
    return [[_text(cell) for cell in row] for row in rows]


def _text(cell: object) -> str:
    """As a person sees it: whole numbers without a point, dates as dates."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)


def _read_text(data: bytes) -> list[list[str]]:
    text = _decoded(data)
    if "\0" in text or _looks_binary(text):
        raise refusal("file_unreadable")
    csv.field_size_limit(MAX_CELL * 100)
    try:
        return [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text))]
    except csv.Error:
        raise refusal("cell_too_long") from None


def _decoded(data: bytes) -> str:
    """By its byte order mark; else UTF-8; else what Windows programs write here."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                raise refusal("file_unreadable") from None
    if data[1:2] == b"\0" or data[:1] == b"\0":
        # UTF-16 without a mark: every second byte of ordinary text is zero.
        return data.decode("utf-16-le" if data[1:2] == b"\0" else "utf-16-be", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _looks_binary(text: str) -> bool:
    sample = text[:4000]
    odd = sum(not letter.isprintable() and letter not in "\r\n\t\f\v" for letter in sample)
    return odd > len(sample) // 50


def _separator(text: str) -> str:
    """The one that splits the first lines most evenly: what stands in quotes does not count."""
    lines = [line for line in text.splitlines()[:30] if line.strip()]

    def evenness(separator: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=separator)]
        wide = [width for width in widths if width > 1]
        return (max(map(wide.count, wide), default=0), max(wide, default=0))

    return max(_SEPARATORS, key=evenness)


def _checked(rows: list[list[str]]) -> Sequence[Sequence[str]]:
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    if not rows:
        raise refusal("file_empty")
    if len(rows) > MAX_ROWS:
        raise refusal("too_many_rows")
    for row in rows:
        while row and not row[-1].strip():
            row.pop()
        if len(row) > MAX_COLUMNS:
            raise refusal("too_many_columns")
        if any(len(cell) > MAX_CELL for cell in row):
            raise refusal("cell_too_long")
    return rows
