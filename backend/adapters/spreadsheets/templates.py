"""The empty roster that a college fills in."""

import io

import xlsxwriter

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def roster_template() -> bytes:
    """An XLSX with the headings, text cells, so that roll numbers keep their zeros, and a sheet that explains."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as workbook:
        text, head = (
            workbook.add_format({"num_format": "@"}),
            workbook.add_format({"bold": True, "bg_color": "#E6EDF7"}),
        )
        students = workbook.add_worksheet("Students")
        for column, (title, width) in enumerate((("Roll number", 18), ("Name", 34), ("E-mail", 34), ("Login", 26))):
            students.set_column(column, column, width, text)
            students.write_string(0, column, title, head)
        students.freeze_panes(1, 0)
        help_sheet = workbook.add_worksheet("How to fill this in")
        help_sheet.set_column(0, 0, 100)
        for row, line in enumerate(_HELP):
            help_sheet.write_string(row, 0, line)
    return target.getvalue()


_HELP = (
    "Roll number and Name are needed; a roll number belongs to one student of the campus.",
    "E-mail may stay empty. With it a student can be invited, and can ask for a new password.",
    "Login may stay empty: it is then made of the roll number. A login never changes afterwards.",
    "Upload the same file as often as you like: students who are there already are brought up to date, never doubled.",
)
