"""What the forms and the API take and give."""

from marshmallow import Schema, fields, validate

_text = validate.Length(max=300)


class CourseForm(Schema):
    name = fields.String(required=True, validate=_text)
    code = fields.String(required=True, validate=_text)


class CourseReply(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    code = fields.String(required=True)


class CourseList(Schema):
    courses = fields.List(fields.Nested(CourseReply), required=True)
