"""The only way to a delivery that one oversees: for those who run its campus, and for invigilators assigned to it."""

from dataclasses import dataclass

from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.features.assessments.model import Delivery
from backend.features.assessments.repository import Deliveries
from backend.features.attempts.engine.controls import ControlKind
from backend.features.invigilation.model import controls_of, duty_id
from backend.features.invigilation.repository import Duties

EVERY_CONTROL = frozenset(ControlKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A delivery, with the controls that this actor may use in it. `is_staff`: runs its campus."""

    delivery: Delivery
    controls: frozenset[ControlKind]
    is_staff: bool


def access_watch(actor: Actor, delivery_id: str, *, deliveries: Deliveries, duties: Duties) -> Watch:
    """Anybody else hears NotFound: also an invigilator of the same campus who has no duty here."""
    delivery = deliveries.find(delivery_id)
    if delivery is None:
        raise NotFound()
    if actor.may_administer(delivery.campus_id):
        return Watch(delivery=delivery, controls=EVERY_CONTROL, is_staff=True)
    if not actor.is_invigilator or actor.campus_id != delivery.campus_id:
        raise NotFound()
    duty = duties.find(duty_id(delivery_id, actor.account_id))
    if duty is None:
        raise NotFound()
    return Watch(delivery=delivery, controls=controls_of(duty.powers), is_staff=False)
