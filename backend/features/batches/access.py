"""The only way a view gets a batch."""

from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.features.batches.model import Batch
from backend.features.batches.repository import Batches


def access_batch(actor: Actor, batch_id: str, *, batches: Batches) -> Batch:
    """The batch, for those who run its campus; anybody else hears NotFound."""
    batch = batches.find(batch_id)
    if batch is None or not actor.may_administer(batch.campus_id):
        raise NotFound()
    return batch
