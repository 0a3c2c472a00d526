"""The monitor's room: joined through the same gate as its page; the answer is every row."""

from backend.core.actor import Actor
from backend.features.assessments.access import access_delivery
from backend.features.attempts.monitor import Json, Monitored, iso, list_rows, room_of
from backend.web.gates import get_services
from backend.web.live import Room


def _enter(actor: Actor, delivery_id: str) -> str:
    return room_of(access_delivery(actor, delivery_id, deliveries=get_services().deliveries).id)


def _snapshot(actor: Actor, delivery_id: str) -> Json:
    services = get_services()
    delivery = access_delivery(actor, delivery_id, deliveries=services.deliveries)
    now = services.now()
    seen = Monitored(
        attempts=services.attempts, responses=services.responses, papers=services.papers, presence=services.presence
    )
    rows = list_rows(delivery.id, services.candidates.list_by_batch(delivery.batch_id), seen=seen, now=now)
    return {"server_now": iso(now), "delivery_id": delivery.id, "rows": rows}


JOINS = {"join_delivery": Room(id_field="delivery_id", enter=_enter, snapshot=_snapshot)}
