"""Items on paper: what the printer gets of a form and of an author's preview."""

import io

import pytest
from playwright.sync_api import Page
from pypdf import PdfReader

from backend.features.items.files import load_formats
from tests.browser.accessibility import list_grave_faults, overflow_px
from tests.support.bank import fill_bank, published_forms
from tests.support.page_server import page_server
from tests.support.services_memory import build_memory_services
from tests.support.source import ROOT

FORMATS = ROOT / "tests" / "support" / "formats"


@pytest.fixture(scope="module")
def services():
    built = build_memory_services()
    fill_bank(
        items=built.items,
        sounds=built.prompt_sounds,
        forms=built.forms,
        blobs=built.blobs,
        formats=load_formats(FORMATS),
    )
    return built


@pytest.fixture
def page(chromium, services):
    with page_server(services) as address:
        context = chromium.new_context(base_url=address)
        context.add_cookies([{"name": "actor", "value": "meera", "url": address}])
        yield context.new_page()
        context.close()


def _printed(page: Page) -> str:
    reader = PdfReader(io.BytesIO(page.pdf(format="A4")))
    return " ".join("\n".join(sheet.extract_text() for sheet in reader.pages).split())


def _item(services, task: str):
    (form,) = published_forms(services.forms, "typed_journey")
    return next(one for one in form.items if one.task == task and not one.practice)


def test_a_form_on_paper_has_every_item_with_room_to_write_and_no_navigation(page, services):
    (form,) = published_forms(services.forms, "typed_journey")
    page.goto(f"/items/forms/{form.id}/paper")
    assert list_grave_faults(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert overflow_px(page) == 0
    text = _printed(page)
    assert "Roll number" in text, "a line for the candidate's name"
    assert not [word for word in ("Item bank", "Sign out", "To be printed") if word in text]
    for section in form.sections:
        assert f"Part {section.letter}: {section.title}" in text

    # A text stands once, before the first of its questions.
    first = _item(services, "multiple_choice")
    stimulus = first.shown["stimulus"]
    assert text.count(stimulus["text"][:60]) == 1
    assert text.index(stimulus["text"][:60]) < text.index(first.shown_text)
    assert text.index(first.shown["options"][0], text.index(first.shown_text)) > 0
    page.emulate_media(media="print")
    question = page.locator(".paper-question", has_text=first.shown_text)
    assert question.locator(".paper-box.round").count() == len(first.shown["options"])
    several = _item(services, "multiple_response")
    ticked = page.locator(".paper-question", has_text=several.shown_text)
    assert ticked.locator(".paper-box:not(.round)").count() == len(several.shown["options"])
    gaps = page.locator(".paper-question", has=page.locator("sup"))
    assert gaps.locator(".paper-gap").count() == len(_item(services, "gap_fill").shown["gaps"])
    assert gaps.locator(".paper-gap").first.evaluate("gap => getComputedStyle(gap).borderBottomStyle") == "solid"
    assert page.locator(".paper-line").first.bounding_box()["height"] > 20, "room for handwriting"


@pytest.mark.parametrize(
    "task", ["multiple_choice", "gap_fill", "ordering", "matching", "essay", "sentence_completion"]
)
def test_a_preview_prints_the_item_first_and_its_key_on_a_sheet_of_its_own(page, services, task):
    item = _item(services, task)
    page.goto(f"/items/{item.item_id}")
    sheets = [sheet.extract_text() for sheet in PdfReader(io.BytesIO(page.pdf(format="A4"))).pages]
    assert "What the candidate meets" in sheets[0]
    assert "Answer key" not in sheets[0]
    assert "Answer key" in sheets[-1]
    assert task != "gap_fill" or "[" not in sheets[0], "nor in the heading"
    assert not [word for word in ("Sign out", "About this item", "Forms with this item") if word in "".join(sheets)]
