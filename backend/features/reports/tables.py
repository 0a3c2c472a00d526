"""A delivery's results as a table: fixed columns, whole numbers and text only; as CSV here, as XLSX by an adapter."""

import csv
import io
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from backend.features.reports.repository import Cell
from backend.features.results.table import TRAITS, ResultRow

_TRAIT_TITLES = ("Sentence mastery", "Vocabulary", "Fluency", "Pronunciation")
COLUMNS = (
    "Roll number",
    "Name",
    "State",
    "Overall",
    "Overall CEFR",
    *(title for name in _TRAIT_TITLES for title in (name, f"{name} CEFR")),
    "Intelligibility",
    "Confidence %",
    "Answers scored",
    "Answers left out",
    "Completed",
    "Identification number",
    "Released",
    "Mail",
    "Scale",
    "Cut table",
    "Settlement",
)
# What a spreadsheet program would read as a formula or a command when it opens a CSV file; and the apostrophe itself,
# so that taking one away always gives the text back.
_DANGEROUS = ("'", "=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def make_table(rows: Sequence[ResultRow]) -> list[list[Cell]]:
    """The heading and a line for each row; every line has as many cells as COLUMNS."""
    return [list(COLUMNS), *(_line(row) for row in rows)]


def _line(row: ResultRow) -> list[Cell]:
    start: list[Cell] = [row.roll_number, row.name, row.state.value.replace("_", " ")]
    result = row.result
    if result is None:
        return [*start, *([None] * (len(COLUMNS) - len(start)))]
    outcome = result.outcome
    subscores: list[Cell] = []
    for trait in TRAITS:
        subscore = result.get_subscore(trait)
        subscores += [subscore.value, subscore.band] if subscore else [None, None]
    completed = result.completed_at.astimezone(ZoneInfo(result.time_zone)).isoformat(timespec="seconds")
    return [
        *start,
        outcome.overall,
        outcome.band,
        *subscores,
        outcome.intelligibility,
        round(100 * outcome.confidence),
        outcome.n_items,
        outcome.n_missing,
        completed,
        result.number,
        "yes" if row.is_released else "no",
        row.mail.state if row.mail else None,
        f"{result.versions.scale_id} {result.versions.scale_version}",
        result.versions.cut_table_id,
        result.settlement,
    ]


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
