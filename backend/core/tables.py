"""Tables that leave Viva as CSV: no cell of them runs in a spreadsheet program."""

import csv
import io
from collections.abc import Sequence

Cell = str | int | None

# What a spreadsheet program would read as a formula or a command when it opens a CSV file; and the apostrophe itself,
# so that taking one away always gives the text back.
_DANGEROUS = ("'", "=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def guarded(cell: Cell) -> str:
    """A cell for CSV: text that a spreadsheet program could run gets an apostrophe before it."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_DANGEROUS) else text


def write_csv(table: Sequence[Sequence[Cell]]) -> bytes:
    """UTF-8 with the mark by which Excel recognises it, RFC 4180 lines."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerows([guarded(cell) for cell in line] for line in table)
    return target.getvalue().encode("utf-8-sig")
