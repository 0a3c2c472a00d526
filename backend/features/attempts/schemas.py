"""The exam API's bodies and replies. Unknown fields are refused; the OpenAPI document comes from these."""

from typing import Any

from marshmallow import RAISE, Schema, fields, post_load, validate

from backend.features.attempts.engine.moves import Move, MoveKind
from backend.features.attempts.model import AttemptState

_CHECK = validate.Regexp(r"^(passed|failed:[a-z0-9_]{1,40})$", error="Must be passed or failed:<code>.")
_MICROPHONE = validate.Regexp(r"^(ok|unknown|trouble:[a-z0-9_]{1,40})$", error="Must be ok, unknown or trouble:<code>.")
# A client counts what it cannot send; no honest one gets near this.
_MANY = 10_000
_LONGEST_TEXT, _LONGEST_GAP, _PLACES = 20_000, 200, 60


class _Strict(Schema):
    class Meta:
        unknown = RAISE


_CLIENT = validate.Regexp(r"^[A-Za-z0-9-]{8,64}$", error="8 to 64 letters, digits and -.")
# A client that was off-line for half an hour brings what it did meanwhile in one request.
_MOVES_AT_ONCE = 400


class NothingSchema(_Strict):
    """An empty body, or {}."""


def _whole(*, least: int = 0, most: int) -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(min=least, max=most))


class EnterSchema(_Strict):
    """`client_id` is chosen by the page, anew with every load."""

    client_id = fields.String(load_default=None, validate=_CLIENT)


class MoveSchema(_Strict):
    kind = fields.Enum(MoveKind, by_value=True, required=True)
    position = _whole(most=1_000)
    at = fields.AwareDateTime(required=True)

    @post_load
    def make(self, data: dict[str, Any], **_: object) -> Move:
        return Move(**data)


class MovesSchema(_Strict):
    moves = fields.List(fields.Nested(MoveSchema), required=True, validate=validate.Length(min=1, max=_MOVES_AT_ONCE))


class DeviceCheckSchema(_Strict):
    browser = fields.String(required=True, validate=_CHECK)
    microphone = fields.String(required=True, validate=_CHECK)
    speaker = fields.String(required=True, validate=_CHECK)
    connection = fields.String(required=True, validate=_CHECK)


class HeartbeatSchema(_Strict):
    position = _whole(most=1_000)
    uploads_pending = _whole(most=_MANY)
    microphone = fields.String(required=True, validate=_MICROPHONE)


class AnswerContentSchema(_Strict):
    """One of the three: a text, the text of each gap, or the numbers of the chosen options in the item's order (-1: a
    place left empty)."""

    text = fields.String(validate=validate.Length(max=_LONGEST_TEXT))
    texts = fields.List(
        fields.String(validate=validate.Length(max=_LONGEST_GAP)), validate=validate.Length(max=_PLACES)
    )
    choices = fields.List(
        fields.Integer(strict=True, validate=validate.Range(min=-1, max=_PLACES)), validate=validate.Length(max=_PLACES)
    )


class AnswerSchema(_Strict):
    """`sequence` is [epoch, n]: the lease's epoch, and a number that grows with each save of that page."""

    sequence = fields.List(
        fields.Integer(strict=True, validate=validate.Range(min=0, max=2**30)),
        required=True,
        validate=validate.Length(equal=2),
    )
    content = fields.Nested(AnswerContentSchema, required=True)


class SavedSchema(Schema):
    position = fields.Integer()
    sequence = fields.List(fields.Integer())
    saved_at = fields.AwareDateTime()


class DraftViewSchema(Schema):
    sequence = fields.List(fields.Integer())
    content = fields.Nested(AnswerContentSchema)


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
    answer_kind = fields.String()
    text = fields.String(allow_none=True)
    shown = fields.Dict(keys=fields.String())
    prompt = fields.Nested(PromptViewSchema, allow_none=True)
    window_ms = fields.Integer()
    begin_within_ms = fields.Integer()
    silence_end_ms = fields.Integer()
    opened_at = fields.AwareDateTime()
    elapsed_ms = fields.Integer()
    heard = fields.Integer()
    replays_left = fields.Integer()
    draft = fields.Nested(DraftViewSchema, allow_none=True)


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
    time_limit_ms = fields.Integer(allow_none=True)


class DemonstrationViewSchema(Schema):
    title = fields.String()
    text = fields.String()
    audio_url = fields.String(allow_none=True)


class ConditionsSchema(Schema):
    extra_time = fields.Float()
    break_ms = fields.Integer()
    replays = fields.Integer()
    larger_text = fields.Boolean()
    no_silence_end = fields.Boolean()


class AttemptSnapshotSchema(Schema):
    id = fields.String()
    version = fields.Integer()
    epoch = fields.Integer()
    state = fields.String(validate=validate.OneOf([state.value for state in AttemptState]))
    number = fields.Integer()
    server_now = fields.AwareDateTime()
    opens_at = fields.AwareDateTime()
    closes_at = fields.AwareDateTime()
    started_at = fields.AwareDateTime(allow_none=True)
    deadline_at = fields.AwareDateTime(allow_none=True)
    allowed_ms = fields.Integer()
    paused_at = fields.AwareDateTime(allow_none=True)
    break_until = fields.AwareDateTime(allow_none=True)
    break_left_ms = fields.Integer()
    conditions = fields.Nested(ConditionsSchema)
    title = fields.String()
    student_name = fields.String()
    total_items = fields.Integer()
    position = fields.Integer()
    item = fields.Nested(ItemViewSchema, allow_none=True)
    part_items = fields.List(fields.Nested(ItemViewSchema))
    sections = fields.List(fields.Nested(SectionViewSchema))
    demonstration = fields.Nested(DemonstrationViewSchema, allow_none=True)
    stored_recordings = fields.List(fields.String())
    goes_on_offline = fields.Boolean()
    asks_full_screen = fields.Boolean()
    section_key = fields.String(allow_none=True)
    storage_key = fields.String()


class NoticeSchema(Schema):
    id = fields.String()
    text = fields.String()
    is_urgent = fields.Boolean()
    sent_at = fields.AwareDateTime()


class PulseSchema(Schema):
    server_now = fields.AwareDateTime()
    state = fields.String()
    version = fields.Integer()
    deadline_at = fields.AwareDateTime(allow_none=True)
    messages = fields.List(fields.Nested(NoticeSchema))
