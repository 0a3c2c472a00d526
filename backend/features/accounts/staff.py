"""What the pages of campus admins and of invigilators do alike: invite, disable, let in again."""

from flask import flash

from backend.core.actor import Role
from backend.core.errors import RuleViolation
from backend.features.accounts import usecases
from backend.features.accounts.model import Account
from backend.features.accounts.schemas import StaffForm
from backend.web.forms import FormInput, read_form
from backend.web.gates import current_actor, get_services


def invite(*, role: Role, campus_id: str, campus_name: str) -> FormInput:
    """Reads the request's form, creates the account and mails its invitation; the form has errors where it did not."""
    services, form = get_services(), read_form(StaffForm)
    if not form.is_valid:
        return form
    try:
        account = usecases.create_staff(
            actor=current_actor(),
            role=role,
            campus_id=campus_id,
            name=form.raw["name"],
            email=form.raw["email"],
            accounts=services.accounts,
            audit_log=services.audit_log,
            now=services.now(),
            new_id=services.new_id,
        )
    except RuleViolation as refusal:
        return form.refused(refusal)
    send_invitation(account, campus_name=campus_name)
    return form


def send_invitation(account: Account, *, campus_name: str) -> None:
    """Mails a fresh invitation."""
    services = get_services()
    was_sent = usecases.send_invitation(
        account=account,
        campus_name=campus_name,
        codes=services.one_time_codes,
        mailer=services.mailer,
        secret=services.settings.viva_secret_key,
        public_url=services.settings.public_url,
        now=services.now(),
    )
    if was_sent:
        flash(f"The invitation is on its way to {account.display_name}.", "success")
    else:
        flash("The account is there, but the mail did not go out. Send the invitation again in a moment.", "warning")


def disable(account: Account) -> None:
    """Signs the account out everywhere and keeps it out."""
    services = get_services()
    usecases.disable_account(
        actor_id=current_actor().account_id,
        account=account,
        accounts=services.accounts,
        codes=services.one_time_codes,
        sessions=services.sessions,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    flash(f"{account.display_name} is signed out and cannot sign in any more.", "success")


def enable(account: Account) -> None:
    """Lets the account sign in again."""
    services = get_services()
    usecases.enable_account(
        actor_id=current_actor().account_id,
        account=account,
        accounts=services.accounts,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    flash(f"{account.display_name} can sign in again.", "success")
