"""What the forms of scoring hold."""

from marshmallow import Schema, fields, validate

from backend.features.ratings.cohort import REASON_MAX, REASON_WANTED


class EngineForm(Schema):
    engine = fields.String(required=True)
    reason = fields.String(
        required=True,
        validate=[
            validate.Length(min=1, error=REASON_WANTED),
            validate.Length(max=REASON_MAX, error=f"At most {REASON_MAX} characters."),
        ],
    )
