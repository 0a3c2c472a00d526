"""The only way a view gets a campus."""

from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.features.campuses.model import Campus, check_open
from backend.features.campuses.repository import Campuses


def access_campus(actor: Actor, campus_id: str, *, campuses: Campuses) -> Campus:
    """The campus, for those who run it; anybody else hears NotFound."""
    campus = campuses.find(campus_id)
    if campus is None or not actor.may_administer(campus.id):
        raise NotFound()
    return campus


def access_open_campus(actor: Actor, campus_id: str | None, *, campuses: Campuses) -> Campus:
    """The same, for what a closed campus refuses: Conflict `campus_closed`."""
    campus = access_campus(actor, campus_id or "", campuses=campuses)
    check_open(campus)
    return campus


def access_own_campus(actor: Actor, *, campuses: Campuses) -> Campus:
    """The campus of a campus admin or student; NotFound for a superadmin, who has none."""
    campus = campuses.find(actor.campus_id) if actor.campus_id else None
    if campus is None:
        raise NotFound()
    return campus
