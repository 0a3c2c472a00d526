"""What the form takes."""

from marshmallow import Schema, fields, validate

from backend.features.accommodations.model import (
    MOST_BREAK_MINUTES,
    MOST_EXTRA_TIME,
    MOST_REPLAYS,
    REASON_MAX,
)


class AccommodationForm(Schema):
    accommodation_id = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9_-]{8,64}$"))
    extra_time = fields.Float(
        load_default=1.0,
        validate=validate.Range(min=1, max=MOST_EXTRA_TIME, error=f"Between 1 and {MOST_EXTRA_TIME:g} times."),
    )
    break_minutes = fields.Integer(
        load_default=0,
        validate=validate.Range(min=0, max=MOST_BREAK_MINUTES, error=f"Up to {MOST_BREAK_MINUTES} minutes."),
    )
    replays = fields.Integer(
        load_default=0, validate=validate.Range(min=0, max=MOST_REPLAYS, error=f"Up to {MOST_REPLAYS}.")
    )
    larger_text = fields.Boolean(load_default=False)
    no_silence_end = fields.Boolean(load_default=False)
    reason = fields.String(load_default="", validate=validate.Length(max=REASON_MAX))
