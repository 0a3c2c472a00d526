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
    readers = [Reader(file=file.name, path="", data=file.content, problems=problems) for file in files]
    about = [_read_stimulus(part) for reader in readers if "stimuli" in reader.data for part in reader.parts("stimuli")]
    stimuli = {stimulus.id: stimulus for stimulus in about}
    items = [item for reader in readers for item in _read_file(reader, stimuli)]
    for what, ids in (("items", [item.id for item in items]), ("stimuli", [stimulus.id for stimulus in about])):
        for name, count in Counter(ids).items():
            if name and count > 1:
                problems.append(f"the bank: {name}: {count} {what} have this id")
    if problems:
        raise ConfigProblems(problems)
    return tuple(items)


def _read_file(reader: Reader, stimuli: Mapping[str, "Stimulus"]) -> list[BankItem]:
    reader.only(("task", "stimuli", "items"))
    item_type = ITEM_TYPES[reader.one_of("task", ITEM_TYPES)]
    return [_read_item(part, item_type, stimuli) for part in reader.parts("items")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stimulus:
    """What several items are about, also of another file: a printed text, a paragraph a line, or turns that are heard
    with the first of them."""

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
        text=_read_paragraphs(reader) if "text" in reader.data else None,
        heard=reader.texts("heard", at_least=1) if "heard" in reader.data else (),
    )


def _read_paragraphs(reader: Reader) -> str:
    lines = (" ".join(line.split()) for line in str(reader.data["text"]).splitlines())
    return "\n".join(line for line in lines if line) if reader.text("text") else ""


def _read_item(reader: Reader, item_type: ItemType, stimuli: Mapping[str, Stimulus]) -> BankItem:
    reader.only(_COMMON | item_type.fields | {"stimulus"})
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
        reader.note("stimulus", "is none of the bank's stimuli")
        return body
    about = {"id": stimulus.id, "title": stimulus.title, "text": stimulus.text}
    return replace(body, heard=(*stimulus.heard, *body.heard), shown={**body.shown, "stimulus": about})


def _read_body(reader: Reader, item_type: ItemType) -> ItemBody:
    try:
        return item_type.read(reader.data)
    except FieldProblem as problem:
        reader.note(problem.field, problem.reason)
        return _EMPTY
