"""The only way a view gets a delivery."""

from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.features.assessments.model import Delivery
from backend.features.assessments.repository import Deliveries


def access_delivery(actor: Actor, delivery_id: str, *, deliveries: Deliveries) -> Delivery:
    """The delivery, for those who run its campus; anybody else hears NotFound."""
    delivery = deliveries.find(delivery_id)
    if delivery is None or not actor.may_administer(delivery.campus_id):
        raise NotFound()
    return delivery


def access_own_delivery(actor: Actor, delivery_id: str, *, batch_id: str | None, deliveries: Deliveries) -> Delivery:
    """The delivery, for a student of its batch (`batch_id` is the student's); anybody else hears NotFound."""
    delivery = deliveries.find(delivery_id)
    if delivery is None or not actor.is_student:
        raise NotFound()
    if actor.campus_id != delivery.campus_id or batch_id != delivery.batch_id:
        raise NotFound()
    return delivery
