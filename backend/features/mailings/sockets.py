"""A mailing's room: joined through the same gate as its page; the answer is every row."""

from backend.core.actor import Actor
from backend.features.mailings.access import access_mailing
from backend.features.mailings.progress import Json, room_of, take_snapshot
from backend.web.gates import get_services
from backend.web.live import Room


def _enter(actor: Actor, mailing_id: str) -> str:
    return room_of(access_mailing(actor, mailing_id, mailings=get_services().mailings).id)


def _snapshot(actor: Actor, mailing_id: str) -> Json:
    services = get_services()
    mailing = access_mailing(actor, mailing_id, mailings=services.mailings)
    dispatches = services.dispatches.list_by_mailing(mailing.id)
    people = services.people.find_many([each.student_id for each in dispatches])
    return take_snapshot(mailing, dispatches, people, now=services.now())


JOINS = {"join_mailing": Room(id_field="mailing_id", enter=_enter, snapshot=_snapshot)}
