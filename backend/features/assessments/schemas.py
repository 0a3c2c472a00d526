"""What the scheduling form and the API take and give.

Times are local ones of the campus; `model.read_window` makes moments of them.
"""

from marshmallow import Schema, fields, validate

from backend.features.assessments.model import ATTEMPTS_MAX, TITLE_MAX, Phase

_LOCAL = validate.Regexp(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", error="Enter a date and a time.")


class ParticularsForm(Schema):
    title = fields.String(required=True, validate=validate.Length(max=2 * TITLE_MAX))
    opens = fields.String(required=True, validate=_LOCAL)
    closes = fields.String(required=True, validate=_LOCAL)
    attempts_allowed = fields.Integer(
        load_default=1,
        validate=validate.Range(1, ATTEMPTS_MAX, error=f"Between 1 and {ATTEMPTS_MAX} attempts."),
        error_messages={"invalid": f"A number from 1 to {ATTEMPTS_MAX}."},
    )


class ScheduleForm(ParticularsForm):
    format_id = fields.String(required=True, validate=validate.Length(1, 80, error="Choose a test from the list."))
    batch_id = fields.String(required=True, validate=validate.Length(1, 80, error="Choose a batch from the list."))


class DeliveryReply(Schema):
    id = fields.String(required=True)
    batch_id = fields.String(required=True)
    title = fields.String(required=True)
    format_id = fields.String(required=True)
    format_version = fields.String(required=True)
    opens_at = fields.AwareDateTime(required=True)
    closes_at = fields.AwareDateTime(required=True)
    time_zone = fields.String(required=True)
    attempts_allowed = fields.Integer(required=True)
    phase = fields.String(required=True, validate=validate.OneOf([phase.value for phase in Phase]))


class DeliveryList(Schema):
    tests = fields.List(fields.Nested(DeliveryReply), required=True)
