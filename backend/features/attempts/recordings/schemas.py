"""What the client hears of a recording."""

from marshmallow import Schema, fields


class ReceiptSchema(Schema):
    """`sha256` once it is stored; before that `offset`, where to go on."""

    recording_id = fields.String()
    stored = fields.Boolean()
    offset = fields.Integer()
    sha256 = fields.String()
