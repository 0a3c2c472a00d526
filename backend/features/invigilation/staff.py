"""The campus's invigilators: invited, disabled, let in again. What they may see is assigned test by test."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.core.errors import RuleViolation
from backend.features.accounts import usecases as account_usecases
from backend.features.accounts.access import access_invigilator
from backend.features.accounts.model import Account
from backend.features.campuses.access import access_own_campus
from backend.features.campuses.model import Campus
from backend.features.invigilation.schemas import InvigilatorForm
from backend.web.forms import FormInput, read_form
from backend.web.gates import current_actor, get_services, roles

pages = Blueprint("invigilators", __name__)


@pages.get("/invigilators")
@roles(Role.CAMPUS)
def list_invigilators() -> str:
    return _page(FormInput())


@pages.post("/invigilators")
@roles(Role.CAMPUS)
def invite() -> ResponseReturnValue:
    services, campus, form = get_services(), _campus(), read_form(InvigilatorForm)
    if form.is_valid:
        try:
            account = account_usecases.create_staff(
                actor=current_actor(),
                role=Role.INVIGILATOR,
                campus_id=campus.id,
                name=form.raw["name"],
                email=form.raw["email"],
                accounts=services.accounts,
                audit_log=services.audit_log,
                now=services.now(),
                new_id=services.new_id,
            )
            _send(account, campus)
            return redirect(url_for("invigilators.list_invigilators"))
        except RuleViolation as refusal:
            form = form.refused(refusal)
    return _page(form), 422


@pages.post("/invigilators/<account_id>/invite")
@roles(Role.CAMPUS)
def invite_again(account_id: str) -> ResponseReturnValue:
    _send(_invigilator(account_id), _campus())
    return redirect(url_for("invigilators.list_invigilators"))


@pages.post("/invigilators/<account_id>/disable")
@roles(Role.CAMPUS)
def disable(account_id: str) -> ResponseReturnValue:
    services, account = get_services(), _invigilator(account_id)
    account_usecases.disable_account(
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
    return redirect(url_for("invigilators.list_invigilators"))


@pages.post("/invigilators/<account_id>/enable")
@roles(Role.CAMPUS)
def enable(account_id: str) -> ResponseReturnValue:
    services, account = get_services(), _invigilator(account_id)
    account_usecases.enable_account(
        actor_id=current_actor().account_id,
        account=account,
        accounts=services.accounts,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    flash(f"{account.display_name} can sign in again.", "success")
    return redirect(url_for("invigilators.list_invigilators"))


def _send(account: Account, campus: Campus) -> None:
    services = get_services()
    was_sent = account_usecases.send_invitation(
        account=account,
        campus_name=campus.name,
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


def _invigilator(account_id: str) -> Account:
    return access_invigilator(current_actor(), account_id, accounts=get_services().accounts)


def _campus() -> Campus:
    return access_own_campus(current_actor(), campuses=get_services().campuses)


def _page(form: FormInput) -> str:
    services, campus = get_services(), _campus()
    people = services.accounts.list_by_role(Role.INVIGILATOR, campus_id=campus.id)
    duties = {person.id: len(services.duties.list_by_account(person.id)) for person in people}
    return render_template("invigilation/people.html", campus=campus, people=people, duties=duties, form=form)


BLUEPRINTS = (pages,)
