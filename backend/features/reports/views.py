"""One result as a page and as a PDF; a delivery's results as files."""

import unicodedata
from io import BytesIO

from flask import Blueprint, render_template, send_file
from flask.typing import ResponseReturnValue

from backend.core.actor import Role
from backend.features.assessments.access import access_delivery
from backend.features.assessments.model import Delivery
from backend.features.reports.tables import make_table, write_csv
from backend.features.reports.usecases import describe_report, make_report, reporting_of
from backend.features.results.access import SeenResult, access_result
from backend.features.results.evidence import ItemEvidence, list_evidence
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
        evidence=[] if actor.is_student else _evidence(seen),
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
    return list_evidence(result, paper, services.responses.list_by_attempt(result.attempt_id))


BLUEPRINTS = (pages,)
