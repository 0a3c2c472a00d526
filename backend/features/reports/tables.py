"""A delivery's results as a table: whole numbers and text only; XLSX by an adapter."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from backend.core.tables import Cell
from backend.features.results.table import ResultRow, traits_of

_BEFORE = ("Roll number", "Name", "State", "Overall", "Overall CEFR")
_AFTER = (
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
    "Incidents",
    "Signals",
    "Signals reviewed",
    "Later attempt",
)


def columns_of(traits: Sequence[str]) -> list[str]:
    """The heading: two columns for each subscore, between what every table has."""
    titles = [trait.replace("_", " ").capitalize() for trait in traits]
    return [*_BEFORE, *(title for name in titles for title in (name, f"{name} CEFR")), *_AFTER]


def make_table(rows: Sequence[ResultRow]) -> list[list[Cell]]:
    """The heading and a line for each row; every line has as many cells as the heading."""
    traits = traits_of(rows)
    return [list(columns_of(traits)), *(_line(row, traits) for row in rows)]


def _line(row: ResultRow, traits: Sequence[str]) -> list[Cell]:
    start: list[Cell] = [row.roll_number, row.name, row.state.value.replace("_", " ")]
    result = row.result
    if result is None:
        empty = len(columns_of(traits)) - len(start) - len(_noticed(row))
        return [*start, *([None] * empty), *_noticed(row)]
    outcome = result.outcome
    subscores: list[Cell] = []
    for trait in traits:
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
        *_noticed(row),
    ]


def _noticed(row: ResultRow) -> list[Cell]:
    """Beside the scores, never part of them: notes about the student, signals, what a person made of these; and how far
    a later attempt is that has no result yet."""
    later = row.under_way.state.value.replace("_", " ") if row.under_way is not None else None
    return [row.incidents or None, row.signals or None, row.finding.replace("_", " ") or None, later]
