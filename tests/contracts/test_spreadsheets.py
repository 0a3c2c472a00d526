"""Tables that people bring: what is read, and what is refused before it can do harm."""

import io
import resource
import time
import zipfile
from collections.abc import Callable

import pytest
import xlsxwriter

from backend.adapters.spreadsheets.calamine import CalamineSpreadsheets
from backend.core.errors import RuleViolation

TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" '
    'Target="{target}"/></Relationships>'
)
BOOK = (
    '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
SHEET = (
    '<?xml version="1.0"?>{prologue}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>{rows}</sheetData></worksheet>"
)
ODS = (
    '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
    '<table:table table:name="S">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
)


def read(data: bytes) -> list[list[str]]:
    return [list(row) for row in CalamineSpreadsheets().read_rows(data)]


def archive(parts: dict[str, str | bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return target.getvalue()


def xlsx(rows: str = "", *, prologue: str = "", more: dict[str, str | bytes] | None = None) -> bytes:
    return archive(
        {
            "[Content_Types].xml": TYPES,
            "_rels/.rels": RELATIONS.format(kind="officeDocument", target="xl/workbook.xml"),
            "xl/workbook.xml": BOOK,
            "xl/_rels/workbook.xml.rels": RELATIONS.format(kind="worksheet", target="worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml": SHEET.format(prologue=prologue, rows=rows),
            **(more or {}),
        }
    )


def ods(rows: str) -> bytes:
    mimetype = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    return archive({"mimetype": mimetype, "META-INF/manifest.xml": manifest, "content.xml": ODS.format(rows=rows)})


def cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def ods_cell(text: str, repeat: int = 1) -> str:
    filled = f'office:value-type="string"><text:p>{text}</text:p></table:table-cell>' if text else "/>"
    return f'<table:table-cell table:number-columns-repeated="{repeat}" {filled}'


# -- what is read ----------------------------------------------------------------------------------------------------

TABLE = "Roll No,Name\n1,Zoë\n2,“Lata”\n"
EXPECTED = [["Roll No", "Name"], ["1", "Zoë"], ["2", "“Lata”"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_csv_of_every_kind(encoding: str, separator: str, line_end: str) -> None:
    assert read(TABLE.replace(",", separator).replace("\n", line_end).encode(encoding)) == EXPECTED


def test_separators_in_quotes_do_not_count() -> None:
    assert read(b'Roll;Name\n1;"Nair, Asha, Ms"\n2;"Das, Ravi, Mr"\n') == [
        ["Roll", "Name"], ["1", "Nair, Asha, Ms"], ["2", "Das, Ravi, Mr"],
    ]  # fmt: skip


def test_a_workbook_with_numbers_texts_and_gaps() -> None:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(2, 1, ["Roll", "Name"])
        sheet.write_row(3, 1, [230041, "Asha"])
        sheet.write_row(4, 1, ["007", True])
    assert read(target.getvalue()) == [[], [], ["", "Roll", "Name"], ["", "230041", "Asha"], ["", "007", "TRUE"]]


def test_a_workbook_with_colours_far_below_and_beside_its_table() -> None:
    rows = f'<row r="1">{cell("A1", "Roll")}<c r="XFD1" s="1"/></row>'
    rows += "".join(f'<row r="{number}"><c r="C{number}" s="1"/></row>' for number in range(2, 7000))
    assert read(xlsx(rows)) == [["Roll"]]


def test_an_open_document_with_repeated_empty_cells_to_the_edge() -> None:
    row = f"<table:table-row>{ods_cell('Roll')}{ods_cell('Name')}{ods_cell('', 16000)}</table:table-row>"
    rest = f'<table:table-row table:number-rows-repeated="1048570">{ods_cell("", 16384)}</table:table-row>'
    assert read(ods(row + rest)) == [["Roll", "Name"]]


# -- what is refused -------------------------------------------------------------------------------------------------


def zip_bomb() -> bytes:
    return xlsx(more={"xl/sharedStrings.xml": b"<sst>" + b" " * 60_000_000 + b"</sst>"})


def lying_zip_bomb() -> bytes:
    """Says of itself that the part is small; unpacked it is not."""
    honest = xlsx(more={"xl/styles.xml": b"<s>" + b" " * 30_000_000 + b"</s>"})
    size = (30_000_007).to_bytes(4, "little")
    assert honest.count(size) == 2
    return honest.replace(size, (1000).to_bytes(4, "little"))


def entity_bomb() -> bytes:
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9)
    )
    return xlsx("<row r='1'><c r='A1' t='inlineStr'><is><t>&j;</t></is></c></row>", prologue=entities + "]>")


def outside_entity() -> bytes:
    prologue = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    return xlsx("<row r='1'><c r='A1' t='inlineStr'><is><t>&e;</t></is></c></row>", prologue=prologue)


def far_cell() -> bytes:
    return xlsx(f'<row r="1">{cell("A1", "a")}</row><row r="1048576">{cell("XFD1048576", "z")}</row>')


def far_row_of_nameless_cells() -> bytes:
    return xlsx(f'<row r="1">{cell("A1", "a")}</row><row r="1048576"><c t="inlineStr"><is><t>z</t></is></c></row>')


def far_ods_cell() -> bytes:
    return ods(f"<table:table-row>{ods_cell('', 16_000_000)}{ods_cell('z')}</table:table-row>")


def repeated_ods_rows() -> bytes:
    return ods(f'<table:table-row table:number-rows-repeated="1048576">{ods_cell("z", 40)}</table:table-row>')


def long_shared_string() -> bytes:
    shared = f"<sst><si><t>{'x' * 200_000}</t></si></sst>"
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 5000))
    return xlsx(rows, more={"xl/sharedStrings.xml": shared})


def thousands_of_parts() -> bytes:
    return xlsx(more={f"xl/media/{n}.png": b"x" for n in range(400)})


def two_parts_of_one_name() -> bytes:
    target = io.BytesIO(xlsx())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(target, "a") as made:
        made.writestr("xl/worksheets/sheet1.xml", SHEET.format(prologue="", rows=""))
    return target.getvalue()


def truncated() -> bytes:
    whole = xlsx(f'<row r="1">{cell("A1", "Roll")}</row>')
    return whole[: len(whole) // 2]


def encrypted() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")


def too_many_rows() -> bytes:
    return b"Roll,Name\n" + b"1,a\n" * 6000


def too_many_columns() -> bytes:
    return (",".join("x" * 50) + "\n").encode() * 3


def endless_quote() -> bytes:
    return b'Roll,Name\n1,"' + b"x" * 400_000


def six_megabytes() -> bytes:
    return b"Roll,Name\n" + b"1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" * 200_000


HOSTILE: list[tuple[Callable[[], bytes], str]] = [
    (zip_bomb, "file_hostile"),
    (lying_zip_bomb, "file_"),
    (entity_bomb, "file_hostile"),
    (outside_entity, "file_hostile"),
    (far_cell, "too_many_"),
    (far_row_of_nameless_cells, "too_many_rows"),
    (far_ods_cell, "too_many_columns"),
    (repeated_ods_rows, "too_many_rows"),
    (long_shared_string, "cell_too_long"),
    (thousands_of_parts, "file_hostile"),
    (two_parts_of_one_name, "file_hostile"),
    (truncated, "file_unreadable"),
    (encrypted, "file_protected"),
    (too_many_rows, "too_many_rows"),
    (too_many_columns, "too_many_columns"),
    (endless_quote, "cell_too_long"),
    (six_megabytes, "file_too_large"),
]


@pytest.mark.parametrize(("build", "code"), HOSTILE, ids=[build.__name__ for build, _ in HOSTILE])
def test_hostile_files_are_refused_soon_and_cheaply(build: Callable[[], bytes], code: str) -> None:
    data = build()
    memory_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    with pytest.raises(RuleViolation) as refusal:
        CalamineSpreadsheets().read_rows(data)
    assert refusal.value.code.startswith(code)
    assert refusal.value.errors["file"]
    assert time.perf_counter() - began < 5
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory_before) * 1024 < 256 * 1024 * 1024


def test_pictures_and_macros_never_reach_the_reader() -> None:
    rows = f'<row r="1">{cell("A1", "Roll")}{cell("B1", "Name")}</row>'
    assert read(xlsx(rows, more={"xl/vbaProject.bin": b"MZ" * 100, "xl/media/a.png": b"x"})) == [["Roll", "Name"]]
