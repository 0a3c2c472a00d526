"""What the monitor's and the candidate's calls take and give. Unknown fields are refused."""

from marshmallow import RAISE, Schema, fields, validate

from backend.features.invigilation.model import KINDS_OF_PEOPLE, NAMED_MAX, NOTE_MAX, TEXT_MAX
from backend.features.invigilation.signals import BATCH_MAX, LONGEST_MS, Finding, SignalKind

_ID = validate.Regexp(r"^[A-Za-z0-9_-]{1,64}$", error="Not an id.")


class _Strict(Schema):
    class Meta:
        unknown = RAISE


def _named() -> fields.List[str]:
    return fields.List(fields.String(validate=_ID), load_default=list, validate=validate.Length(max=NAMED_MAX))


class MessageBody(_Strict):
    """Nobody named: to every candidate of the delivery."""

    text = fields.String(required=True, validate=validate.Length(max=4 * TEXT_MAX))
    student_ids = _named()
    is_urgent = fields.Boolean(load_default=False)


class MessageReply(Schema):
    id = fields.String()
    text = fields.String()
    student_ids = fields.List(fields.String())
    is_urgent = fields.Boolean()
    sent_at = fields.AwareDateTime()


class IncidentBody(_Strict):
    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in KINDS_OF_PEOPLE]))
    text = fields.String(required=True, validate=validate.Length(max=4 * NOTE_MAX))
    student_ids = _named()
    happened_at = fields.AwareDateTime(load_default=None, allow_none=True)


class IncidentReply(Schema):
    id = fields.String()
    kind = fields.String()
    text = fields.String()
    student_ids = fields.List(fields.String())
    happened_at = fields.AwareDateTime()
    noted_at = fields.AwareDateTime()


class IdentityBody(_Strict):
    """Either the code on the card, or the candidate with a reason why there is none."""

    code = fields.String(load_default="", validate=validate.Length(max=40))
    student_id = fields.String(load_default="", validate=validate.Length(max=64))
    reason = fields.String(load_default="", validate=validate.Length(max=4 * TEXT_MAX))


class IdentityReply(Schema):
    student_id = fields.String()
    means = fields.String()
    checked_at = fields.AwareDateTime()


class SignalBody(_Strict):
    signal_id = fields.String(required=True, validate=_ID)
    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in SignalKind]))
    at = fields.AwareDateTime(required=True)
    duration_ms = fields.Integer(
        strict=True, load_default=None, allow_none=True, validate=validate.Range(min=0, max=LONGEST_MS)
    )


class SignalsBody(_Strict):
    signals = fields.List(fields.Nested(SignalBody), required=True, validate=validate.Length(min=1, max=BATCH_MAX))


class SignalsReply(Schema):
    known = fields.Integer()


class SeenReply(Schema):
    message_id = fields.String()
    seen_at = fields.AwareDateTime()


class HappeningReply(Schema):
    at = fields.AwareDateTime()
    kind = fields.String()
    text = fields.String()
    by = fields.String(allow_none=True)


class TimelineReply(Schema):
    happenings = fields.List(fields.Nested(HappeningReply))


class ConditionsForm(Schema):
    identity_check = fields.String(required=True)
    seb_config_keys = fields.String(load_default="", validate=validate.Length(max=1000))
    networks = fields.String(load_default="", validate=validate.Length(max=4000))
    full_screen = fields.String(load_default="", validate=validate.OneOf(["", "on"]))


class NoteForm(Schema):
    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in KINDS_OF_PEOPLE]))
    text = fields.String(required=True, validate=validate.Length(max=4 * NOTE_MAX))


class ReviewForm(Schema):
    finding = fields.String(required=True, validate=validate.OneOf([Finding.NO_CONCERN.value, Finding.NOTED.value]))
    reason = fields.String(required=True, validate=validate.Length(max=4 * TEXT_MAX))


class AppealForm(Schema):
    text = fields.String(required=True, validate=validate.Length(max=4 * TEXT_MAX))
