"""What reports need: a press, spreadsheets, words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from backend.core.tables import Cell
from backend.scoring.descriptors import Descriptors


class PdfPress(Protocol):
    """A template folder and data become a PDF; the same data and date give the same bytes."""

    def __call__(self, template_dir: Path, data: Mapping[str, object], *, made_at: datetime | None = None) -> bytes: ...


class SheetWriter(Protocol):
    """Rows become a workbook of one sheet. Text stays text: nothing is ever a formula."""

    def __call__(self, title: str, rows: Sequence[Sequence[Cell]], *, made_at: datetime) -> bytes: ...


class Words(Protocol):
    def __call__(self, name: str) -> Descriptors:
        """The words by name, as a scale's `descriptors` says it."""
