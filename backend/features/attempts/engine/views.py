"""Controls over the attempts of a delivery, and what a candidate asks of the clock."""

from http import HTTPStatus

from backend.core.actor import Role
from backend.features.attempts import monitor
from backend.features.attempts.engine import usecases
from backend.features.attempts.engine.schemas import HearingSchema
from backend.features.attempts.model import Attempt
from backend.features.attempts.schemas import AttemptSnapshotSchema, NothingSchema
from backend.features.attempts.snapshot import AttemptSnapshot
from backend.features.attempts.views import held_attempt, read_epoch, show_snapshot, slow_down
from backend.web.blueprints import ApiBlueprint
from backend.web.gates import get_services, roles

api = ApiBlueprint("controls", __name__, url_prefix="/api", description="Control of an exam that goes on")
clock_api = ApiBlueprint("exam_clock", __name__, url_prefix="/api", description="A candidate's clock")
clock_api.before_request(slow_down)

Fields = dict[str, object]


@clock_api.post("/attempts/<attempt_id>/break")
@roles(Role.STUDENT)
@clock_api.arguments(NothingSchema, required=False)
@clock_api.response(HTTPStatus.OK, AttemptSnapshotSchema)
def take_break(_body: Fields, attempt_id: str) -> AttemptSnapshot:
    """A break between two parts, for those to whom some was granted. The clock stands meanwhile."""
    services, attempt = get_services(), held_attempt(attempt_id)
    paper = services.papers.get(attempt.form_id)
    after = usecases.take_break(
        attempt=attempt, paper=paper, attempts=services.attempts, now=services.now(), epoch=read_epoch()
    )
    return _shown(after)


@clock_api.post("/attempts/<attempt_id>/break/end")
@roles(Role.STUDENT)
@clock_api.arguments(NothingSchema, required=False)
@clock_api.response(HTTPStatus.OK, AttemptSnapshotSchema)
def end_break(_body: Fields, attempt_id: str) -> AttemptSnapshot:
    """The candidate goes on before the break is used up."""
    services, attempt = get_services(), held_attempt(attempt_id)
    after = usecases.end_break(attempt=attempt, attempts=services.attempts, now=services.now(), epoch=read_epoch())
    return _shown(after)


@clock_api.post("/attempts/<attempt_id>/hearings")
@roles(Role.STUDENT)
@clock_api.arguments(HearingSchema)
@clock_api.response(HTTPStatus.OK, AttemptSnapshotSchema)
def hear_again(body: dict[str, int], attempt_id: str) -> AttemptSnapshot:
    """The open item's prompt once more, for those to whom it was granted; `number` counts from 1."""
    services, attempt = get_services(), held_attempt(attempt_id)
    after = usecases.hear_again(
        attempt=attempt,
        position=body["position"],
        number=body["number"],
        paper=services.papers.get(attempt.form_id),
        attempts=services.attempts,
        now=services.now(),
        epoch=read_epoch(),
    )
    return _shown(after)


def _shown(attempt: Attempt) -> AttemptSnapshot:
    services = get_services()
    monitor.announce_progress(attempt, services.papers.get(attempt.form_id), feed=services.feed, now=services.now())
    return show_snapshot(attempt)


BLUEPRINTS = (clock_api,)
