"""The exam API's bodies and replies. Unknown fields are refused; the OpenAPI document comes from these."""

from marshmallow import RAISE, Schema, fields, validate

_CHECK = validate.Regexp(r"^(passed|failed:[a-z0-9_]{1,40})$", error="Must be passed or failed:<code>.")
_MICROPHONE = validate.Regexp(r"^(ok|unknown|trouble:[a-z0-9_]{1,40})$", error="Must be ok, unknown or trouble:<code>.")
# A client counts what it cannot send; no honest one gets near this.
_MANY = 10_000


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class NothingSchema(_Strict):
    """An empty body, or {}."""


def _whole(*, least: int = 0, most: int) -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(min=least, max=most))


class DeviceCheckSchema(_Strict):
    browser = fields.String(required=True, validate=_CHECK)
    microphone = fields.String(required=True, validate=_CHECK)
    speaker = fields.String(required=True, validate=_CHECK)
    connection = fields.String(required=True, validate=_CHECK)


class RecordingSchema(_Strict):
    recording_id = fields.String(
        required=True, validate=validate.Regexp(r"^[A-Za-z0-9-]{8,64}$", error="8 to 64 letters, digits and -.")
    )
    position = _whole(most=1_000)
    segment = _whole(most=1_000)
    sha256 = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{64}$", error="64 hex digits."))
    size = _whole(most=2**40)
    content_type = fields.String(
        required=True,
        validate=validate.Regexp(r"^[a-z]+/[a-z0-9.+-]+(;\s?codecs=[\"A-Za-z0-9., -]+)?$", error="Not a media type."),
    )
    duration_ms = _whole(most=3_600_000)


class HeartbeatSchema(_Strict):
    position = _whole(most=1_000)
    uploads_pending = _whole(most=_MANY)
    microphone = fields.String(required=True, validate=_MICROPHONE)


class PromptViewSchema(Schema):
    url = fields.String()
    duration_ms = fields.Integer()


class ItemViewSchema(Schema):
    position = fields.Integer()
    section_letter = fields.String()
    number = fields.Integer()
    of = fields.Integer()
    task = fields.String()
    practice = fields.Boolean()
    text = fields.String(allow_none=True)
    prompt = fields.Nested(PromptViewSchema, allow_none=True)
    window_ms = fields.Integer()
    begin_within_ms = fields.Integer()
    silence_end_ms = fields.Integer()
    opened_at = fields.AwareDateTime()
    elapsed_ms = fields.Integer()


class SectionViewSchema(Schema):
    letter = fields.String()
    title = fields.String()
    task = fields.String()
    instructions = fields.String()
    example = fields.String()
    instructions_audio_url = fields.String(allow_none=True)
    first_position = fields.Integer()
    item_count = fields.Integer()
    practice_count = fields.Integer()


class DemonstrationViewSchema(Schema):
    title = fields.String()
    text = fields.String()
    audio_url = fields.String(allow_none=True)


class AttemptSnapshotSchema(Schema):
    id = fields.String()
    state = fields.String(validate=validate.OneOf(["checking", "in_progress", "submitted", "expired", "voided"]))
    number = fields.Integer()
    server_now = fields.AwareDateTime()
    opens_at = fields.AwareDateTime()
    closes_at = fields.AwareDateTime()
    started_at = fields.AwareDateTime(allow_none=True)
    deadline_at = fields.AwareDateTime(allow_none=True)
    title = fields.String()
    student_name = fields.String()
    total_items = fields.Integer()
    position = fields.Integer()
    item = fields.Nested(ItemViewSchema, allow_none=True)
    sections = fields.List(fields.Nested(SectionViewSchema))
    demonstration = fields.Nested(DemonstrationViewSchema, allow_none=True)
    stored_recordings = fields.List(fields.String())


class UploadPermitSchema(Schema):
    method = fields.Constant("PUT")
    url = fields.String()
    headers = fields.Dict(keys=fields.String(), values=fields.String())
    expires_at = fields.AwareDateTime()


class RegistrationSchema(Schema):
    """`upload` only while the recording is not stored."""

    recording_id = fields.String()
    stored = fields.Boolean()
    upload = fields.Nested(UploadPermitSchema)


class StoredSchema(Schema):
    recording_id = fields.String()
    stored = fields.Boolean()
    sha256 = fields.String()


class PulseSchema(Schema):
    server_now = fields.AwareDateTime()
    state = fields.String()
    deadline_at = fields.AwareDateTime(allow_none=True)
