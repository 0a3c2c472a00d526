"""What became different between two looks at one record."""

import dataclasses
from collections.abc import MutableMapping
from functools import cache
from typing import Any, Protocol, TypeVar


class Revised(Protocol):
    """A record that is written only over the revision that was read."""

    @property
    def id(self) -> str: ...

    @property
    def revision(self) -> int: ...


R = TypeVar("R", bound=Revised)


def differences(before: R, after: R) -> dict[str, Any]:
    """The fields of `after`, by name, whose value is not that of `before`."""
    values = {name: getattr(after, name) for name in field_names(type(after))}
    return {name: value for name, value in values.items() if value != getattr(before, name)}


def write_over(records: MutableMapping[str, R], record: R, *, seen: R) -> bool:
    """What a database does with them, in memory: changes the stored record where the two differ, if its revision still
    is that of `seen`; says whether it did. For the caller's lock."""
    stored = records.get(record.id)
    if stored is None or stored.revision != seen.revision:
        return False
    records[record.id] = dataclasses.replace(stored, **differences(seen, record))  # type: ignore[type-var]
    return True


@cache
def field_names(cls: type[Any]) -> tuple[str, ...]:
    """Of a dataclass."""
    return tuple(field.name for field in dataclasses.fields(cls))
