"""Where a part's sealed package lies."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus

from marshmallow import Schema, fields

from backend.core.actor import Role
from backend.features.attempts.model import Attempt, AttemptState, Conditions, not_open
from backend.features.attempts.packages import usecases
from backend.features.attempts.paper import Paper, PaperItem
from backend.features.attempts.schemas import ItemViewSchema
from backend.features.attempts.snapshot import view_items
from backend.features.attempts.views import own_attempt, slow_down
from backend.web.blueprints import ApiBlueprint
from backend.web.gates import get_services, roles

api = ApiBlueprint("packages", __name__, url_prefix="/api", description="A part's items, fetched ahead")
api.before_request(slow_down)

_OF_THE_CLOCK = ("opened_at", "elapsed_ms", "heard", "replays_left", "draft")


class PackageSchema(Schema):
    """The key that opens it is `section_key` of the snapshot, from the part's first item on."""

    url = fields.String()


@api.get("/attempts/<attempt_id>/packages/<letter>")
@roles(Role.STUDENT)
@api.response(HTTPStatus.OK, PackageSchema)
def show_package(attempt_id: str, letter: str) -> dict[str, str]:
    """Where the sealed items and sounds of a part are, for some minutes."""
    services, attempt = get_services(), own_attempt(attempt_id)
    if not attempt.is_running and attempt.state is not AttemptState.CHECKING:
        raise not_open()
    paper, now = services.papers.get(attempt.form_id), services.now()

    def describe(item: PaperItem, name_of: Callable[[str], str]) -> Mapping[str, object]:
        return _describe(attempt, paper, item, name_of, now)

    blob_key = usecases.provide_package(
        attempt=attempt,
        letter=letter,
        paper=paper,
        describe=describe,
        blobs=services.blobs,
        shelf=services.packages,
        secret=services.settings.viva_secret_key,
    )
    return {"url": services.blobs.presign_get(blob_key, now=now)}


def _describe(
    attempt: Attempt, paper: Paper, item: PaperItem, name_of: Callable[[str], str], now: datetime
) -> Mapping[str, object]:
    """The item as everybody's snapshot would show it when it is opened, without its clock."""
    opened = replace(
        attempt,
        position=item.position,
        item_opened_at=now,
        item_prompt_ms=item.prompt_ms,
        item_window_ms=item.window_ms,
        items_open=1,
        conditions=Conditions(),
        paused_at=None,
    )
    (view,) = view_items(opened, paper, responses=[], address_of=name_of, now=now)
    dumped: dict[str, object] = ItemViewSchema().dump(view)
    return {name: value for name, value in dumped.items() if name not in _OF_THE_CLOCK}


BLUEPRINTS = (api,)
