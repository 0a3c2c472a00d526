"""The room of a candidate's own attempt: joined through the same gate as its API; the answer is how it stands."""

from backend.core.actor import Actor
from backend.features.attempts.access import access_own_attempt
from backend.features.attempts.engine.news import NAMESPACE, room_of_attempt, tell_clock
from backend.features.attempts.monitor import Json
from backend.web.gates import get_services
from backend.web.live import Room


def _enter(actor: Actor, attempt_id: str) -> str:
    return room_of_attempt(access_own_attempt(actor, attempt_id, attempts=get_services().attempts).id)


def _snapshot(actor: Actor, attempt_id: str) -> Json:
    services = get_services()
    return tell_clock(access_own_attempt(actor, attempt_id, attempts=services.attempts), now=services.now())


JOINS = {"join_attempt": Room(id_field="attempt_id", enter=_enter, snapshot=_snapshot, namespace=NAMESPACE)}
