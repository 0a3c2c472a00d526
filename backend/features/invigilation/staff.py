"""The campus's invigilators: invited, disabled, let in again. What they may see is assigned test by test."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.features.accounts import staff
from backend.features.accounts.access import access_invigilator
from backend.features.accounts.model import Account
from backend.features.campuses.access import access_own_campus
from backend.features.campuses.model import Campus
from backend.web.forms import FormInput
from backend.web.gates import current_actor, get_services, roles

pages = Blueprint("invigilators", __name__)


@pages.get("/invigilators")
@roles(Role.CAMPUS)
def list_invigilators() -> str:
    return _page(FormInput())


@pages.post("/invigilators")
@roles(Role.CAMPUS)
def invite() -> ResponseReturnValue:
    campus = _campus()
    form = staff.invite(role=Role.INVIGILATOR, campus_id=campus.id, campus_name=campus.name)
    return _back() if form.is_valid else (_page(form), 422)


@pages.post("/invigilators/<account_id>/invite")
@roles(Role.CAMPUS)
def invite_again(account_id: str) -> ResponseReturnValue:
    staff.send_invitation(_invigilator(account_id), campus_name=_campus().name)
    return _back()


@pages.post("/invigilators/<account_id>/disable")
@roles(Role.CAMPUS)
def disable(account_id: str) -> ResponseReturnValue:
    staff.disable(_invigilator(account_id))
    return _back()


@pages.post("/invigilators/<account_id>/enable")
@roles(Role.CAMPUS)
def enable(account_id: str) -> ResponseReturnValue:
    staff.enable(_invigilator(account_id))
    return _back()


def _invigilator(account_id: str) -> Account:
    return access_invigilator(current_actor(), account_id, accounts=get_services().accounts)


def _campus() -> Campus:
    return access_own_campus(current_actor(), campuses=get_services().campuses)


def _back() -> ResponseReturnValue:
    return redirect(url_for("invigilators.list_invigilators"))


def _page(form: FormInput) -> str:
    services, campus = get_services(), _campus()
    people = services.accounts.list_by_role(Role.INVIGILATOR, campus_id=campus.id)
    duties = {person.id: len(services.duties.list_by_account(person.id)) for person in people}
    return render_template("invigilation/people.html", campus=campus, people=people, duties=duties, form=form)


BLUEPRINTS = (pages,)
