"""Reads the bank and the formats from `config/`."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from backend.features.items.bank import BankFile, read_bank
from backend.features.items.formats import Format, read_format
from backend.features.items.model import BankItem
from backend.features.items.problems import ConfigProblems


def load_bank(folder: Path) -> tuple[BankItem, ...]:
    """Every item of `folder`/*.yaml. Raises ConfigProblems with every mistake of every file."""
    return read_bank([BankFile(name=_name(path), content=_content(path)) for path in sorted(folder.glob("*.yaml"))])


def load_formats(folder: Path) -> tuple[Format, ...]:
    """Every format of `folder`/*.yaml, by id. Raises ConfigProblems with every mistake of every file."""
    problems: list[str] = []
    formats: list[Format] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            formats.append(_load_format(path))
        except ConfigProblems as found:
            problems += found.lines
    if problems:
        raise ConfigProblems(problems)
    return tuple(sorted(formats, key=lambda made: made.id))


def _load_format(path: Path) -> Format:
    made = read_format(_content(path), file=_name(path))
    if made.id != path.stem:
        raise ConfigProblems([f"{_name(path)}: id: must be the file's name, {path.stem}"])
    return made


def _name(path: Path) -> str:
    return "/".join(path.parts[-3:])


def _content(path: Path) -> Mapping[str, object]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else "the file"
        raise ConfigProblems([f"{_name(path)}: {line}: is not YAML"]) from None
    if not isinstance(content, dict):
        raise ConfigProblems([f"{_name(path)}: the file: must be a group of named values"])
    return content
