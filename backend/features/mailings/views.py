"""Scheduling a mailing, watching it, sending again; and the local outbox."""

from io import BytesIO

from flask import Blueprint, flash, make_response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.core.errors import Conflict, NotFound
from backend.core.outbox import OutboxMail
from backend.features.assessments.access import access_delivery
from backend.features.mailings import usecases
from backend.features.mailings.access import access_dispatch, access_mailing
from backend.features.mailings.model import Mailing
from backend.features.mailings.progress import count_states, take_snapshot
from backend.features.mailings.tasks import office_of
from backend.web.gates import current_actor, get_services, roles
from backend.web.security import serve_for_own_frame

pages = Blueprint("mailings", __name__)
outbox = Blueprint("outbox", __name__)

STAFF = (Role.CAMPUS, Role.SUPERADMIN)


# -- mailings ----------------------------------------------------------------------------------------------------------


@pages.get("/tests/<delivery_id>/mailings/new")
@roles(*STAFF)
def preview(delivery_id: str) -> str:
    """Who would get a mail, and who has no address."""
    services = get_services()
    delivery = access_delivery(current_actor(), delivery_id, deliveries=services.deliveries)
    unmailed = usecases.list_unmailed(delivery.id, office=office_of(services))
    people = services.people.find_many([result.student_id for result in unmailed])
    recipients = sorted(people.values(), key=lambda person: person.roll_number)
    return render_template(
        "mailings/new.html",
        delivery=delivery,
        reachable=[person for person in recipients if person.email],
        unreachable=[person for person in recipients if not person.email],
    )


@pages.post("/tests/<delivery_id>/mailings")
@roles(*STAFF)
def schedule(delivery_id: str) -> ResponseReturnValue:
    """Mails every released result that was not mailed yet; with `result_id`s, these only."""
    services, actor = get_services(), current_actor()
    delivery = access_delivery(actor, delivery_id, deliveries=services.deliveries)
    try:
        mailing = usecases.schedule_mailing(
            actor=actor,
            delivery_id=delivery.id,
            campus_id=delivery.campus_id,
            chosen=request.form.getlist("result_id") or None,
            office=office_of(services),
            now=services.now(),
            new_id=services.new_id,
        )
    except Conflict as refusal:
        flash(refusal.detail, "warning")
        return redirect(url_for("results.list_results", delivery_id=delivery.id))
    return redirect(url_for("mailings.show_mailing", mailing_id=mailing.id))


@pages.get("/mailings/<mailing_id>")
@roles(*STAFF)
def show_mailing(mailing_id: str) -> str:
    """Where each mail stands; goes on by itself while the page is open."""
    services, mailing = get_services(), _mailing(mailing_id)
    dispatches = services.dispatches.list_by_mailing(mailing.id)
    people = services.people.find_many([each.student_id for each in dispatches])
    return render_template(
        "mailings/show.html",
        mailing=mailing,
        delivery=services.deliveries.find(mailing.delivery_id),
        snapshot=take_snapshot(mailing, dispatches, people, now=services.now()),
        counts=count_states(dispatches),
        total=len(dispatches),
    )


@pages.post("/mailings/<mailing_id>/send-again")
@roles(*STAFF)
def send_again(mailing_id: str) -> ResponseReturnValue:
    """Queues exactly those that failed."""
    services, mailing = get_services(), _mailing(mailing_id)
    again = usecases.send_again(
        actor=current_actor(),
        mailing=mailing,
        office=office_of(services),
        now=services.now(),
        new_id=services.new_id,
    )
    flash(f"Sending again: {again}." if again else "Nothing failed: there is nothing to send again.", "success")
    return redirect(url_for("mailings.show_mailing", mailing_id=mailing.id))


@pages.post("/mailings/<mailing_id>/dispatches/<dispatch_id>/decide")
@roles(*STAFF)
def decide(mailing_id: str, dispatch_id: str) -> ResponseReturnValue:
    """A person's word on a mail of unknown outcome: `went` yes, or no to send a second copy."""
    services, actor = get_services(), current_actor()
    dispatch = access_dispatch(actor, dispatch_id, mailing_id=mailing_id, dispatches=services.dispatches)
    went = request.form.get("went") == "yes"
    usecases.decide_unknown(
        actor=actor,
        dispatch=dispatch,
        went=went,
        office=office_of(services),
        now=services.now(),
        new_id=services.new_id,
    )
    flash("Noted as sent." if went else "Sending a second copy.", "success")
    return redirect(url_for("mailings.show_mailing", mailing_id=mailing_id))


def _mailing(mailing_id: str) -> Mailing:
    return access_mailing(current_actor(), mailing_id, mailings=get_services().mailings)


# -- the local outbox --------------------------------------------------------------------------------------------------


@outbox.get("/outbox")
@roles(Role.SUPERADMIN)
def list_mails() -> str:
    """Mail that stayed on this machine, the latest first."""
    mails = get_services().outbox.list_latest(before=request.args.get("before") or None)
    return render_template("outbox/list.html", mails=mails)


@outbox.get("/outbox/<mail_id>")
@roles(Role.SUPERADMIN)
def show_mail(mail_id: str) -> str:
    return render_template("outbox/show.html", mail=_mail(mail_id))


@outbox.get("/outbox/<mail_id>/page.html")
@roles(Role.SUPERADMIN)
def show_html(mail_id: str) -> ResponseReturnValue:
    """The HTML part alone, for the page's sandboxed frame: it runs nothing and loads nothing."""
    return serve_for_own_frame(make_response(_mail(mail_id).html))


@outbox.get("/outbox/<mail_id>/attachments/<int:number>")
@roles(Role.SUPERADMIN)
def download_attachment(mail_id: str, number: int) -> ResponseReturnValue:
    services, mail = get_services(), _mail(mail_id)
    if number >= len(mail.attachments):
        raise NotFound()
    kept = mail.attachments[number]
    return send_file(
        BytesIO(services.outbox.get_bytes(kept.blob_key)), mimetype=kept.content_type, download_name=kept.filename
    )


def _mail(mail_id: str) -> OutboxMail:
    mail = get_services().outbox.find(mail_id)
    if mail is None:
        raise NotFound()
    return mail


BLUEPRINTS = (pages, outbox)
