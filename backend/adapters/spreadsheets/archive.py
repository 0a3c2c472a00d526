"""XLSX and ODS are archives of XML that a stranger made: what is let through to the reader.

Sums are checked before anything is unpacked; what is unpacked is capped whatever the archive says of itself; XML is
walked once, without entities, for the extent of its cells; and the reader gets a clean archive of only the parts it
needs.
"""

import io
import re
import zipfile
import zlib
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

import defusedxml.sax
from defusedxml.common import DefusedXmlException

from backend.core.errors import RuleViolation

MAX_PARTS = 300
MAX_UNPACKED = 24 * 1024 * 1024
MAX_RATIO = 200
MAX_ROWS = 5_001
MAX_COLUMNS = 40
MAX_CELL = 500
_CELL_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_WANTED = re.compile(
    r"(\[Content_Types\]\.xml|_rels/\.rels|xl/workbook\.xml|xl/_rels/workbook\.xml\.rels|xl/sharedStrings\.xml"
    r"|xl/styles\.xml|xl/worksheets/[^/]+\.xml|mimetype|content\.xml|META-INF/manifest\.xml)"
)
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")


def refusal(code: str) -> RuleViolation:
    return RuleViolation(code, _TEXTS[code], errors={"file": [_TEXTS[code]]})


_TEXTS = {
    "file_empty": "The file is empty.",
    "file_unreadable": "This file cannot be read as a table. Save it as XLSX, ODS or CSV and upload it again.",
    "file_too_large": "The file is too large: a roster of 5,000 students is below 1 MB. Remove pictures and sheets.",
    "file_protected": "The file is protected by a password. Save a copy without one.",
    "file_hostile": "The file holds more than a table should, and was not opened. Save it again as XLSX or CSV.",
    "too_many_rows": f"The table has more than {MAX_ROWS - 1:,} rows. Upload it in parts.",
    "too_many_columns": f"The table has more than {MAX_COLUMNS} columns. Remove those that are not needed.",
    "cell_too_long": f"A cell has more than {MAX_CELL} characters. Is this the right file?",
}


def cleaned(data: bytes) -> bytes:
    """The archive with only what the reader needs, proved harmless. RuleViolation otherwise."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_sums(archive)
            return _rebuilt(archive)
    except DefusedXmlException:
        # Before ValueError, which it is too.
        raise refusal("file_hostile") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, KeyError):
        raise refusal("file_unreadable") from None
    except RuntimeError:
        # zipfile's word for an encrypted member
        raise refusal("file_protected") from None


def _check_sums(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if len(parts) > MAX_PARTS or len({part.filename for part in parts}) != len(parts):
        raise refusal("file_hostile")
    if unpacked > MAX_UNPACKED:
        raise refusal("file_hostile" if unpacked > MAX_RATIO * max(packed, 1) else "file_too_large")
    if any(part.file_size > 1_000_000 and part.file_size > MAX_RATIO * max(part.compress_size, 1) for part in parts):
        raise refusal("file_hostile")


def _rebuilt(archive: zipfile.ZipFile) -> bytes:
    target = io.BytesIO()
    left = MAX_UNPACKED
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as clean:
        for part in archive.infolist():
            if not _WANTED.fullmatch(part.filename):
                continue
            with archive.open(part) as opened:
                content = opened.read(left + 1)
            left -= len(content)
            if left < 0:
                raise refusal("file_hostile")
            _check_part(part.filename, content)
            clean.writestr(part.filename, content)
    return target.getvalue()


def _check_part(name: str, content: bytes) -> None:
    if name == "mimetype":
        return
    handler: ContentHandler = ContentHandler()
    if _SHEET.fullmatch(name):
        handler = _XlsxExtent()
    elif name == "xl/sharedStrings.xml":
        handler = _SharedStrings()
    elif name == "content.xml":
        handler = _OdsExtent()
    # Well-formed, and without document types and entities, whatever part it is.
    _walk(content, handler)


def _walk(content: bytes, handler: ContentHandler) -> None:
    from xml.sax import SAXParseException

    try:
        defusedxml.sax.parseString(content, handler, forbid_dtd=True)
    except SAXParseException:
        raise refusal("file_unreadable") from None


def _local(name: str) -> str:
    return name.rpartition(":")[2]


class _Texts(ContentHandler):
    """Counts the text of one cell."""

    def __init__(self) -> None:
        super().__init__()
        self.length = 0

    def characters(self, content: str) -> None:
        self.length += len(content)
        if self.length > MAX_CELL and content.strip():
            raise refusal("cell_too_long")


class _SharedStrings(_Texts):
    """Strings that cells refer to: a long one would be copied into every cell."""

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802, ARG002 - SAX's names
        if _local(name) == "si":
            self.length = 0


class _XlsxExtent(_Texts):
    """Where the filled cells of a sheet are: the reader makes a full rectangle of them. Empty ones, which colours and
    borders leave far below and beside a table, are not read."""

    def __init__(self) -> None:
        super().__init__()
        self.row, self.reference = "1", ""

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - SAX's name
        kind = _local(name)
        if kind == "row":
            self.length, self.row = 0, attrs.get("r", "1")
        elif kind == "c":
            self.length, self.reference = 0, attrs.get("r", "")
        elif kind in ("v", "is", "f"):
            _check_row(self.row)
            _check_reference(self.reference)


def _check_reference(reference: str) -> None:
    if not reference:
        return
    found = _CELL_REFERENCE.fullmatch(reference)
    if found is None:
        raise refusal("file_unreadable")
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    if column > MAX_COLUMNS:
        raise refusal("too_many_columns")
    _check_row(found[2])


def _check_row(number: str) -> None:
    if not number.isascii() or not number.isdigit() or len(number) > 7:
        raise refusal("file_unreadable")
    if int(number) > MAX_ROWS:
        raise refusal("too_many_rows")


class _OdsExtent(_Texts):
    """Where the cells of an ODS table are: empty ones may be repeated to the edge, filled ones may not."""

    def __init__(self) -> None:
        super().__init__()
        self.row = self.column = 0
        self.repeated_row = self.repeated_cell = 1
        self.row_is_filled = self.cell_is_filled = False

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - SAX's name
        kind = _local(name)
        if kind == "table":
            self.row = 0
        elif kind == "table-row":
            self.repeated_row = _repeats(attrs, "table:number-rows-repeated")
            self.column, self.row_is_filled = 0, False
        elif kind in ("table-cell", "covered-table-cell"):
            self.repeated_cell = _repeats(attrs, "table:number-columns-repeated")
            self.length, self.cell_is_filled = 0, any(_local(key) == "value-type" for key in attrs.getNames())

    def characters(self, content: str) -> None:
        super().characters(content)
        self.cell_is_filled = self.cell_is_filled or bool(content.strip())

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX's name
        kind = _local(name)
        if kind in ("table-cell", "covered-table-cell"):
            self.column += self.repeated_cell
            if self.cell_is_filled and self.column > MAX_COLUMNS:
                raise refusal("too_many_columns")
            self.row_is_filled = self.row_is_filled or self.cell_is_filled
            self.cell_is_filled = False
        elif kind == "table-row":
            self.row += self.repeated_row
            if self.row_is_filled and self.row > MAX_ROWS:
                raise refusal("too_many_rows")


def _repeats(attrs: AttributesImpl, name: str) -> int:
    text = attrs.get(name, "1")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise refusal("file_unreadable")
    return int(text)
