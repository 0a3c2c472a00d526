"""One result as a page and as a PDF; a delivery's results as files."""

import unicodedata
from io import BytesIO

from flask import Blueprint, render_template, send_file
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.core.tables import write_csv
from backend.features.assessments.access import access_delivery
from backend.features.assessments.model import Delivery
from backend.features.attempts.responses import as_of
from backend.features.invigilation.timeline import FINDING_TEXTS, INCIDENT_TEXTS, offline_text, signal_text
from backend.features.raters.usecases import RatedAnswer, list_rated
from backend.features.raters.views import raters_desk
from backend.features.reports.tables import make_table
from backend.features.reports.usecases import describe_report, make_report, reporting_of
from backend.features.results.access import SeenResult, access_result
from backend.features.results.evidence import ItemEvidence, list_evidence
from backend.features.results.model import ItemState
from backend.features.results.views import STAFF, gather_rows
from backend.web.gates import current_actor, get_services, roles

pages = Blueprint("reports", __name__)

EVERYBODY = (Role.STUDENT, *STAFF)
SCORE_REPORT = "score_report"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pages.get("/results/<result_id>")
@roles(*EVERYBODY)
def show_result(result_id: str) -> str:
    """What was reached, what it means, what would improve it; for campus admins also what it rests on."""
    services, actor = get_services(), current_actor()
    seen = _seen(result_id)
    report = describe_report(SCORE_REPORT, result=seen.result, reporting=reporting_of(services))
    return render_template(
        "results/show.html",
        seen=seen,
        result=seen.result,
        report=report,
        delivery=services.deliveries.find(seen.result.delivery_id),
        overseen=_overseen(seen),
        evidence=[] if actor.is_student else _evidence(seen),
        answers=_answers(seen) if actor.is_student else [],
        rated=_rated(seen),
    )


@pages.get("/results/<result_id>/report.pdf")
@roles(*EVERYBODY)
def download_report(result_id: str) -> ResponseReturnValue:
    """The two-page score report."""
    seen = _seen(result_id)
    report = make_report(SCORE_REPORT, result=seen.result, reporting=reporting_of(get_services()))
    return send_file(BytesIO(report.data), mimetype=report.content_type, download_name=report.filename)


@pages.get("/tests/<delivery_id>/results.csv")
@roles(*STAFF)
def export_csv(delivery_id: str) -> ResponseReturnValue:
    delivery = _delivery(delivery_id)
    data = write_csv(make_table(gather_rows(delivery)))
    return _download(data, "text/csv; charset=utf-8", delivery, "csv")


@pages.get("/tests/<delivery_id>/results.xlsx")
@roles(*STAFF)
def export_xlsx(delivery_id: str) -> ResponseReturnValue:
    services, delivery = get_services(), _delivery(delivery_id)
    data = services.sheet_writer(delivery.title, make_table(gather_rows(delivery)), made_at=services.now())
    return _download(data, XLSX, delivery, "xlsx")


def _download(data: bytes, content_type: str, delivery: Delivery, suffix: str) -> ResponseReturnValue:
    return send_file(
        BytesIO(data), mimetype=content_type, as_attachment=True, download_name=f"{_slug(delivery.title)}.{suffix}"
    )


def _slug(title: str) -> str:
    """A file's name of a title: plain letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = "".join(each if each.isalnum() else " " for each in plain).split()
    return "-".join([*words, "results"])[:80]


def _delivery(delivery_id: str) -> Delivery:
    return access_delivery(current_actor(), delivery_id, deliveries=get_services().deliveries)


def _seen(result_id: str) -> SeenResult:
    services = get_services()
    return access_result(current_actor(), result_id, results=services.results, releases=services.releases)


def _evidence(seen: SeenResult) -> list[ItemEvidence]:
    services, result = get_services(), seen.result
    paper = services.papers.get(result.versions.form_id)
    responses = services.responses.list_by_attempt(result.attempt_id)
    return list_evidence(result, paper, [as_of(each, result.settled_at) for each in responses])


def _answers(seen: SeenResult) -> list[tuple[int, str]]:
    """(position, label) of every item that was reached, as the student's list of answers shows them."""
    paper = get_services().papers.get(seen.result.versions.form_id)
    items = [paper.get_item(each.position) for each in seen.result.items if each.state is not ItemState.NOT_REACHED]
    return [(item.position, f"{item.section_letter}{item.number}") for item in items]


def _rated(seen: SeenResult) -> list[tuple[str, RatedAnswer]]:
    """What people gave to open answers, with the question's label: shown beside the result, part of no score."""
    services, result = get_services(), seen.result
    delivery = services.deliveries.find(result.delivery_id)
    if delivery is None:
        return []
    paper = services.papers.get(result.versions.form_id)
    rated = list_rated(delivery=delivery, attempt_id=result.attempt_id, raters=raters_desk())
    places = [(paper.get_item(each.position), each) for each in rated]
    return [(f"{item.section_letter}{item.number}", each) for item, each in places]


def _overseen(seen: SeenResult) -> dict[str, object]:
    """What was noticed and noted during the sitting; notes are for those who run the campus only."""
    services, result, is_staff = get_services(), seen.result, not current_actor().is_student
    record = services.signal_records.find(result.attempt_id)
    attempt = services.attempts.find(result.attempt_id)
    stretches = attempt.offline_stretches if attempt is not None else ()
    incidents = services.incidents.list_by_delivery(result.delivery_id) if is_staff else ()
    return {
        "record": record if record is not None and record.total else None,
        "offline": [offline_text(stretch) for stretch in stretches],
        "incidents": [each for each in incidents if each.concerns(result.student_id)],
        "kind_texts": INCIDENT_TEXTS,
        "finding_texts": FINDING_TEXTS,
        "signal_text": signal_text,
    }


BLUEPRINTS = (pages,)
