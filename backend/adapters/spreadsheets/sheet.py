"""Rows as an XLSX workbook of one sheet: text cells and whole numbers, nothing that is ever computed."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime

import xlsxwriter

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WIDEST = 40


def write_sheet(title: str, rows: Sequence[Sequence[str | int | None]], *, made_at: datetime) -> bytes:
    """The workbook; its first row is the heading. The same rows and date give the same bytes.

    `title` becomes the sheet's name, without what a sheet's name may not hold.
    """
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False}) as workbook:
        workbook.set_properties({"title": title, "created": made_at.astimezone(UTC).replace(tzinfo=None)})
        text = workbook.add_format({"num_format": "@"})
        head = workbook.add_format({"bold": True, "bg_color": "#E6EEF0", "text_wrap": True, "valign": "top"})
        sheet = workbook.add_worksheet(_sheet_name(title))
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, int):
                    sheet.write_number(number, column, cell)
                elif cell:
                    sheet.write_string(number, column, cell, head if number == 0 else text)
        _arrange(sheet, rows)
    return target.getvalue()


def _sheet_name(title: str) -> str:
    kept = "".join(each for each in title if each not in "[]:*?/\\" and each.isprintable()).strip("' ")
    return kept[:31].strip("' ") or "Results"


def _arrange(sheet: xlsxwriter.worksheet.Worksheet, rows: Sequence[Sequence[str | int | None]]) -> None:
    if not rows:
        return
    for column in range(len(rows[0])):
        longest = max(len(str(row[column] or "")) for row in rows)
        sheet.set_column(column, column, min(max(longest + 2, 8), _WIDEST))
    sheet.freeze_panes(1, 2)
    if len(rows) > 1:
        sheet.autofilter(0, 0, len(rows) - 1, len(rows[0]) - 1)
