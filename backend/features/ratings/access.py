"""The only way a view gets a response."""

from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.features.attempts.repository import Responses
from backend.features.attempts.responses import Response


def access_response(actor: Actor, response_id: str, *, delivery_id: str, responses: Responses) -> Response:
    """The response, for those who run its campus, of that delivery; anybody else hears NotFound."""
    response = responses.find(response_id)
    if response is None or response.delivery_id != delivery_id or not actor.may_administer(response.campus_id):
        raise NotFound()
    return response
