"""The bank as files: one per task, every mistake named by file, item and field."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.features.items.model import LEVELS, BankItem, ItemBody, ItemStatus
from backend.features.items.problems import ConfigProblems, Reader
from backend.features.items.types import ITEM_TYPES
from backend.features.items.types.base import FieldProblem, ItemType

_COMMON = frozenset({"id", "version", "level", "pool", "status"})
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_EMPTY = ItemBody(shown_text=None, heard=(), headline="", answer_key={})


@dataclass(frozen=True, slots=True, kw_only=True)
class BankFile:
    """A file's name, for messages, and its content."""

    name: str
    content: Mapping[str, object]


def read_bank(files: Sequence[BankFile]) -> tuple[BankItem, ...]:
    """All items of all files. Raises ConfigProblems with every mistake."""
    problems: list[str] = []
    items = [item for file in files for item in _read_file(file, problems)]
    for item_id, count in Counter(item.id for item in items).items():
        if item_id and count > 1:
            problems.append(f"the bank: {item_id}: {count} items have this id")
    if problems:
        raise ConfigProblems(problems)
    return tuple(items)


def _read_file(file: BankFile, problems: list[str]) -> list[BankItem]:
    reader = Reader(file=file.name, path="", data=file.content, problems=problems)
    reader.only(("task", "items"))
    item_type = ITEM_TYPES[reader.one_of("task", ITEM_TYPES)]
    return [_read_item(part, item_type) for part in reader.parts("items")]


def _read_item(reader: Reader, item_type: ItemType) -> BankItem:
    reader.only(_COMMON | item_type.fields)
    item_id = reader.text("id")
    if item_id and not _SLUG.fullmatch(item_id):
        reader.note("id", "may have small letters, digits and single hyphens")
    return BankItem(
        id=item_id,
        task=item_type.task,
        level=reader.one_of("level", LEVELS),
        pool=reader.text("pool"),
        status=ItemStatus(reader.one_of("status", [status.value for status in ItemStatus])),
        version=reader.whole("version", least=1, most=10_000),
        body=_read_body(reader, item_type),
    )


def _read_body(reader: Reader, item_type: ItemType) -> ItemBody:
    try:
        return item_type.read(reader.data)
    except FieldProblem as problem:
        reader.note(problem.field, problem.reason)
        return _EMPTY
