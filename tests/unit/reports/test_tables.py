"""Exports: every row in its column, nothing that a spreadsheet program would run, and back again."""

import csv
import io
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.adapters.spreadsheets.calamine import CalamineSpreadsheets
from backend.adapters.spreadsheets.sheet import write_sheet
from backend.core.tables import guarded, write_csv
from backend.features.reports.tables import columns_of, make_table
from backend.features.results.repository import MailMark
from backend.features.results.table import ResultRow, RowState
from tests.support.builders_results import make_outcome, make_result

MADE = datetime(2026, 11, 23, 5, 10, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)
CELL = st.one_of(st.none(), st.integers(-1000, 1000), TEXT, st.sampled_from(["=1+1", "@SUM(A1)", "+1", "-1", "\t=1"]))

SPOKEN = columns_of(("sentence_mastery", "vocabulary", "fluency", "pronunciation"))


def make_row(**changes):
    values = {
        "student_id": "asha",
        "name": "Asha Rao",
        "roll_number": "N-01",
        "has_email": True,
        "attempt_id": "attempt_asha",
        "state": RowState.SCORED,
        "waiting": 0,
        "failed": 0,
        "result": make_result(),
        "is_released": True,
        "older_released": False,
        "mail": MailMark(mailing_id="mailing", state="sent", reason=""),
    }
    return ResultRow(**(values | changes))  # type: ignore[arg-type] # ResultRow's own fields


def as_dict(line):
    return dict(zip(SPOKEN, line, strict=True))


def test_every_figure_stands_in_its_column():
    head, line = make_table([make_row()])
    assert head == SPOKEN
    row = as_dict(line)
    assert (row["Roll number"], row["Name"], row["State"]) == ("N-01", "Asha Rao", "scored")
    assert (row["Overall"], row["Overall CEFR"]) == (57, "B2")
    assert (row["Vocabulary"], row["Vocabulary CEFR"]) == (63, "B2")
    assert (row["Pronunciation"], row["Fluency"]) == (55, 52)
    assert row["Completed"] == "2026-11-23T10:32:17+05:30"
    assert (row["Released"], row["Mail"], row["Cut table"]) == ("yes", "sent", "cefr_20_80_placement")


def test_a_missing_score_is_an_empty_cell_and_never_a_zero():
    row = as_dict(make_table([make_row(result=make_result(outcome=make_outcome(vocabulary=None)))])[1])
    assert (row["Vocabulary"], row["Vocabulary CEFR"], row["Overall"]) == (None, None, None)
    waiting = as_dict(make_table([make_row(result=None, state=RowState.SCORING, mail=None)])[1])
    assert set(list(waiting.values())[3:]) == {None}


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=8))
def test_csv_gives_back_every_text_and_holds_no_formula(table):
    data = write_csv(table)
    assert data.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert len(read) == len(table)
    for line, original in zip(read, table, strict=True):
        for text, cell in zip(line, original, strict=True):
            assert isinstance(cell, int) or not text.startswith(("=", "+", "-", "@", "\t", "\r"))
            bare = text[1:] if text.startswith("'") else text
            assert bare == ("" if cell is None else str(cell))


@given(st.sampled_from(["=", "+", "-", "@", "\t", "\r"]), TEXT)
def test_no_dangerous_text_stands_bare(mark, rest):
    assert guarded(mark + rest).startswith("'")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(TEXT.map(str.strip), min_size=2, max_size=2), min_size=1, max_size=5))
def test_xlsx_keeps_text_as_text(lines):
    table = [["Roll number", "Name"], *[["N-01", *line[1:]] for line in lines]]
    read = CalamineSpreadsheets().read_rows(write_sheet("Results", table, made_at=MADE))
    # The reader leaves out what is empty at a row's end.
    padded = [[*row, "", ""][:2] for row in read[: len(table)]]
    assert [[cell.strip() for cell in row] for row in padded] == [[cell.strip() for cell in row] for row in table]


def test_a_formula_in_a_name_stays_a_name_in_xlsx():
    data = write_sheet("Results", [["Name"], ['=HYPERLINK("http://x")']], made_at=MADE)
    assert CalamineSpreadsheets().read_rows(data)[1][0] == '=HYPERLINK("http://x")'


def test_the_same_rows_make_the_same_file():
    table = make_table([make_row()])
    assert write_sheet("Spoken: English / [1]", table, made_at=MADE) == write_sheet(
        "Spoken: English / [1]", table, made_at=MADE
    )


def test_incidents_and_signals_stand_beside_the_scores_with_or_without_a_result():
    noticed = {"incidents": 2, "signals": 5, "finding": "no_concern"}
    for row in (make_row(**noticed), make_row(result=None, mail=None, **noticed)):
        line = as_dict(make_table([row])[1])
        assert [line[name] for name in ("Incidents", "Signals", "Signals reviewed")] == [2, 5, "no concern"]
