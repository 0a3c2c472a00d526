"""Students: one by one, by roster, their login cards and invitations."""

from dataclasses import asdict

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.core.errors import NotFound, RuleViolation
from backend.features.accounts.model import LIFETIMES, CodePurpose, fold, invalid
from backend.features.batches.access import access_batch
from backend.features.batches.model import Batch, check_active
from backend.features.batches.usecases import name_batches
from backend.features.campuses.access import access_own_campus
from backend.features.campuses.model import Campus
from backend.features.students import usecases
from backend.features.students.access import access_student
from backend.features.students.cards import render_login_cards
from backend.features.students.model import Student
from backend.features.students.roster import Fate, Roster, RosterPreview, read_roster
from backend.features.students.schemas import (
    ConfirmForm,
    StudentChangeForm,
    StudentForm,
    StudentPage,
    StudentPageQuery,
    StudentReply,
)
from backend.features.students.uploads import RosterUpload, forget_upload, get_upload, keep_upload
from backend.web import limits
from backend.web.blueprints import ApiBlueprint
from backend.web.forms import FormInput, read_form
from backend.web.gates import current_actor, get_services, roles

pages = Blueprint("students", __name__)
api = ApiBlueprint("students_api", __name__, url_prefix="/api", description="Students of one's campus")
BLUEPRINTS = (pages, api)

MOST_FOUND = 50
SHOWN_IN_PREVIEW = 500
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _campus() -> Campus:
    return access_own_campus(current_actor(), campuses=get_services().campuses)


def _batch(batch_id: str) -> Batch:
    return access_batch(current_actor(), batch_id, batches=get_services().batches)


def _student(student_id: str) -> Student:
    return access_student(current_actor(), student_id, students=get_services().students)


# -- finding ---------------------------------------------------------------------------------------------------------


@pages.get("/students")
@roles(Role.CAMPUS)
def search_students() -> ResponseReturnValue:
    """By the beginning of the roll number or of the name."""
    services, campus = get_services(), _campus()
    query = fold(request.args.get("q", ""))[:100]
    found = services.students.search(campus.id, query, limit=MOST_FOUND + 1) if query else []
    return render_template(
        "students/search.html",
        query=request.args.get("q", "").strip()[:100],
        students=found[:MOST_FOUND],
        has_more=len(found) > MOST_FOUND,
        batch_names=name_batches(
            services.batches.find_many({student.batch_id for student in found}).values(), courses=services.courses
        ),
    )


# -- one student -----------------------------------------------------------------------------------------------------


@pages.get("/batches/<batch_id>/students/new")
@roles(Role.CAMPUS)
def new_student(batch_id: str) -> ResponseReturnValue:
    return render_template("students/new.html", batch=_batch(batch_id), form=FormInput())


@pages.post("/batches/<batch_id>/students/new")
@roles(Role.CAMPUS)
def add_student(batch_id: str) -> ResponseReturnValue:
    batch = _batch(batch_id)
    form = read_form(StudentForm)
    if form.is_valid:
        try:
            student = _add(batch, form.raw)
            flash(f"{student.name} is in the batch and signs in as {student.login}.", "success")
            return redirect(url_for("batches.show_batch", batch_id=batch.id))
        except RuleViolation as refusal:
            form = form.refused(refusal)
    return render_template("students/new.html", batch=batch, form=form), 422


def _add(batch: Batch, values: dict[str, str]) -> Student:
    services = get_services()
    return usecases.add_student(
        actor=current_actor(),
        campus=_campus(),
        batch=batch,
        roll_number=values["roll_number"],
        name=values["name"],
        email=values.get("email", ""),
        login=values.get("login", ""),
        accounts=services.accounts,
        students=services.students,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )


@pages.get("/students/<student_id>")
@roles(Role.CAMPUS)
def show_student(student_id: str) -> ResponseReturnValue:
    student = _student(student_id)
    raw = {
        "roll_number": student.roll_number,
        "name": student.name,
        "email": student.email or "",
        "batch_id": student.batch_id,
    }
    return _student_page(student, FormInput(raw=raw))


def _student_page(student: Student, form: FormInput) -> str:
    services = get_services()
    batches = list(services.batches.list_by_campus(student.campus_id))
    present = services.batches.find(student.batch_id)
    if present is not None and present.id not in {batch.id for batch in batches}:
        batches.append(present)
    return render_template(
        "students/show.html",
        student=student,
        account=services.accounts.find(student.id),
        batch=present,
        batch_options=list(name_batches(batches, courses=services.courses).items()),
        zone=_campus().time_zone,
        form=form,
    )


@pages.post("/students/<student_id>")
@roles(Role.CAMPUS)
def change_student(student_id: str) -> ResponseReturnValue:
    services, student = get_services(), _student(student_id)
    form = read_form(StudentChangeForm)
    if form.is_valid:
        try:
            usecases.change_student(
                actor=current_actor(),
                student=student,
                batch=_chosen_batch(form.raw["batch_id"]),
                roll_number=form.raw["roll_number"],
                name=form.raw["name"],
                email=form.raw.get("email", ""),
                accounts=services.accounts,
                students=services.students,
                audit_log=services.audit_log,
                now=services.now(),
                new_id=services.new_id,
            )
            flash("The student is changed.", "success")
            return redirect(url_for("students.show_student", student_id=student.id))
        except RuleViolation as refusal:
            form = form.refused(refusal)
    return _student_page(student, form), 422


def _chosen_batch(batch_id: str) -> Batch:
    try:
        return _batch(batch_id)
    except NotFound:
        raise invalid("batch_id", "Choose a batch from the list.") from None


@pages.post("/students/<student_id>/disable")
@roles(Role.CAMPUS)
def disable_student(student_id: str) -> ResponseReturnValue:
    services, student = get_services(), _student(student_id)
    usecases.disable_student(
        actor=current_actor(),
        student=student,
        accounts=services.accounts,
        codes=services.one_time_codes,
        sessions=services.sessions,
        students=services.students,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    flash(f"{student.name} is signed out and cannot sign in any more. Results stay.", "success")
    return redirect(url_for("students.show_student", student_id=student.id))


@pages.post("/students/<student_id>/enable")
@roles(Role.CAMPUS)
def enable_student(student_id: str) -> ResponseReturnValue:
    services, student = get_services(), _student(student_id)
    usecases.enable_student(
        actor=current_actor(),
        student=student,
        accounts=services.accounts,
        students=services.students,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    flash(f"{student.name} can sign in again.", "success")
    return redirect(url_for("students.show_student", student_id=student.id))


# -- access ----------------------------------------------------------------------------------------------------------


@pages.post("/students/<student_id>/invite")
@roles(Role.CAMPUS)
def invite_student(student_id: str) -> ResponseReturnValue:
    services, student = get_services(), _student(student_id)
    was_sent = usecases.invite_student(
        actor=current_actor(),
        student=student,
        campus=_campus(),
        accounts=services.accounts,
        codes=services.one_time_codes,
        mailer=services.mailer,
        audit_log=services.audit_log,
        secret=services.settings.viva_secret_key,
        public_url=services.settings.public_url,
        now=services.now(),
        new_id=services.new_id,
    )
    if was_sent:
        flash(f"The invitation is on its way to {student.name}.", "success")
    else:
        flash("The mail did not go out. Is there an e-mail address? Otherwise try again in a moment.", "warning")
    return redirect(url_for("students.show_student", student_id=student.id))


@pages.post("/batches/<batch_id>/invite")
@roles(Role.CAMPUS)
def invite_batch(batch_id: str) -> ResponseReturnValue:
    services, batch = get_services(), _batch(batch_id)
    check_active(batch)
    asked = usecases.invite_batch(
        actor=current_actor(),
        batch=batch,
        accounts=services.accounts,
        students=services.students,
        jobs=services.jobs,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    if asked:
        flash(f"{asked} invitations are being sent, to students with an address who have not signed in yet.", "success")
    else:
        flash("Nobody here has an e-mail address and has still to sign in. Print login cards instead.", "warning")
    return redirect(url_for("batches.show_batch", batch_id=batch.id))


@pages.get("/batches/<batch_id>/login-cards")
@roles(Role.CAMPUS)
def show_login_cards(batch_id: str) -> ResponseReturnValue:
    """Says what printing does, before it does it."""
    services, batch = get_services(), _batch(batch_id)
    students = [student for student in services.students.list_by_batch(batch.id) if student.is_active]
    accounts = services.accounts.find_many([student.id for student in students])
    return render_template(
        "students/login_cards.html",
        batch=batch,
        total=len(students),
        waiting=sum(account.password_hash is None for account in accounts.values()),
        days=LIFETIMES[CodePurpose.LOGIN_CARD].days,
    )


@pages.post("/batches/<batch_id>/login-cards.pdf")
@roles(Role.CAMPUS)
def print_login_cards(batch_id: str) -> ResponseReturnValue:
    """The cards of all students, or (`who`=waiting) of those who have not chosen a password yet."""
    services, batch = get_services(), _batch(batch_id)
    students = services.students.list_by_batch(batch.id)
    if request.form.get("who") == "waiting":
        accounts = services.accounts.find_many([student.id for student in students])
        students = [s for s in students if s.id in accounts and accounts[s.id].password_hash is None]
    return _cards_reply(batch, list(students))


@pages.post("/students/<student_id>/login-card.pdf")
@roles(Role.CAMPUS)
def print_login_card(student_id: str) -> ResponseReturnValue:
    student = _student(student_id)
    return _cards_reply(_batch(student.batch_id), [student])


def _cards_reply(batch: Batch, students: list[Student]) -> ResponseReturnValue:
    services, campus = get_services(), _campus()
    if not any(student.is_active for student in students):
        raise RuleViolation("nobody_to_print_for", "There is no student here who needs a card.")
    cards = usecases.issue_login_cards(
        actor=current_actor(),
        batch=batch,
        chosen=students,
        codes=services.one_time_codes,
        audit_log=services.audit_log,
        secret=services.settings.viva_secret_key,
        now=services.now(),
        new_id=services.new_id,
    )
    pdf = render_login_cards(
        cards,
        campus_name=campus.name,
        batch_name=batch.name,
        address=services.settings.public_url,
        time_zone=campus.time_zone,
        typesetter=services.typesetter,
        now=services.now(),
    )
    reply = make_response(pdf)
    reply.headers["Content-Type"] = "application/pdf"
    reply.headers["Content-Disposition"] = 'attachment; filename="login-cards.pdf"'
    return reply


# -- a roster --------------------------------------------------------------------------------------------------------


@pages.get("/roster-template.xlsx")
@roles(Role.CAMPUS)
def download_template() -> ResponseReturnValue:
    reply = make_response(get_services().spreadsheets.roster_template())
    reply.headers["Content-Type"] = XLSX
    reply.headers["Content-Disposition"] = 'attachment; filename="students.xlsx"'
    return reply


@pages.get("/batches/<batch_id>/students/import")
@roles(Role.CAMPUS)
def show_import(batch_id: str) -> ResponseReturnValue:
    return render_template("students/import.html", batch=_batch(batch_id), errors={})


@pages.post("/batches/<batch_id>/students/import")
@roles(Role.CAMPUS)
def preview_import(batch_id: str) -> ResponseReturnValue:
    """Reads the file and shows what importing it would do. Stores no student."""
    services, actor, batch = get_services(), current_actor(), _batch(batch_id)
    check_active(batch)
    limits.spend(limits.Count(item=limits.UPLOADS_BY_ACCOUNT, key=f"roster:{actor.account_id}"))
    uploaded = request.files.get("file")
    try:
        if uploaded is None or not uploaded.filename:
            raise invalid("file", "Choose a file.")
        roster = read_roster(services.spreadsheets.read_rows(uploaded.stream.read()))
    except RuleViolation as refusal:
        return render_template("students/import.html", batch=batch, errors=refusal.errors), 422
    upload = RosterUpload(id=services.new_id(), uploaded_at=services.now(), roster=roster)
    keep_upload(upload, batch_id=batch.id, account_id=actor.account_id, blobs=services.blobs)
    return _preview_page(batch, upload, _plan(batch, roster))


def _plan(batch: Batch, roster: Roster) -> RosterPreview:
    services = get_services()
    return usecases.preview_roster(
        roster=roster,
        campus=_campus(),
        batch=batch,
        accounts=services.accounts,
        batches=services.batches,
        students=services.students,
    )


def _preview_page(batch: Batch, upload: RosterUpload, preview: RosterPreview, *, has_changed: bool = False) -> str:
    order = (Fate.ADDED, Fate.MOVED, Fate.UPDATED, Fate.UNCHANGED)
    entries = sorted(preview.entries, key=lambda entry: (order.index(entry.fate), entry.row.row))
    return render_template(
        "students/import_preview.html",
        batch=batch,
        upload=upload,
        preview=preview,
        entries=entries[:SHOWN_IN_PREVIEW],
        hidden=max(0, len(entries) - SHOWN_IN_PREVIEW),
        counts={fate.value: preview.count(fate) for fate in Fate},
        to_import=preview.count(Fate.ADDED, Fate.UPDATED, Fate.MOVED),
        has_changed=has_changed,
    )


@pages.post("/batches/<batch_id>/students/import/confirm")
@roles(Role.CAMPUS)
def confirm_import(batch_id: str) -> ResponseReturnValue:
    """Imports what was previewed; shows the preview again when anything of it has changed meanwhile."""
    services, actor, batch = get_services(), current_actor(), _batch(batch_id)
    form = read_form(ConfirmForm)
    upload = get_upload(
        form.raw.get("upload_id", ""),
        batch_id=batch.id,
        account_id=actor.account_id,
        blobs=services.blobs,
        now=services.now(),
    )
    preview = _plan(batch, upload.roster)
    if preview.digest != form.raw.get("digest"):
        return _preview_page(batch, upload, preview, has_changed=True), 409
    summary = usecases.import_roster(
        actor=actor,
        preview=preview,
        campus=_campus(),
        batch=batch,
        accounts=services.accounts,
        students=services.students,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    forget_upload(batch_id=batch.id, account_id=actor.account_id, blobs=services.blobs)
    flash(f"{summary.added} added, {summary.updated} changed, {summary.unchanged} as they were.", "success")
    return redirect(url_for("batches.show_batch", batch_id=batch.id))


# -- API -------------------------------------------------------------------------------------------------------------


@api.get("/batches/<batch_id>/students")
@roles(Role.CAMPUS)
@api.arguments(StudentPageQuery, location="query")
@api.response(200, StudentPage)
def get_students(query: dict[str, object], batch_id: str) -> dict[str, object]:
    """A page of the batch's students, by roll number."""
    batch, limit = _batch(batch_id), int(str(query["limit"]))
    found = get_services().students.list_by_batch(batch.id, after=str(query["after"]), limit=limit + 1)
    shown = found[:limit]
    return {
        "students": [asdict(student) for student in shown],
        "next_after": shown[-1].roll_key if len(found) > limit else None,
    }


@api.post("/batches/<batch_id>/students")
@roles(Role.CAMPUS)
@api.arguments(StudentForm)
@api.response(201, StudentReply)
def post_student(body: dict[str, str], batch_id: str) -> dict[str, object]:
    """Adds a student to the batch."""
    return asdict(_add(_batch(batch_id), body))


@api.get("/students/<student_id>")
@roles(Role.CAMPUS)
@api.response(200, StudentReply)
def get_student(student_id: str) -> dict[str, object]:
    """One student."""
    return asdict(_student(student_id))
