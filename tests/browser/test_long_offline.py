"""Half an hour without network in the middle of a test: by the clocks of page and server, which leap together."""

from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from backend.features.attempts.model import AttemptState
from backend.features.items.model import AnswerKind
from tests.browser import steps
from tests.browser.conftest import PATIENCE_MS
from tests.support.exam import furnish, make_item, make_paper
from tests.support.page_server import RunningClock, ServedBlobs, page_server
from tests.support.services_memory import build_memory_services


def _paper(*, goes_on_offline: bool):
    """A part of three texts and one of a single text, ten minutes each."""
    paper = make_paper()
    items = tuple(
        replace(
            make_item(position, letter="B" if position == 3 else "A", task="essay"),
            answer_kind=AnswerKind.TEXT,
            prompt_key=None,
            prompt_ms=0,
            window_ms=600_000,
        )
        for position in range(4)
    )
    first = replace(paper.sections[0], title="Texts", task="essay", item_count=3, instructions_audio_key=None)
    sections = (first, replace(first, letter="B", first_position=3, item_count=1))
    return replace(
        paper,
        items=items,
        sections=sections,
        demonstration=None,
        allowed=timedelta(minutes=70),
        goes_on_offline=goes_on_offline,
    )


@pytest.fixture
def clock():
    return RunningClock()


@pytest.fixture
def services(clock, request):
    paper = _paper(goes_on_offline=request.param)
    return furnish(build_memory_services(now=clock, blobs=ServedBlobs()), paper=paper)


@pytest.fixture
def context(chromium, services):
    with page_server(services) as address:
        context = chromium.new_context(base_url=address)
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([{"name": "actor", "value": "asha", "url": address}])
        yield context
        context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Asha's, in the first part, with the first text written and saved."""
    page = context.new_page()
    page.clock.install()
    page.goto("/sit/delivery")
    steps.press(page, "Check my device")
    steps.press(page, "Play the notes")
    steps.press(page, "Yes")
    with page.expect_event("requestfinished", lambda request: "/packages/delivery/" in request.url):
        steps.press(page, "Begin the test")
        steps.press(page, "Continue")
    _write(page, 0)
    expect(page.locator("#exam-saved")).to_contain_text("1 answer saved")
    return page


def _write(page: Page, position: int) -> None:
    """What is written at this item, and on to the next."""
    panel = page.locator(f'.answer-item[data-position="{position}"]')
    panel.get_by_role("textbox").fill(_text(position))
    panel.get_by_role("button", name="Next").click()
    expect(panel).to_be_hidden()


def _text(position: int) -> str:
    return f"Text {position}, written without a line to anybody."


def _leap(page: Page, clock: RunningClock, *, minutes: int) -> None:
    clock.move(minutes=minutes)
    page.clock.fast_forward(minutes * 60_000)


def _stored(services) -> dict[int, str]:
    (attempt,) = services.attempts.list_by_delivery("delivery")
    found = services.responses.list_by_attempt(attempt.id)
    return {each.position: each.answer.text for each in found if each.answer is not None}


@pytest.mark.parametrize("services", [True], indirect=True)
def test_half_an_hour_off_line_goes_on_to_the_parts_end_and_replays_exactly_once(page, context, services, clock):
    context.set_offline(True)
    _write(page, 1)
    _write(page, 2)
    steps.go_on_until_waiting(page)  # the next part's instructions are here; its items are not
    _leap(page, clock, minutes=30)
    expect(page.get_by_role("main")).to_contain_text("Nothing is lost")
    expect(page.get_by_role("main")).to_contain_text("2 kept on this device")
    expect(page.locator("#exam-banners")).to_contain_text("You are offline")
    expect(page.locator("#exam-banners").get_by_role("button", name="Save a file")).to_be_visible()
    assert _stored(services) == {0: _text(0)}, "the server heard of nothing meanwhile"

    context.set_offline(False)
    expect(page.locator('.answer-item[data-position="3"]')).to_be_visible()
    expect(page.locator("#exam-saved")).to_contain_text("3 answers saved")
    assert _stored(services) == {position: _text(position) for position in range(3)}
    (attempt,) = services.attempts.list_by_delivery("delivery")
    assert (attempt.position, attempt.state) == (3, AttemptState.IN_PROGRESS)
    (stretch,) = attempt.offline_stretches
    assert stretch.ended_at - stretch.began_at > timedelta(minutes=29)
    assert services.late_answers.list_by_delivery("delivery") == []

    _write(page, 3)
    expect(page.get_by_role("heading", name="You are done")).to_be_visible()
    assert _stored(services) == {position: _text(position) for position in range(4)}
    (attempt,) = services.attempts.list_by_delivery("delivery")
    assert attempt.state is AttemptState.SUBMITTED


@pytest.mark.parametrize("services", [False], indirect=True)
def test_where_the_format_waits_it_waits_with_a_clear_screen_and_goes_on_by_itself(page, context, services, clock):
    context.set_offline(True)
    panel = page.locator('.answer-item[data-position="1"]')
    panel.get_by_role("textbox").fill(_text(1))
    panel.get_by_role("button", name="Next").click()
    steps.go_on_until_waiting(page)
    _leap(page, clock, minutes=5)
    expect(page.get_by_role("main")).to_contain_text("goes on by itself as soon as the network is back")
    assert _stored(services) == {0: _text(0)}

    context.set_offline(False)
    expect(page.locator('.answer-item[data-position="2"]')).to_be_visible()
    expect(page.locator("#exam-saved")).to_contain_text("2 answers saved")
    assert _stored(services) == {0: _text(0), 1: _text(1)}


@pytest.mark.parametrize("services", [True], indirect=True)
def test_what_a_closed_page_left_goes_with_its_moves_from_whatever_page_comes_next(page, context, services):
    page.route("**/api/**", lambda route: route.abort())  # this page alone: it must not be the one that comes back
    _write(page, 1)
    _write(page, 2)
    steps.go_on_until_waiting(page)
    page.close()
    (attempt,) = services.attempts.list_by_delivery("delivery")
    assert attempt.position == 1, "the server has not heard how far it went"

    page = context.new_page()
    page.goto("/")
    expect(page.get_by_role("status")).to_contain_text("The last answers of your test have arrived")
    assert _stored(services) == {position: _text(position) for position in range(3)}
    (attempt,) = services.attempts.list_by_delivery("delivery")
    assert (attempt.position, attempt.state) == (3, AttemptState.IN_PROGRESS)
    assert services.late_answers.list_by_delivery("delivery") == []

    page.goto("/sit/delivery")
    steps.press(page, "Continue the test")
    expect(page.locator("#exam-saved")).to_contain_text("3 answers saved")
