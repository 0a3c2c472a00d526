"""The bank as files: one per task, every mistake named by file, item and field."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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
    reader.only(("task", "stimuli", "items"))
    item_type = ITEM_TYPES[reader.one_of("task", ITEM_TYPES)]
    parts = reader.parts("stimuli") if "stimuli" in file.content else []
    stimuli = {stimulus.id: stimulus for stimulus in map(_read_stimulus, parts)}
    return [_read_item(part, item_type, stimuli) for part in reader.parts("items")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stimulus:
    """What several items of a file are about: a printed text, or lines that are heard with the first of them."""

    id: str
    title: str
    text: str | None
    heard: tuple[str, ...]


def _read_stimulus(reader: Reader) -> Stimulus:
    reader.only(("id", "title", "text", "heard"))
    if ("text" in reader.data) == ("heard" in reader.data):
        reader.note("text", "must be there, or heard, and not both")
    return Stimulus(
        id=reader.text("id"),
        title=reader.text("title"),
        text=reader.text("text") if "text" in reader.data else None,
        heard=reader.texts("heard", at_least=1) if "heard" in reader.data else (),
    )


def _read_item(reader: Reader, item_type: ItemType, stimuli: Mapping[str, Stimulus]) -> BankItem:
    reader.only(_COMMON | item_type.fields | ({"stimulus"} if stimuli else set()))
    body = _read_body(reader, item_type)
    if "stimulus" in reader.data:
        body = _with_stimulus(body, stimuli.get(reader.text("stimulus")), reader)
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
        body=body,
    )


def _with_stimulus(body: ItemBody, stimulus: Stimulus | None, reader: Reader) -> ItemBody:
    if stimulus is None:
        reader.note("stimulus", "is none of this file's stimuli")
        return body
    about = {"id": stimulus.id, "title": stimulus.title, "text": stimulus.text}
    return replace(body, heard=(*stimulus.heard, *body.heard), shown={**body.shown, "stimulus": about})


def _read_body(reader: Reader, item_type: ItemType) -> ItemBody:
    try:
        return item_type.read(reader.data)
    except FieldProblem as problem:
        reader.note(problem.field, problem.reason)
        return _EMPTY
