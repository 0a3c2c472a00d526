"""Mistakes in configuration files: all of them at once, each with file, place and what is wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


class ConfigProblems(Exception):
    """Every mistake, one plain line each: ``config/formats/x.yaml: sections[2].items: must be ...``."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads a mapping's values by name and notes what is wrong, instead of raising at the first mistake."""

    file: str
    path: str
    data: Mapping[str, object]
    problems: list[str] = field(default_factory=list)

    def note(self, name: str, problem: str) -> None:
        place = ".".join(part for part in (self.path, name) if part)
        self.problems.append(f"{self.file}: {place or 'the file'}: {problem}")

    def text(self, name: str, *, default: str | None = None) -> str:
        value = self.data.get(name, default)
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())
        self.note(name, "must be a text")
        return ""

    def whole(self, name: str, *, least: int, most: int) -> int:
        value = self.data.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.note(name, f"must be a whole number from {least} to {most}")
        return least

    def milliseconds(self, name: str, *, least_s: float, most_s: float, default: float | None = None) -> int:
        """A number of seconds, in milliseconds. `default` in seconds, where it may be left out."""
        value = self.data.get(name, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and least_s <= value <= most_s:
            return round(value * 1_000)
        self.note(name, f"must be a number of seconds from {least_s:g} to {most_s:g}")
        return round(least_s * 1_000)

    def one_of(self, name: str, allowed: Iterable[str]) -> str:
        known = sorted(allowed)
        value = self.data.get(name)
        if isinstance(value, str) and value in known:
            return value
        self.note(name, f"must be one of {', '.join(known)}")
        return known[0]

    def texts(self, name: str, *, at_least: int) -> tuple[str, ...]:
        value = self.data.get(name)
        if isinstance(value, list) and len(value) >= at_least and all(isinstance(v, str) and v.strip() for v in value):
            return tuple(" ".join(text.split()) for text in value)
        self.note(name, f"must be a list of at least {at_least} texts")
        return ()

    def parts(self, name: str) -> "list[Reader]":
        """A reader for each mapping of a list."""
        value = self.data.get(name)
        if not isinstance(value, list) or not value:
            self.note(name, "must be a list with at least one entry")
            return []
        return [self._part(f"{name}[{at}]", entry) for at, entry in enumerate(value)]

    def part(self, name: str) -> "Reader":
        return self._part(name, self.data.get(name))

    def _part(self, name: str, value: object) -> "Reader":
        if not isinstance(value, dict):
            self.note(name, "must be a group of named values")
            value = {}
        path = ".".join(part for part in (self.path, name) if part)
        return Reader(file=self.file, path=path, data=value, problems=self.problems)

    def only(self, names: Iterable[str]) -> None:
        """Notes names that nobody reads: a misspelt setting must not be silently ignored."""
        for name in sorted(set(self.data) - set(names)):
            self.note(str(name), "is not known here")
