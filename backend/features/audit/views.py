"""The audit log, for those who answer for it."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.features.audit import usecases
from backend.features.audit.words import details_of
from backend.web.gates import current_actor, get_services, roles

pages = Blueprint("audit", __name__)
BLUEPRINTS = (pages,)


@pages.get("/audit")
@roles(Role.SUPERADMIN, Role.CAMPUS)
def list_events() -> ResponseReturnValue:
    """Entries with the names of those who acted; subjects are told by their kind and id."""
    services, actor = get_services(), current_actor()
    all_campuses = {campus.id: campus for campus in services.campuses.list_all()} if actor.is_superadmin else {}
    events = usecases.list_events(
        actor=actor,
        before=request.args.get("before") or None,
        campus_ids=all_campuses,
        audit_log=services.audit_log,
    )
    actors = services.accounts.find_many({event.actor_id for event in events if event.actor_id})
    verdicts = None
    if actor.is_superadmin and "verify" in request.args:
        verdicts = usecases.verify_log(
            campus_ids=all_campuses,
            audit_log=services.audit_log,
            checkpoints=services.audit_checkpoints,
            secret=services.settings.viva_secret_key,
        )
    own = services.campuses.find(actor.campus_id) if actor.campus_id else None
    return render_template(
        "audit/list.html",
        events=events,
        actors=actors,
        details={event.id: details_of(event) for event in events},
        zone=own.time_zone if own else "UTC",
        next_before=events[-1].order if len(events) == usecases.PAGE_SIZE else None,
        is_first="before" not in request.args,
        verdicts=verdicts,
        campuses=all_campuses,
    )
