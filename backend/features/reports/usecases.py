"""Making the score report of a result, and the tables of a delivery's results."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backend.core.errors import NotFound
from backend.core.ports import Attachment
from backend.features.campuses.repository import Campuses
from backend.features.reports.kinds import REPORTS
from backend.features.reports.model import Subject
from backend.features.reports.repository import PdfPress, Words
from backend.features.results.model import Result
from backend.features.results.repository import People, Scales

if TYPE_CHECKING:
    from backend.wiring import Services

TEMPLATES = Path(__file__).resolve().parents[3] / "frontend_templates" / "reports"
PDF = "application/pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """What a report is made with."""

    people: People
    campuses: Campuses
    scales: Scales
    words: Words
    press: PdfPress
    public_url: str


def find_subject(result: Result, reporting: Reporting) -> Subject:
    """Whom the result is about. NotFound when the student is gone: a report without a person is of no use."""
    person = reporting.people.find(result.student_id)
    if person is None:
        raise NotFound()
    return Subject(
        name=person.name,
        roll_number=person.roll_number,
        campus_name=campus_name(result, reporting),
        verify_url=f"{reporting.public_url}/verify",
    )


def campus_name(result: Result, reporting: Reporting) -> str:
    """The campus's name today; "" when it is gone."""
    campus = reporting.campuses.find(result.campus_id)
    return campus.name if campus is not None else ""


def describe_report(kind: str, *, result: Result, reporting: Reporting) -> dict[str, object]:
    """What the report of that kind shows. Raises KeyError for an unknown kind."""
    scale = reporting.scales.get(result.versions.scale_id, result.versions.scale_version)
    return dict(REPORTS[kind](result, find_subject(result, reporting), scale, reporting.words(scale.descriptors)))


def make_report(kind: str, *, result: Result, reporting: Reporting) -> Attachment:
    """The report as a PDF. The same result and person give the same bytes: its date is the result's."""
    data = describe_report(kind, result=result, reporting=reporting)
    pdf = reporting.press(TEMPLATES / kind, data, made_at=result.settled_at)
    return Attachment(filename=_filename(kind, result), content_type=PDF, data=pdf)


def _filename(kind: str, result: Result) -> str:
    return f"{re.sub('_', '-', kind)}-{result.number}.pdf"


def reporting_of(services: "Services") -> Reporting:
    """The part of the wiring that reports are made with."""
    return Reporting(
        people=services.people,
        campuses=services.campuses,
        scales=services.scales,
        words=services.words,
        press=services.reports_pdf,
        public_url=services.settings.public_url,
    )
