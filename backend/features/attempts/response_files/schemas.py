"""What a response file's head may hold. Unknown fields are refused."""

from marshmallow import RAISE, Schema, fields, validate

from backend.features.attempts.responses import ENDINGS
from backend.features.attempts.schemas import AnswerSchema, MoveSchema

_MANY = 1_000


class _Strict(Schema):
    class Meta:
        unknown = RAISE


def _whole(most: int) -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(min=0, max=most))


class FiledRecordingSchema(_Strict):
    recording_id = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9-]{8,64}$"))
    position = _whole(_MANY)
    segment = _whole(_MANY)
    sha256 = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{64}$"))
    size = _whole(2**30)
    content_type = fields.String(required=True, validate=validate.Regexp(r"^[a-z]+/[a-z0-9.+-]+(;[^\r\n]{0,60})?$"))
    duration_ms = _whole(10**12)
    ended_by = fields.String(load_default="", validate=validate.OneOf(["", *ENDINGS]))


class FiledDraftSchema(AnswerSchema):
    position = _whole(_MANY)


class HeadSchema(_Strict):
    """Moves and drafts have the shapes of their API calls."""

    moves = fields.List(fields.Nested(MoveSchema), required=True, validate=validate.Length(max=_MANY))
    drafts = fields.List(fields.Nested(FiledDraftSchema), required=True, validate=validate.Length(max=_MANY))
    recordings = fields.List(fields.Nested(FiledRecordingSchema), required=True, validate=validate.Length(max=_MANY))
