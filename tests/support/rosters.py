"""Rosters as colleges send them, made here: one with mistakes, and the same corrected."""

import io

import xlsxwriter

HEADINGS = ("Roll No", "Student Name", "E-mail ID")


def roster_xlsx(rows: list[tuple[str, str, str]]) -> bytes:
    """A workbook with a heading row and these (roll number, name, e-mail)."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet("Students")
        for number, row in enumerate([HEADINGS, *rows]):
            sheet.write_row(number, 0, row)
    return buffer.getvalue()
