"""What the forms and the API take and give."""

from marshmallow import Schema, fields, validate

_text = validate.Length(max=300)


class BatchForm(Schema):
    name = fields.String(required=True, validate=_text)
    course_id = fields.String(required=True, validate=_text)


class BatchNameForm(Schema):
    name = fields.String(required=True, validate=_text)


class BatchReply(Schema):
    id = fields.String(required=True)
    course_id = fields.String(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["active", "archived"]))


class BatchList(Schema):
    batches = fields.List(fields.Nested(BatchReply), required=True)
