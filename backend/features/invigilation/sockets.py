"""The monitor's room: joined through the same gate as its page; the answer is every row."""

from backend.core.actor import Actor
from backend.features.attempts.monitor import Json, iso, room_of
from backend.features.invigilation.access import access_watch
from backend.features.invigilation.board import Watched, list_rows
from backend.web.gates import get_services
from backend.web.live import Room


def _enter(actor: Actor, delivery_id: str) -> str:
    services = get_services()
    watch = access_watch(actor, delivery_id, deliveries=services.deliveries, duties=services.duties)
    return room_of(watch.delivery.id)


def _snapshot(actor: Actor, delivery_id: str) -> Json:
    services = get_services()
    delivery = access_watch(actor, delivery_id, deliveries=services.deliveries, duties=services.duties).delivery
    now = services.now()
    watched = Watched(
        attempts=services.attempts,
        responses=services.responses,
        papers=services.papers,
        presence=services.presence,
        checks=services.identity_checks,
        incidents=services.incidents,
        records=services.signal_records,
        granted=services.granted_conditions,
    )
    rows = list_rows(delivery, services.candidates.list_by_batch(delivery.batch_id), watched=watched, now=now)
    return {"server_now": iso(now), "delivery_id": delivery.id, "rows": rows}


JOINS = {"join_delivery": Room(id_field="delivery_id", enter=_enter, snapshot=_snapshot)}
