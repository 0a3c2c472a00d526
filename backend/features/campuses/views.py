"""Campuses and the people who run them: the superadmin's pages."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.core.errors import Conflict, NotFound, RuleViolation
from backend.features.accounts import staff
from backend.features.accounts.access import access_campus_admin
from backend.features.accounts.model import Account
from backend.features.campuses import usecases
from backend.features.campuses.access import access_campus, access_open_campus
from backend.features.campuses.model import DEFAULT_TIME_ZONE, Campus, time_zones
from backend.features.campuses.schemas import CampusForm, CampusList, CampusReply
from backend.web.blueprints import ApiBlueprint
from backend.web.forms import FormInput, read_form
from backend.web.gates import current_actor, get_services, roles

pages = Blueprint("campuses", __name__)
api = ApiBlueprint("campuses_api", __name__, url_prefix="/api/campuses", description="Campuses")
BLUEPRINTS = (pages, api)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampusState:
    """A campus with what is in it."""

    campus: Campus
    admins: Sequence[Account]
    batches: int
    students: int


def list_states() -> list[CampusState]:
    """Every campus with its counts, by short name."""
    services = get_services()
    return [
        CampusState(
            campus=campus,
            admins=services.accounts.list_by_role(Role.CAMPUS, campus_id=campus.id),
            batches=services.batches.count_by_campus(campus.id),
            students=services.students.count_by_campus(campus.id),
        )
        for campus in services.campuses.list_all()
    ]


@pages.get("/campuses")
@roles(Role.SUPERADMIN)
def list_campuses() -> ResponseReturnValue:
    states = list_states()
    return render_template(
        "campuses/list.html",
        states=states,
        batches=sum(state.batches for state in states),
        students=sum(state.students for state in states),
    )


@pages.get("/campuses/new")
@roles(Role.SUPERADMIN)
def new_campus() -> ResponseReturnValue:
    return _form_page(FormInput(raw={"time_zone": DEFAULT_TIME_ZONE}))


@pages.post("/campuses/new")
@roles(Role.SUPERADMIN)
def create_campus() -> ResponseReturnValue:
    services = get_services()
    form = read_form(CampusForm)
    if form.is_valid:
        try:
            campus = usecases.create_campus(
                actor=current_actor(),
                name=form.raw["name"],
                slug=form.raw.get("slug", ""),
                time_zone=form.raw["time_zone"],
                campuses=services.campuses,
                audit_log=services.audit_log,
                now=services.now(),
                new_id=services.new_id,
            )
            flash(f"{campus.name} is there. Now invite the person who runs it.", "success")
            return _back(campus)
        except RuleViolation as refusal:
            form = form.refused(refusal)
    return _form_page(form), 422


def _form_page(form: FormInput) -> str:
    return render_template("campuses/new.html", form=form, zones=[(zone, zone) for zone in time_zones()])


@pages.get("/campuses/<campus_id>")
@roles(Role.SUPERADMIN)
def show_campus(campus_id: str) -> ResponseReturnValue:
    return _campus_page(_campus(campus_id))


def _campus(campus_id: str) -> Campus:
    return access_campus(current_actor(), campus_id, campuses=get_services().campuses)


def _open_campus(campus_id: str) -> Campus:
    return access_open_campus(current_actor(), campus_id, campuses=get_services().campuses)


def _campus_page(
    campus: Campus, *, form: FormInput | None = None, invitation: FormInput | None = None, problem: str = ""
) -> str:
    services = get_services()
    return render_template(
        "campuses/show.html",
        campus=campus,
        problem=problem,
        ongoing=[] if campus.is_closed else services.ongoing_tests.list_ongoing(campus.id, at=services.now()),
        admins=services.accounts.list_by_role(Role.CAMPUS, campus_id=campus.id),
        batches=services.batches.count_by_campus(campus.id),
        students=services.students.count_by_campus(campus.id),
        form=form or FormInput(raw={"name": campus.name, "time_zone": campus.time_zone}),
        invitation=invitation or FormInput(),
        zones=[(zone, zone) for zone in time_zones()],
    )


@pages.post("/campuses/<campus_id>")
@roles(Role.SUPERADMIN)
def change_campus(campus_id: str) -> ResponseReturnValue:
    services, campus = get_services(), _campus(campus_id)
    form = read_form(CampusForm)
    if form.is_valid:
        try:
            usecases.change_campus(
                actor=current_actor(),
                campus=campus,
                name=form.raw["name"],
                time_zone=form.raw["time_zone"],
                campuses=services.campuses,
                audit_log=services.audit_log,
                now=services.now(),
                new_id=services.new_id,
            )
            flash("The campus is changed.", "success")
            return _back(campus)
        except RuleViolation as refusal:
            form = form.refused(refusal)
    return _campus_page(campus, form=form), 422


@pages.post("/campuses/<campus_id>/close")
@roles(Role.SUPERADMIN)
def close_campus(campus_id: str) -> ResponseReturnValue:
    services, campus = get_services(), _campus(campus_id)
    try:
        usecases.close_campus(
            actor=current_actor(),
            campus=campus,
            ongoing_tests=services.ongoing_tests,
            campuses=services.campuses,
            sessions=services.sessions,
            audit_log=services.audit_log,
            now=services.now(),
            new_id=services.new_id,
        )
    except Conflict as refusal:
        return _campus_page(campus, problem=refusal.detail), refusal.status
    flash(f"{campus.name} is closed. Everybody of it is signed out; nothing was removed.", "success")
    return _back(campus)


@pages.post("/campuses/<campus_id>/reopen")
@roles(Role.SUPERADMIN)
def reopen_campus(campus_id: str) -> ResponseReturnValue:
    services, campus = get_services(), _campus(campus_id)
    usecases.reopen_campus(
        actor=current_actor(),
        campus=campus,
        campuses=services.campuses,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    flash(f"{campus.name} is open again: everybody signs in as before.", "success")
    return _back(campus)


# -- campus admins ---------------------------------------------------------------------------------------------------


@pages.post("/campuses/<campus_id>/admins")
@roles(Role.SUPERADMIN)
def invite_admin(campus_id: str) -> ResponseReturnValue:
    campus = _open_campus(campus_id)
    form = staff.invite(role=Role.CAMPUS, campus_id=campus.id, campus_name=campus.name)
    return _back(campus) if form.is_valid else (_campus_page(campus, invitation=form), 422)


@pages.post("/campuses/<campus_id>/admins/<account_id>/invite")
@roles(Role.SUPERADMIN)
def invite_admin_again(campus_id: str, account_id: str) -> ResponseReturnValue:
    campus = _open_campus(campus_id)
    staff.send_invitation(_admin(campus, account_id), campus_name=campus.name)
    return _back(campus)


@pages.post("/campuses/<campus_id>/admins/<account_id>/disable")
@roles(Role.SUPERADMIN)
def disable_admin(campus_id: str, account_id: str) -> ResponseReturnValue:
    campus = _campus(campus_id)
    staff.disable(_admin(campus, account_id))
    return _back(campus)


@pages.post("/campuses/<campus_id>/admins/<account_id>/enable")
@roles(Role.SUPERADMIN)
def enable_admin(campus_id: str, account_id: str) -> ResponseReturnValue:
    campus = _campus(campus_id)
    staff.enable(_admin(campus, account_id))
    return _back(campus)


def _admin(campus: Campus, account_id: str) -> Account:
    account = access_campus_admin(current_actor(), account_id, accounts=get_services().accounts)
    if account.campus_id != campus.id:
        raise NotFound()
    return account


def _back(campus: Campus) -> ResponseReturnValue:
    return redirect(url_for("campuses.show_campus", campus_id=campus.id))


# -- API -------------------------------------------------------------------------------------------------------------


@api.get("")
@roles(Role.SUPERADMIN)
@api.response(200, CampusList)
def get_campuses() -> dict[str, object]:
    """Every campus, by short name."""
    return {"campuses": [asdict(campus) for campus in get_services().campuses.list_all()]}


@api.post("")
@roles(Role.SUPERADMIN)
@api.arguments(CampusForm)
@api.response(201, CampusReply)
def post_campus(body: dict[str, str]) -> dict[str, object]:
    """Creates a campus."""
    services = get_services()
    campus = usecases.create_campus(
        actor=current_actor(),
        name=body["name"],
        slug=body["slug"],
        time_zone=body["time_zone"],
        campuses=services.campuses,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    return asdict(campus)


@api.get("/<campus_id>")
@roles(Role.SUPERADMIN, Role.CAMPUS)
@api.response(200, CampusReply)
def get_campus(campus_id: str) -> dict[str, object]:
    """One campus."""
    return asdict(_campus(campus_id))
