"""What the bank's forms hold."""

from marshmallow import Schema, fields, validate

from backend.features.items.model import LEVELS, REASON_MAX, ItemStatus
from backend.features.items.types import ITEM_TYPES

_STATUSES = [status.value for status in ItemStatus]


class FilterQuery(Schema):
    """The list's filter, from the address; something unknown there matches nothing rather than everything."""

    task = fields.String(load_default="", validate=validate.OneOf(["", *ITEM_TYPES]))
    level = fields.String(load_default="", validate=validate.OneOf(["", *LEVELS]))
    status = fields.String(load_default="", validate=validate.OneOf(["", *_STATUSES]))
    pool = fields.String(load_default="", validate=validate.Length(max=40))
    text = fields.String(load_default="", validate=validate.Length(max=100))


class StatusForm(Schema):
    status = fields.String(required=True, validate=validate.OneOf(_STATUSES))
    reason = fields.String(load_default="", validate=validate.Length(max=REASON_MAX))
