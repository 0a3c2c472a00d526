"""What the forms and the API take and give."""

from marshmallow import Schema, fields, validate

_text = validate.Length(max=300)


class StudentForm(Schema):
    roll_number = fields.String(required=True, validate=_text)
    name = fields.String(required=True, validate=_text)
    email = fields.String(load_default="", validate=_text)
    login = fields.String(load_default="", validate=_text)


class StudentChangeForm(Schema):
    roll_number = fields.String(required=True, validate=_text)
    name = fields.String(required=True, validate=_text)
    email = fields.String(load_default="", validate=_text)
    batch_id = fields.String(required=True, validate=_text)


class ConfirmForm(Schema):
    upload_id = fields.String(required=True, validate=_text)
    digest = fields.String(required=True, validate=_text)


class StudentReply(Schema):
    id = fields.String(required=True)
    batch_id = fields.String(required=True)
    roll_number = fields.String(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    login = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["active", "disabled"]))


class StudentPage(Schema):
    students = fields.List(fields.Nested(StudentReply), required=True)
    next_after = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Send it as `after` for the next page; null: the last."},
    )


class StudentPageQuery(Schema):
    after = fields.String(load_default="")
    limit = fields.Integer(load_default=100, validate=validate.Range(min=1, max=500))
