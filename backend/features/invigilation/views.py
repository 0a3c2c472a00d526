"""The live monitor, the record of an exam (incidents, messages, signals), and its conditions."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.core.errors import Conflict, NotFound, RuleViolation
from backend.core.tables import Cell, write_csv
from backend.features.accounts.access import access_invigilator
from backend.features.accounts.model import AccountState
from backend.features.assessments.access import access_delivery
from backend.features.assessments.conditions import read_conditions
from backend.features.assessments.model import Delivery
from backend.features.attempts.access import access_own_attempt
from backend.features.invigilation import schemas, usecases
from backend.features.invigilation.api import WATCHERS, acting, get_watch, known_students
from backend.features.invigilation.model import KINDS_OF_PEOPLE, Incident, IncidentKind, Power
from backend.features.invigilation.signals import Finding, SignalRecord
from backend.features.invigilation.timeline import FINDING_TEXTS, INCIDENT_TEXTS, signal_text
from backend.web.forms import FormInput, read_form
from backend.web.gates import current_actor, get_services, roles

pages = Blueprint("invigilation", __name__)

STAFF = (Role.CAMPUS, Role.SUPERADMIN)


@pages.get("/tests/<delivery_id>/monitor")
@roles(*WATCHERS)
def show_monitor(delivery_id: str) -> str:
    """Who is where, live. The rows come through the socket."""
    watch = get_watch(delivery_id)
    return render_template(
        "invigilation/monitor.html",
        delivery=watch.delivery,
        watch=watch,
        controls=sorted(control.value for control in watch.controls),
        kinds=[(kind.value, INCIDENT_TEXTS[kind]) for kind in KINDS_OF_PEOPLE],
    )


# -- the record ------------------------------------------------------------------------------------------------------


@pages.get("/tests/<delivery_id>/record")
@roles(*WATCHERS)
def show_record(delivery_id: str) -> str:
    """Incidents and messages; for those who run the campus also the signals, to review."""
    return _record_page(delivery_id, FormInput())


@pages.post("/tests/<delivery_id>/record")
@roles(*WATCHERS)
def note_incident(delivery_id: str) -> ResponseReturnValue:
    """A note about the whole room; notes about candidates are written in the monitor."""
    services, watch, form = get_services(), get_watch(delivery_id), read_form(schemas.NoteForm)
    if form.is_valid:
        try:
            usecases.note_incident(
                delivery=watch.delivery,
                kind=IncidentKind(form.raw["kind"]),
                text=form.raw["text"],
                student_ids=[],
                happened_at=services.now(),
                known=[],
                incidents=services.incidents,
                acting=acting(),
            )
            flash("Noted.", "success")
            return redirect(url_for("invigilation.show_record", delivery_id=delivery_id))
        except RuleViolation as refusal:
            form = form.refused(refusal)
    return _record_page(delivery_id, form), 422


def _record_page(delivery_id: str, form: FormInput) -> str:
    services, watch = get_services(), get_watch(delivery_id)
    incidents = services.incidents.list_by_delivery(delivery_id)
    messages = services.messages.list_by_delivery(delivery_id)
    records = [each for each in services.signal_records.list_by_delivery(delivery_id) if each.total]
    seen: dict[str, int] = {}
    for receipt in services.messages.list_receipts(delivery_id):
        seen[receipt.message_id] = seen.get(receipt.message_id, 0) + 1
    return render_template(
        "invigilation/record.html",
        delivery=watch.delivery,
        watch=watch,
        form=form,
        incidents=list(reversed(incidents)),
        messages=list(reversed(messages)),
        seen=seen,
        candidates=len(known_students(watch)),
        records=_to_review(records) if watch.is_staff else [],
        students=_students_of(incidents, [each.student_ids for each in messages], records),
        staff=_staff_names(incidents, [each.sent_by for each in messages], records),
        kinds=[(kind.value, INCIDENT_TEXTS[kind]) for kind in KINDS_OF_PEOPLE],
        kind_texts=INCIDENT_TEXTS,
        finding_texts=FINDING_TEXTS,
        signal_text=signal_text,
    )


def _to_review(records: Sequence[SignalRecord]) -> list[SignalRecord]:
    """Appeals first, then what nobody has looked at, then the rest; many signals before few."""
    return sorted(records, key=lambda each: (not each.is_appealed, each.finding is not Finding.NEW, -each.total))


def _students_of(
    incidents: Sequence[Incident], named: Sequence[Sequence[str]], records: Sequence[SignalRecord]
) -> Mapping[str, object]:
    ids = {student_id for incident in incidents for student_id in incident.student_ids}
    ids |= {student_id for each in named for student_id in each} | {record.student_id for record in records}
    return get_services().students.find_many(sorted(ids))


def _staff_names(
    incidents: Sequence[Incident], senders: Sequence[str], records: Sequence[SignalRecord]
) -> Mapping[str, str]:
    ids = {each.noted_by for each in incidents if each.noted_by} | set(senders)
    ids |= {review.by for record in records for review in record.reviews}
    return {key: account.display_name for key, account in get_services().accounts.find_many(sorted(ids)).items()}


@pages.get("/tests/<delivery_id>/incidents.csv")
@roles(*STAFF)
def export_incidents(delivery_id: str) -> ResponseReturnValue:
    """Every note, one line for each candidate that it names."""
    services, delivery = get_services(), _delivery(delivery_id)
    incidents = services.incidents.list_by_delivery(delivery.id)
    students = services.students.find_many(sorted({each for one in incidents for each in one.student_ids}))
    staff = _staff_names(incidents, [], [])
    table: list[list[Cell]] = [["Happened", "Noted", "Kind", "Roll number", "Name", "Note", "Noted by"]]
    for incident in incidents:
        for student_id in incident.student_ids or ("",):
            student = students.get(student_id)
            table.append(
                [
                    incident.happened_at.isoformat(timespec="seconds"),
                    incident.noted_at.isoformat(timespec="seconds"),
                    INCIDENT_TEXTS[incident.kind],
                    student.roll_number if student else "",
                    student.name if student else "",
                    incident.text,
                    staff.get(incident.noted_by, "Somebody who left") if incident.noted_by else "Viva",
                ]
            )
    reply = make_response(write_csv(table))
    reply.headers["Content-Type"] = "text/csv; charset=utf-8"
    reply.headers["Content-Disposition"] = 'attachment; filename="incidents.csv"'
    return reply


# -- signals ---------------------------------------------------------------------------------------------------------


@pages.post("/tests/<delivery_id>/signals/<attempt_id>/review")
@roles(*STAFF)
def review_signals(delivery_id: str, attempt_id: str) -> ResponseReturnValue:
    services, delivery, form = get_services(), _delivery(delivery_id), read_form(schemas.ReviewForm)
    if services.signal_records.find(attempt_id) is None:
        raise NotFound()
    if not form.is_valid:
        flash("Choose a finding and give a reason: the candidate reads both.", "warning")
        return redirect(url_for("invigilation.show_record", delivery_id=delivery.id))
    usecases.review_signals(
        delivery=delivery,
        attempt_id=attempt_id,
        finding=Finding(form.raw["finding"]),
        reason=form.raw["reason"],
        records=services.signal_records,
        feed=services.feed,
        acting=acting(),
    )
    flash("Reviewed. The candidate sees it with the result.", "success")
    return redirect(url_for("invigilation.show_record", delivery_id=delivery.id))


@pages.post("/attempts/<attempt_id>/signals/appeal")
@roles(Role.STUDENT)
def appeal_signals(attempt_id: str) -> ResponseReturnValue:
    """The candidate's side of what was recorded."""
    services, form = get_services(), read_form(schemas.AppealForm)
    attempt = access_own_attempt(current_actor(), attempt_id, attempts=services.attempts)
    record = services.signal_records.find(attempt.id)
    back = redirect(_result_page(request.form.get("result_id", "")))
    if record is None or not form.is_valid:
        flash("Write what you want your college to know.", "warning")
        return back
    usecases.appeal_signals(
        seen=record, text=form.raw["text"], records=services.signal_records, feed=services.feed, now=services.now()
    )
    flash("Your college reads it and answers on this page.", "success")
    return back


def _result_page(result_id: str) -> str:
    return f"/results/{result_id}" if result_id.replace("-", "").replace("_", "").isalnum() else "/results"


# -- conditions and who oversees -------------------------------------------------------------------------------------


@pages.get("/tests/<delivery_id>/conditions")
@roles(*STAFF)
def show_conditions(delivery_id: str) -> str:
    conditions = (delivery := _delivery(delivery_id)).conditions
    raw = {
        "identity_check": conditions.identity_check.value,
        "seb_config_keys": "\n".join(conditions.seb_config_keys),
        "networks": "\n".join(conditions.networks),
        "full_screen": "on" if conditions.full_screen else "",
    }
    return _conditions_page(delivery, FormInput(raw=raw))


@pages.post("/tests/<delivery_id>/conditions")
@roles(*STAFF)
def save_conditions(delivery_id: str) -> ResponseReturnValue:
    services, delivery, form = get_services(), _delivery(delivery_id), read_form(schemas.ConditionsForm)
    if not form.is_valid:
        return _conditions_page(delivery, form), 422
    try:
        conditions = read_conditions(
            identity_check=form.raw["identity_check"],
            seb_config_keys=form.raw.get("seb_config_keys", ""),
            networks=form.raw.get("networks", ""),
            full_screen=form.raw.get("full_screen") == "on",
        )
        usecases.set_conditions(
            delivery=delivery, conditions=conditions, deliveries=services.deliveries, acting=acting()
        )
    except RuleViolation as refusal:
        return _conditions_page(delivery, form.refused(refusal)), 422
    flash("Saved. It counts from now on.", "success")
    return redirect(url_for("invigilation.show_conditions", delivery_id=delivery.id))


@pages.post("/tests/<delivery_id>/invigilators")
@roles(*STAFF)
def assign_invigilator(delivery_id: str) -> ResponseReturnValue:
    services, delivery = get_services(), _delivery(delivery_id)
    try:
        account = access_invigilator(current_actor(), request.form.get("account_id", ""), accounts=services.accounts)
        usecases.assign_invigilator(
            delivery=delivery,
            account=account,
            powers=[power for power in Power if request.form.get(f"may_{power.value}")],
            duties=services.duties,
            acting=acting(),
        )
        flash("Assigned.", "success")
    except (NotFound, Conflict):
        flash("Choose an invigilator from the list.", "warning")
    return redirect(url_for("invigilation.show_conditions", delivery_id=delivery.id))


@pages.post("/tests/<delivery_id>/invigilators/<account_id>/release")
@roles(*STAFF)
def release_invigilator(delivery_id: str, account_id: str) -> ResponseReturnValue:
    services, delivery = get_services(), _delivery(delivery_id)
    usecases.release_invigilator(
        delivery=delivery,
        account_id=account_id,
        duties=services.duties,
        sessions=services.sessions,
        acting=acting(),
    )
    flash("No longer assigned to this test.", "success")
    return redirect(url_for("invigilation.show_conditions", delivery_id=delivery.id))


def _conditions_page(delivery: Delivery, form: FormInput) -> str:
    services = get_services()
    duties = services.duties.list_by_delivery(delivery.id)
    everybody = services.accounts.list_by_role(Role.INVIGILATOR, campus_id=delivery.campus_id)
    return render_template(
        "invigilation/conditions.html",
        delivery=delivery,
        form=form,
        duties=duties,
        invigilators={account.id: account for account in everybody},
        free=[each for each in everybody if each.state is not AccountState.DISABLED],
    )


def _delivery(delivery_id: str) -> Delivery:
    return access_delivery(current_actor(), delivery_id, deliveries=get_services().deliveries)


BLUEPRINTS = (pages,)
