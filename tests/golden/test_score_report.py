"""The score report as it is read: two tagged pages whose text is kept as a file. A difference is a decision to review.

`VIVA_GOLDEN=write pytest tests/golden` writes the files anew.
"""

import io
import os
from pathlib import Path
from typing import Any

import pypdf
import pytest

from backend.adapters.pdf.typst import FONTS, render_pdf
from backend.adapters.scales.files import FileScales, load_descriptors
from backend.core.ports import Attachment
from backend.features.mailings.messages import results_ready
from backend.features.reports.kinds import REPORTS
from backend.features.reports.model import Subject
from backend.features.reports.usecases import TEMPLATES
from backend.features.results.model import ItemState
from backend.features.results.repository import Person
from tests.support.builders_results import make_items, make_outcome, make_result

HERE = Path(__file__).parent
CASES = {
    "whole": (make_result(), "Asha Rao"),
    "incomplete": (
        make_result(
            outcome=make_outcome(
                vocabulary=None, n_items=24, n_missing=12, confidence=0.41, warnings=("insufficient_evidence",)
            ),
            items=make_items(p15=ItemState.NOT_SCORED),
        ),
        "आशा राव",
    ),
    "silent": (
        make_result(
            outcome=make_outcome(
                None, None, None, None, n_items=0, n_missing=2, confidence=0.0, warnings=("mostly_silent",)
            )
        ),
        "ஆஷா ராவ்",
    ),
}


def describe(name):
    result, person = CASES[name]
    subject = Subject(
        name=person,
        roll_number="N-01",
        campus_name="North Campus",
        verify_url="https://viva.example.edu/verify",
    )
    scale = FileScales().get(result.versions.scale_id, result.versions.scale_version)
    return result, dict(REPORTS["score_report"](result, subject, scale, load_descriptors()))


def make(name):
    result, data = describe(name)
    return render_pdf(TEMPLATES / "score_report", data, made_at=result.settled_at)


def is_as_kept(path, text):
    if os.environ.get("VIVA_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8") == text


def read_catalog(pdf) -> Any:
    return pypdf.PdfReader(io.BytesIO(pdf)).trailer["/Root"]


def read_text(pdf):
    """Each page's words, one line each run of white space, as a reader extracts them."""
    return "\n\n".join(" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages) + "\n"


@pytest.mark.skipif(not FONTS.is_dir(), reason="the fonts come with the front end: run make test, or npm ci")
@pytest.mark.parametrize("name", sorted(CASES))
def test_the_reports_text_is_the_kept_one(name):
    pdf = make(name)
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 2
    assert is_as_kept(HERE / "reports" / f"score_report_{name}.txt", read_text(pdf))


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_report_is_tagged_titled_in_english_and_always_the_same(name):
    pdf = make(name)
    catalog = read_catalog(pdf)
    assert catalog["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in catalog
    assert str(catalog["/Lang"]).startswith("en")
    assert CASES[name][1] in pypdf.PdfReader(io.BytesIO(pdf)).metadata.title
    assert pdf == make(name)


@pytest.mark.skipif(not FONTS.is_dir(), reason="the fonts come with the front end: run make test, or npm ci")
@pytest.mark.parametrize("name", sorted(CASES))
def test_the_report_meets_the_standard_for_screen_readers(name):
    metadata = read_catalog(make(name))["/Metadata"].get_data()
    assert b"pdfuaid:part" in metadata, "a character had no font, so that the standard was dropped"


def test_what_is_missing_is_never_a_zero():
    _, data = describe("silent")
    assert data["overall"]["value"] is None
    assert {skill["value"] for skill in data["skills"]} == {None}
    assert "0" not in {str(skill["value"]) for skill in data["skills"]}


@pytest.mark.parametrize("name", ["whole", "silent"])
def test_the_mail_is_the_kept_one(name):
    result, _ = describe(name)
    person = Person(student_id="asha", name="Asha <Rao>", roll_number="N-01", email="asha@example.edu")
    mail = results_ready(
        result,
        person,
        campus_name="North Campus",
        link="https://viva.example.edu/results/attempt_asha-1",
        verify_url="https://viva.example.edu/verify",
        report=Attachment(filename="report.pdf", content_type="application/pdf", data=b"%PDF"),
        key="key",
    )
    assert "<Rao>" not in mail.html
    assert is_as_kept(HERE / "emails" / f"results_ready_{name}.txt", f"{mail.subject}\n\n{mail.text}")
    assert is_as_kept(HERE / "emails" / f"results_ready_{name}.html", mail.html)
