"""The only way a view gets an accommodation."""

from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.features.accommodations.model import Accommodation
from backend.features.accommodations.repository import Accommodations


def access_accommodation(
    actor: Actor, accommodation_id: str, *, student_id: str, accommodations: Accommodations
) -> Accommodation:
    """One of that student's, for those who run the campus; anybody else hears NotFound."""
    found = accommodations.find(accommodation_id)
    if found is None or found.student_id != student_id or not actor.may_administer(found.campus_id):
        raise NotFound()
    return found
