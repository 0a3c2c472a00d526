"""HTML forms read through marshmallow, as the API's bodies are."""

from dataclasses import dataclass, field

from flask import request
from marshmallow import EXCLUDE, Schema, ValidationError

from backend.core.errors import RuleViolation

_NOT_INPUT = frozenset({"csrf_token"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FormInput:
    """What a form held: `values` as read when there are no `errors`, `raw` as typed, to show again."""

    values: dict[str, object] = field(default_factory=dict)
    raw: dict[str, str] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_valid(self) -> bool:
        return not self.errors

    def refused(self, refusal: RuleViolation) -> "FormInput":
        """The same input with what a use case refused, by field; a refusal without fields stands under ""."""
        errors = {name: list(messages) for name, messages in refusal.errors.items()} or {"": [refusal.detail]}
        return FormInput(values=self.values, raw=self.raw, errors=errors)


def read_form(schema: type[Schema]) -> FormInput:
    """Reads the request's form; every mistake is in `errors` by field, nothing is raised."""
    raw = {name: value.strip() for name, value in request.form.items() if name not in _NOT_INPUT}
    lists = {name: request.form.getlist(name) for name in raw}
    instance = schema(unknown=EXCLUDE)
    many = {name for name, spec in instance.fields.items() if hasattr(spec, "inner")}
    data = {name: (lists[name] if name in many else value) for name, value in raw.items()}
    try:
        return FormInput(values=dict(instance.load(data)), raw=raw)
    except ValidationError as error:
        return FormInput(raw=raw, errors=_by_field(error.messages))


def _by_field(messages: object) -> dict[str, list[str]]:
    if not isinstance(messages, dict):
        return {"": [str(messages)]}
    return {str(name): _texts(value) for name, value in messages.items()}


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    return [str(text) for text in value] if isinstance(value, list) else [str(value)]
