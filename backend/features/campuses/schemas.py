"""What the forms and the API take and give."""

from marshmallow import Schema, fields, validate

_text = validate.Length(max=300)


class CampusForm(Schema):
    name = fields.String(required=True, validate=_text)
    slug = fields.String(load_default="", validate=_text)
    time_zone = fields.String(required=True, validate=_text)


class CampusReply(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    slug = fields.String(required=True)
    time_zone = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)


class CampusList(Schema):
    campuses = fields.List(fields.Nested(CampusReply), required=True)
