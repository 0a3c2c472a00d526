"""Frozen dataclasses to flat documents and back.

A document is the dataclass's fields by name, `id` becoming `_id`. Enums are their values, dates ISO text, tuples and
sets arrays, nested dataclasses sub-documents. Moments must be aware; they are kept in UTC and whole milliseconds, which
is what BSON has. Reading is tolerant where code moves on (unknown fields are ignored, missing ones take their default)
and strict where data would be wrong (a missing field without a default, a value of another type).
"""

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, Literal, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

from backend.core.changes import field_names
from backend.core.errors import PermanentFailure

T = TypeVar("T")
_SCALARS = (str, bool, int, float, bytes)
_AS_THEY_ARE = frozenset({*_SCALARS, types.NoneType})


class DocumentMismatch(PermanentFailure):
    """A stored document, or a value on its way to storage, does not fit its type. Names the place, never the value."""

    def __init__(self, place: str) -> None:
        super().__init__(f"document_mismatch:{place}")


# -- writing ---------------------------------------------------------------------------------------------------------


def to_document(record: Any) -> dict[str, Any]:
    """The document of a dataclass instance; its field `id`, where it has one, is `_id`."""
    document = _fields_to_values(record)
    if "id" in document:
        return {"_id": document.pop("id"), **document}
    return document


def to_value(value: Any) -> Any:
    """What BSON keeps of one value; also right for the values of filters and updates."""
    if type(value) in _AS_THEY_ARE:  # nearly all; an Enum is a str of another type
        return value
    if isinstance(value, Enum):
        return to_value(value.value)
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, datetime):
        return _moment_to_value(value)
    if isinstance(value, date):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields_to_values(value)
    if isinstance(value, Mapping):
        return {str(to_value(key)): to_value(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted((to_value(item) for item in value), key=repr)
    if isinstance(value, Sequence):
        return [to_value(item) for item in value]
    raise DocumentMismatch(type(value).__name__)


def _fields_to_values(record: Any) -> dict[str, Any]:
    return {name: to_value(getattr(record, name)) for name in field_names(record.__class__)}


def _moment_to_value(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise DocumentMismatch("naive_datetime")
    in_utc = moment.astimezone(UTC)
    return in_utc.replace(microsecond=in_utc.microsecond // 1000 * 1000)


# -- reading ---------------------------------------------------------------------------------------------------------

Reader = Callable[[Any], Any]


def from_document(cls: type[T], document: Mapping[str, Any]) -> T:
    """The dataclass of a document. Raises DocumentMismatch naming class and field."""
    values = {("id" if name == "_id" else name): value for name, value in document.items()}
    return cls(**_read_fields(cls, values))


def _read_fields(cls: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    arguments = {}
    for name, (reader, has_default) in _readers_of(cls).items():
        if name in values:
            try:
                arguments[name] = reader(values[name])
            except (TypeError, ValueError, AttributeError):
                raise DocumentMismatch(f"{cls.__name__}.{name}") from None
        elif not has_default:
            raise DocumentMismatch(f"{cls.__name__}.{name}")
    return arguments


@cache
def _readers_of(cls: Any) -> dict[str, tuple[Reader, bool]]:
    hints = get_type_hints(cls)
    return {
        field.name: (_reader_for(hints[field.name]), _has_default(field))
        for field in dataclasses.fields(cls)
        if field.init
    }


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _reader_for(hint: Any) -> Reader:
    if isinstance(hint, NewType):
        return _reader_for(hint.__supertype__)
    if hint is Any or hint is object:
        return _as_it_is
    if hint is None or hint is types.NoneType:
        return _read_none
    origin = get_origin(hint)
    if origin is None:
        return _reader_for_plain(hint)
    return _reader_for_generic(origin, get_args(hint))


def _reader_for_plain(hint: Any) -> Reader:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return lambda value: hint(**_read_fields(hint, _mapping(value)))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    if hint is datetime:
        return _read_moment
    if hint is date:
        return date.fromisoformat
    if hint is float:
        return _read_float
    if hint in (tuple, list, set, frozenset):
        return lambda value: hint(_array(value))
    if hint in (dict, Mapping):
        return lambda value: dict(_mapping(value))
    return _instance_reader(hint)


def _reader_for_generic(origin: Any, arguments: tuple[Any, ...]) -> Reader:
    if origin in (Union, types.UnionType):
        return _union_reader(arguments)
    if origin is Literal:
        return _literal_reader(arguments)
    if origin is tuple:
        return _tuple_reader(arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        read_key, read_item = _key_reader(arguments[0]), _reader_for(arguments[1])
        return lambda value: {read_key(key): read_item(item) for key, item in _mapping(value).items()}
    if isinstance(origin, type) and issubclass(origin, (AbstractSet, Sequence)):
        read_item, build = _reader_for(arguments[0]), _builder_of(origin)
        return lambda value: build(read_item(item) for item in _array(value))
    raise TypeError(f"no reader for {origin}")


def _builder_of(origin: type) -> Callable[[Any], Any]:
    """Abstract kinds become their immutable form."""
    if origin in (list, set, frozenset):
        return origin
    return frozenset if issubclass(origin, AbstractSet) else tuple


def _key_reader(hint: Any) -> Reader:
    """Keys are text in a document; whole numbers come back as numbers."""
    return int if hint is int else _reader_for(hint)


def _union_reader(arguments: tuple[Any, ...]) -> Reader:
    optional = types.NoneType in arguments
    readers = [_reader_for(argument) for argument in arguments if argument is not types.NoneType]

    def read_optional(value: Any) -> Any:
        return None if value is None else readers[0](value)

    def read(value: Any) -> Any:
        if value is None and optional:
            return None
        for reader in readers:
            try:
                return reader(value)
            except (TypeError, ValueError, AttributeError, DocumentMismatch):
                if reader is readers[-1]:
                    raise
        raise TypeError

    return read_optional if optional and len(readers) == 1 else read


def _literal_reader(allowed: tuple[Any, ...]) -> Reader:
    def read(value: Any) -> Any:
        if value not in allowed:
            raise ValueError
        return value

    return read


def _tuple_reader(arguments: tuple[Any, ...]) -> Reader:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        read_item = _reader_for(arguments[0])
        return lambda value: tuple(read_item(item) for item in _array(value))
    readers = [_reader_for(argument) for argument in arguments]
    return lambda value: tuple(reader(item) for reader, item in zip(readers, _array(value), strict=True))


def _instance_reader(hint: Any) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, hint) or (isinstance(value, bool) and hint is int):
            raise TypeError
        return value

    return read


def _as_it_is(value: Any) -> Any:
    return value


def _read_none(value: Any) -> None:
    if value is not None:
        raise TypeError


def _read_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError
    return float(value)


def _read_moment(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError
    return value


def _array(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError
    return value
