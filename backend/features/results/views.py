"""A delivery's results as a table, their release, how answers were heard, a student's list, verification."""

from collections.abc import Sequence
from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from limits import parse

from backend.core.actor import Role
from backend.core.errors import NotFound
from backend.features.assessments import usecases as assessment_usecases
from backend.features.assessments.access import access_delivery
from backend.features.assessments.model import Delivery
from backend.features.attempts.responses import as_of, response_id
from backend.features.audit import usecases as audit
from backend.features.results import usecases
from backend.features.results.access import (
    ExplainedResult,
    access_campus_result,
    access_explained_result,
    list_visible,
)
from backend.features.results.derivation import derive
from backend.features.results.explanation import Audience, explain_answer
from backend.features.results.model import Result, latest_of
from backend.features.results.repository import Person
from backend.features.results.schemas import ResultList
from backend.features.results.table import Gathered, ResultRow, count_rows, make_rows, sorted_rows, traits_of
from backend.features.results.tasks import contesting_of
from backend.web import limits
from backend.web.blueprints import ApiBlueprint
from backend.web.gates import current_actor, get_services, public, roles
from backend.web.recordings import send_recording

pages = Blueprint("results", __name__)
api = ApiBlueprint("results_api", __name__, url_prefix="/api/tests", description="Results of one's campus")

STAFF = (Role.CAMPUS, Role.SUPERADMIN)
# A guess meets one of 2^55 numbers: this rate is for people with a pile of reports, not against guessing.
VERIFICATIONS_BY_ADDRESS = parse("60 per 10 minutes")
_LONGEST = 200


# -- a delivery's results ----------------------------------------------------------------------------------------------


@pages.get("/tests/<delivery_id>/results")
@roles(*STAFF)
def list_results(delivery_id: str) -> str:
    """The batch as a table. `sort` is a column, `order` asc or desc."""
    services, delivery = get_services(), _delivery(delivery_id)
    by = request.args.get("sort", "roll_number")
    descending = request.args.get("order") == "desc"
    rows = gather_rows(delivery)
    return render_template(
        "results/batch.html",
        delivery=delivery,
        rows=sorted_rows(rows, by=by, descending=descending),
        totals=count_rows(rows),
        mailings=services.mail_marks.list_mailings(delivery.id),
        traits=traits_of(rows),
        sort=by,
        descending=descending,
    )


@api.get("/<delivery_id>/results")
@roles(*STAFF)
@api.response(HTTPStatus.OK, ResultList)
def get_results(delivery_id: str) -> dict[str, object]:
    """Every student of the test, by roll number: how far each is, and the latest result."""
    return {"results": sorted_rows(gather_rows(_delivery(delivery_id)), by="roll_number", descending=False)}


def gather_rows(delivery: Delivery) -> list[ResultRow]:
    """A row for each student of the batch, and for those who sat the test and left it since."""
    services = get_services()
    people = list(services.people.list_by_batch(delivery.batch_id))
    attempts = services.attempts.list_by_delivery(delivery.id)
    known = {person.student_id for person in people}
    moved = services.people.find_many(sorted({each.student_id for each in attempts} - known))
    return make_rows(
        Gathered(
            people=[*people, *_by_roll(list(moved.values()))],
            attempts=attempts,
            counts=services.responses.count_by_delivery(delivery.id),
            results=services.results.list_by_delivery(delivery.id),
            releases=services.releases.list_by_delivery(delivery.id),
            mails=services.mail_marks.list_marks(delivery.id),
            incidents=services.incidents.list_by_delivery(delivery.id),
            records={each.id: each for each in services.signal_records.list_by_delivery(delivery.id)},
        )
    )


def _by_roll(people: list[Person]) -> list[Person]:
    return sorted(people, key=lambda person: person.roll_number)


@pages.post("/tests/<delivery_id>/results/release")
@roles(*STAFF)
def release(delivery_id: str) -> ResponseReturnValue:
    """Releases the chosen results, or, with `scope` all, every row's."""
    delivery = _delivery(delivery_id)
    if request.form.get("scope") == "all":
        chosen = [row.result for row in gather_rows(delivery) if row.result is not None]
    else:
        # Older settlements, of which a page that stood open too long may still tell, are left out.
        chosen = _chosen(list(latest_of(get_services().results.list_by_delivery(delivery.id)).values()))
    if not chosen:
        flash("Choose at least one student who has a result.", "warning")
        return _back(delivery)
    summary = usecases.release_results(chosen=chosen, releasing=_releasing())
    flash(_release_text(summary), "warning" if summary.refused else "success")
    return _back(delivery)


@pages.post("/tests/<delivery_id>/results/withdraw")
@roles(*STAFF)
def withdraw(delivery_id: str) -> ResponseReturnValue:
    """Takes the chosen results back, whichever settlement of a sitting is named."""
    delivery = _delivery(delivery_id)
    chosen = _chosen(get_services().results.list_by_delivery(delivery.id))
    withdrawn = sum(usecases.withdraw_result(result=result, releasing=_releasing()) for result in chosen)
    flash(f"Withdrawn: {withdrawn}." if withdrawn else "None of these was released.", "success")
    return _back(delivery)


def _chosen(results: Sequence[Result]) -> list[Result]:
    wanted = set(request.form.getlist("result_id"))
    return [result for result in results if result.id in wanted]


_NOT_RELEASED = {
    "nothing_to_release": "there is no score yet",
    "not_settled": "answers are being scored or need a decision; release the result once its state is Scored",
    "attempt_not_over": "the test was reopened or voided",
}


def _release_text(summary: usecases.ReleaseSummary) -> str:
    parts = [f"Released: {summary.changed}."]
    if summary.unchanged:
        parts.append(f"Released before: {summary.unchanged}.")
    parts += [f"Not released: {count}, because {_NOT_RELEASED[code]}." for code, count in summary.refused.items()]
    return " ".join(parts)


def _releasing() -> usecases.Releasing:
    services = get_services()
    return usecases.Releasing(
        actor_id=current_actor().account_id,
        attempts=services.attempts,
        releases=services.releases,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )


@pages.post("/tests/<delivery_id>/results/answers-shown")
@roles(*STAFF)
def show_answers(delivery_id: str) -> ResponseReturnValue:
    """Lets students of this test follow how their own answers were heard (`shown` is yes), or no longer."""
    services, delivery = get_services(), _delivery(delivery_id)
    shown = request.form.get("shown") == "yes"
    assessment_usecases.show_answers(
        actor=current_actor(),
        delivery=delivery,
        shown=shown,
        deliveries=services.deliveries,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    words = "Students now see how their answers were heard." if shown else "Students no longer see their answers."
    flash(words, "success")
    return _back(delivery)


# -- how answers were heard --------------------------------------------------------------------------------------------


@pages.get("/results/<result_id>/answers/<int:position>")
@roles(Role.STUDENT, *STAFF)
def show_answer(result_id: str, position: int) -> str:
    """One answer, word by word; for its student a shorter form."""
    services, seen = get_services(), _explained(result_id)
    result = seen.result
    places = [item.position for item in result.items]
    if position not in places:
        raise NotFound()
    at = places.index(position)
    paper = services.papers.get(result.versions.form_id)
    response = services.responses.find(response_id(result.attempt_id, position))
    return render_template(
        "results/answer.html",
        result=result,
        is_staff=seen.audience is Audience.STAFF,
        each=explain_answer(
            result.items[at],
            paper.get_item(position),
            None if response is None else as_of(response, result.settled_at),
            seen.audience,
        ),
        name=_name_for(seen),
        earlier=places[at - 1] if at else None,
        later=places[at + 1] if at + 1 < len(places) else None,
        place=(at + 1, len(places)),
    )


@pages.get("/results/<result_id>/how")
@roles(Role.STUDENT, *STAFF)
def show_derivation(result_id: str) -> str:
    """How the points of the answers became the scores, step by step."""
    services, seen = get_services(), _explained(result_id)
    versions = seen.result.versions
    scale = services.scales.get(versions.scale_id, versions.scale_version)
    return render_template(
        "results/how.html",
        result=seen.result,
        is_staff=seen.audience is Audience.STAFF,
        name=_name_for(seen),
        derivation=derive(seen.result, services.papers.get(versions.form_id), scale),
    )


def _explained(result_id: str) -> ExplainedResult:
    services = get_services()
    return access_explained_result(
        current_actor(),
        result_id,
        results=services.results,
        releases=services.releases,
        deliveries=services.deliveries,
    )


def _name_for(seen: ExplainedResult) -> str:
    """Whose result it is, for staff; the test's title for the student."""
    person = get_services().people.find(seen.result.student_id) if seen.audience is Audience.STAFF else None
    return person.name if person is not None else seen.result.title


@pages.get("/results/<result_id>/answers/<int:position>/recordings/<int:number>")
@roles(Role.STUDENT, *STAFF)
def play_answer(result_id: str, position: int, number: int) -> ResponseReturnValue:
    """A stored recording. When staff listen, the audit log says who."""
    services, seen = get_services(), _explained(result_id)
    result = seen.result
    response = services.responses.find(response_id(result.attempt_id, position))
    recordings = response.spoken_segments() if response is not None else ()
    if number >= len(recordings):
        raise NotFound()
    if seen.audience is Audience.STAFF:
        audit.record(
            actor_id=current_actor().account_id,
            campus_id=result.campus_id,
            action="recording_played",
            subject_kind="result",
            subject_id=result.id,
            audit_log=services.audit_log,
            now=services.now(),
            new_id=services.new_id,
            position=position,
        )
    return send_recording(services.blobs, recordings[number].blob_key, recordings[number].content_type)


@pages.post("/results/<result_id>/answers/<int:position>/score-again")
@roles(*STAFF)
def score_again(result_id: str, position: int) -> ResponseReturnValue:
    """Has a contested answer scored again; the result on this page stays as it is."""
    services, actor = get_services(), current_actor()
    result = access_campus_result(actor, result_id, results=services.results)
    response = services.responses.find(response_id(result.attempt_id, position))
    if response is None:
        raise NotFound()
    after = usecases.score_again(
        actor=actor,
        result=result,
        response=response,
        contesting=contesting_of(services),
        now=services.now(),
        new_id=services.new_id,
    )
    how = "is among the answers for raters again" if after.is_looked_at_again else "is being scored again"
    flash(f"The answer {how}. If its score changes, a new result takes this one’s place.", "success")
    return redirect(url_for("reports.show_result", result_id=result.id))


# -- a student's results -----------------------------------------------------------------------------------------------


@pages.get("/results")
@roles(Role.STUDENT)
def list_own() -> str:
    """The student's released results, the latest first."""
    services = get_services()
    mine = list_visible(current_actor().account_id, results=services.results, releases=services.releases)
    return render_template("results/own.html", results=mine)


# -- verification ------------------------------------------------------------------------------------------------------


@pages.get("/verify")
@public
def verify() -> str:
    return render_template("results/verify.html", asked=False, verification=None, number="", name="")


@pages.post("/verify")
@public
def submit_verify() -> ResponseReturnValue:
    """Says whether a report with this number was issued, and what it says; never whose it is."""
    number, name = (request.form.get(field, "").strip()[:_LONGEST] for field in ("number", "name"))
    limits.spend(limits.by_address(VERIFICATIONS_BY_ADDRESS, "verify"))
    services = get_services()
    found = usecases.verify_number(
        typed=number, name=name, results=services.results, releases=services.releases, people=services.people
    )
    scale = None
    if found is not None:
        versions = found.result.versions
        scale = services.scales.get(versions.scale_id, versions.scale_version)
    return render_template("results/verify.html", asked=True, verification=found, number=number, name=name, scale=scale)


# -- shared by the above -----------------------------------------------------------------------------------------------


def _delivery(delivery_id: str) -> Delivery:
    return access_delivery(current_actor(), delivery_id, deliveries=get_services().deliveries)


def _back(delivery: Delivery) -> ResponseReturnValue:
    return redirect(url_for("results.list_results", delivery_id=delivery.id))


BLUEPRINTS = (pages, api)
