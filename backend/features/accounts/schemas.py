"""What the forms and the API take and give."""

from marshmallow import Schema, fields, validate

from backend.features.accounts.password_rules import LONGEST

_text = validate.Length(max=300)
_password = validate.Length(max=LONGEST * 4)


class SignInForm(Schema):
    login = fields.String(required=True, validate=_text)
    secret = fields.String(required=True, validate=_password)
    next = fields.String(load_default="")


class NewPasswordForm(Schema):
    password = fields.String(required=True, validate=_password)


class SetupForm(NewPasswordForm):
    name = fields.String(required=True, validate=_text)
    email = fields.String(required=True, validate=_text)


class ChangePasswordForm(NewPasswordForm):
    current = fields.String(required=True, validate=_password)


class ForgottenForm(Schema):
    login = fields.String(required=True, validate=_text)


class StaffForm(Schema):
    """Who is invited: a campus admin, an invigilator."""

    name = fields.String(required=True, validate=_text)
    email = fields.String(required=True, validate=_text)


class SessionReply(Schema):
    """Who is signed in."""

    account_id = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(["superadmin", "campus", "student"]))
    campus_id = fields.String(required=True, allow_none=True)
    display_name = fields.String(required=True)
    csrf_token = fields.String(required=True, metadata={"description": "Send it as X-CSRF-TOKEN with unsafe requests."})


class SignInBody(Schema):
    login = fields.String(required=True, validate=_text)
    password = fields.String(required=True, validate=_password, load_only=True)
