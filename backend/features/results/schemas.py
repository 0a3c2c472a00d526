"""What the API gives of a delivery's results."""

from marshmallow import Schema, fields, validate

from backend.features.results.table import RowState


class SubscoreReply(Schema):
    """`value` and `band` are null where the evidence was not enough: never a zero."""

    trait = fields.String(required=True)
    value = fields.Integer(required=True, allow_none=True)
    band = fields.String(required=True, allow_none=True)
    sem = fields.Float(required=True, allow_none=True)


class OutcomeReply(Schema):
    overall = fields.Integer(required=True, allow_none=True)
    band = fields.String(required=True, allow_none=True)
    confidence = fields.Float(required=True)
    subscores = fields.List(fields.Nested(SubscoreReply), required=True)
    warnings = fields.List(fields.String(), required=True)


class ResultReply(Schema):
    id = fields.String(required=True)
    number = fields.String(required=True)
    outcome = fields.Nested(OutcomeReply, required=True)


class UnderWayReply(Schema):
    """A later attempt that has no result yet."""

    number = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in RowState]))


class ResultRowReply(Schema):
    """One student of the delivery; `result` is null until a sitting is settled, and that sitting's until a later one
    (`under_way`) is."""

    student_id = fields.String(required=True)
    name = fields.String(required=True)
    roll_number = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in RowState]))
    is_released = fields.Boolean(required=True)
    result = fields.Nested(ResultReply, required=True, allow_none=True)
    under_way = fields.Nested(UnderWayReply, required=True, allow_none=True)


class ResultList(Schema):
    results = fields.List(fields.Nested(ResultRowReply), required=True)
