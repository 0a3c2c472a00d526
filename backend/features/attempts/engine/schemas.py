"""Bodies and replies of the controls, and of what a candidate asks of the clock."""

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from backend.features.attempts.engine.controls import LONGEST_EXTENSION_MINUTES, REASON_MAX, ControlKind

_MOST_ATTEMPTS, _LONGEST_ID = 5_000, 128
_ID = validate.Regexp(r"^[A-Za-z0-9-]{8,64}$", error="8 to 64 letters, digits and -.")


class _Strict(Schema):
    class Meta:
        unknown = RAISE


def _check_chosen(value: object) -> None:
    if value == "all":
        return
    ids = value if isinstance(value, list) else []
    fits = all(isinstance(each, str) and 0 < len(each) <= _LONGEST_ID for each in ids)
    if not fits or not 0 < len(ids) <= _MOST_ATTEMPTS:
        raise ValidationError('A list of attempts, or "all".')


class ControlSchema(_Strict):
    """`control_id` is chosen by the page, anew for each decision: sent again, nothing is done twice."""

    control_id = fields.String(required=True, validate=_ID)
    action = fields.Enum(ControlKind, by_value=True, required=True)
    attempt_ids = fields.Raw(required=True, validate=_check_chosen, metadata={"description": 'a list of ids, or "all"'})
    minutes = fields.Integer(
        strict=True, load_default=None, allow_none=True, validate=validate.Range(min=1, max=LONGEST_EXTENSION_MINUTES)
    )
    reason = fields.String(load_default="", validate=validate.Length(max=REASON_MAX))


class ControlReportSchema(Schema):
    """`refused` maps an attempt to the code of its refusal."""

    control_id = fields.String()
    changed = fields.List(fields.String())
    unchanged = fields.List(fields.String())
    refused = fields.Dict(keys=fields.String(), values=fields.String())


class HearingSchema(_Strict):
    position = fields.Integer(required=True, strict=True, validate=validate.Range(min=0, max=1_000))
    number = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=20))
