"""The only way a view gets an item. Items belong to no campus: admins read them all, students never any."""

from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.features.items.model import Item
from backend.features.items.repository import Items


def check_reads_bank(actor: Actor) -> None:
    """Raises NotFound for anybody but admins."""
    if not (actor.is_superadmin or actor.is_campus):
        raise NotFound()


def access_item(actor: Actor, item_id: str, *, items: Items) -> Item:
    """The item, for admins; a student hears NotFound whether or not it exists."""
    check_reads_bank(actor)
    item = items.find(item_id)
    if item is None:
        raise NotFound()
    return item
