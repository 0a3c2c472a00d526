"""A test that is typed and chosen, every task once, sat by keyboard; its result and its report."""

import io
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from backend.features.attempts.responses import ResponseState
from backend.wiring import Services
from tests.browser import steps
from tests.browser.accessibility import list_grave_faults, overflow_px
from tests.browser.sitting import Sitting, open_test
from tests.support.live import IS_FULL, LiveProduct

EMAIL = """Dear Sir or Madam,

I am writing about a pair of headphones that I ordered from your shop last week. When the parcel arrived, I noticed that
one side does not work, although I have tested them with two phones. I attend the English course on Tuesday, but from
next month I have to work on that day.

Because I need them for my classes, I would be grateful if you could send me a new pair, or move me to another group on
a different day. Please let me know what I should do.

Yours faithfully,
Asha Nair"""
ESSAY = """The text says that companies tried a working week of four days with the same pay, and that cities are cooler
where there are trees. Some customers were unhappy, and trees need water and care.

I think it is a good idea, because people who are rested work better. However, somebody should answer the telephone on
Fridays. In my opinion the money is well spent, since people walk more in streets with trees."""


@pytest.fixture
def sitting(services: Services) -> Sitting:
    return open_test(services, "Written English", "typed_journey")


def _type_text(page: Page) -> None:
    page.keyboard.type(page.locator(".answer-copy").inner_text()[:420], delay=1)


def _type_heard(page: Page) -> None:
    expect(page.get_by_role("textbox")).to_be_enabled()
    page.keyboard.type("The company has moved its main office.")


def _rebuild(page: Page) -> None:
    passage = page.locator(".answer-passage").inner_text()
    expect(page.get_by_role("textbox")).to_be_visible()
    expect(page.locator(".answer-passage")).to_be_hidden()
    page.get_by_role("textbox").fill(passage)


def _choose(page: Page) -> None:
    expect(page.get_by_role("radio").first).to_be_enabled()
    page.keyboard.press("2")
    expect(page.get_by_role("radio").nth(1)).to_be_checked()


def _choose_two(page: Page) -> None:
    page.keyboard.press("1")
    page.keyboard.press("2")
    expect(page.get_by_role("checkbox").nth(1)).to_be_checked()


def _fill_gaps(page: Page) -> None:
    for gap in page.locator(".answer-gap").all():
        if gap.evaluate("gap => gap.tagName") == "SELECT":
            gap.select_option(index=1)
        else:
            gap.press_sequentially("went")


def _match(page: Page) -> None:
    for number, box in enumerate(page.get_by_role("combobox").all()):
        box.select_option(index=number + 1)


def _write_email(page: Page) -> None:
    page.get_by_role("textbox").fill(EMAIL)
    expect(page.locator(".answer-counter")).to_contain_text(re.compile(r"\d\d words"))


# By keyboard alone, as far as the answer goes; long texts are put in at once, to save time.
ANSWERS: dict[str, Callable[[Page], None]] = {
    "typing": _type_text,
    "sentence_completion": lambda page: page.keyboard.type("water"),
    "dictation": _type_heard,
    "passage_reconstruction": _rebuild,
    "multiple_choice": _choose,
    "multiple_response": _choose_two,
    "gap_fill": _fill_gaps,
    "ordering": lambda page: page.keyboard.press("ArrowDown"),
    "matching": _match,
    "email": _write_email,
    "essay": lambda page: page.get_by_role("textbox").fill(ESSAY),
}


def sit_part(page: Page) -> int:
    """A part with one time limit: to and fro, an answer changed, a flag, a reload, and what is asked before its end."""
    part, numbers = page.locator(".part-item"), page.locator(".part-number")
    page.keyboard.press("3")
    expect(numbers.first).to_have_accessible_name("Question 1, answered")
    page.get_by_role("button", name="Flag for review").press("Enter")
    expect(numbers.first).to_have_accessible_name("Question 1, answered, flagged for review")
    steps.press(page, "Next")
    expect(part).to_contain_text("Question 2 of 6")
    expect(page.get_by_role("region", name="The text")).to_be_visible()
    numbers.nth(3).press("Enter")
    expect(part).to_contain_text("Question 4 of 6")
    page.keyboard.press("2")
    expect(page.get_by_role("radio").nth(1)).to_be_checked()
    page.wait_for_timeout(1_000)  # an answer is on the device within a second

    page.reload()
    steps.press(page, "Continue the test")
    expect(part).to_contain_text("Question 4 of 6")
    expect(page.get_by_role("radio").nth(1)).to_be_checked()
    expect(numbers.first).to_have_accessible_name("Question 1, answered, flagged for review")
    numbers.first.press("Enter")
    expect(page.get_by_role("radio").nth(2)).to_be_checked()
    page.keyboard.press("1")
    expect(page.get_by_role("radio").first).to_be_checked()

    page.get_by_role("button", name="Finish this part").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Questions 2, 3, 5 and 6 have no answer yet.")
    expect(dialog).to_contain_text("Question 1 is flagged for review.")
    assert list_grave_faults(page) == []
    page.keyboard.press("Escape")
    for number in (1, 2, 4, 5):
        numbers.nth(number).click()
        expect(part).to_contain_text(f"Question {number + 1} of 6")
        page.keyboard.press("2")
        expect(numbers.nth(number)).to_have_accessible_name(f"Question {number + 1}, answered")
    page.get_by_role("button", name="Finish this part").click()
    expect(dialog).to_contain_text("You have answered all 6 questions.")
    dialog.get_by_role("button", name="Finish this part").click()
    expect(part).to_be_hidden(timeout=30_000)
    return 6


def sit(page: Page) -> dict[str, int]:
    """Every item until the end; how many of each task there were."""
    seen: dict[str, int] = {}
    done = page.get_by_role("heading", name="You are done")
    go_on = page.get_by_role("button", name="Continue", exact=True)
    for _ in range(60):
        target = page.locator(".answer-item")
        expect(done.or_(go_on).or_(target).first).to_be_visible()
        if done.is_visible():
            return seen
        if go_on.is_visible():
            go_on.press("Enter")
            expect(go_on).to_be_hidden()
            continue
        position, task = target.get_attribute("data-position"), target.get_attribute("data-task") or ""
        if task not in seen:
            assert list_grave_faults(page) == [], task
            assert overflow_px(page) == 0, task
        if "part-item" in (target.get_attribute("class") or ""):
            seen[task] = seen.get(task, 0) + sit_part(page)
            continue
        seen[task] = seen.get(task, 0) + 1
        ANSWERS[task](page)
        button = page.locator(f'.answer-item[data-position="{position}"] .answer-next')
        expect(button).to_be_enabled()
        button.press("Enter")
        expect(page.locator(f'.answer-item[data-position="{position}"]')).to_be_hidden()
    raise AssertionError("the test has no end")


@pytest.mark.skipif(IS_FULL, reason="the true forms have no such format")
def test_a_written_test_is_sat_by_keyboard_and_reported(
    live: LiveProduct, services: Services, new_page, sitting: Sitting
) -> None:
    asha, admin, delivery_id = sitting.login, sitting.admin_login(), sitting.delivery_id
    page = new_page()
    steps.sign_in(page, asha.login, asha.password)
    page.get_by_role("link", name=re.compile("^(Start|Go on)")).first.click()
    steps.press(page, "Check my device")
    expect(page.get_by_role("button", name="Use my microphone")).to_have_count(0)
    steps.press(page, "Play the notes")
    steps.press(page, "Yes")
    begin = page.get_by_role("button", name="Begin the test")
    skip = page.get_by_role("button", name="I know what to do")
    expect(skip.or_(begin).first).to_be_visible()
    if skip.is_visible():
        skip.click()
    steps.begin(page)

    seen = sit(page)
    assert seen == {
        "typing": 1, "sentence_completion": 2, "dictation": 1, "passage_reconstruction": 1, "multiple_choice": 9,
        "multiple_response": 1, "gap_fill": 1, "ordering": 1, "matching": 1, "email": 1, "essay": 1,
    }  # fmt: skip

    (attempt,) = services.attempts.list_by_delivery(delivery_id)
    responses = {each.position: each for each in services.responses.list_by_attempt(attempt.id)}
    assert len(responses) == sum(seen.values())
    assert all(each.answer is not None and not each.answer.is_blank for each in responses.values())
    (part,) = attempt.finished_parts
    chosen = [responses[part.first_position + number].answer for number in range(part.item_count)]
    assert [answer.choices for answer in chosen if answer is not None] == [(0,), *[(1,)] * 5]

    def settled() -> bool:
        results = [each for each in services.results.list_by_delivery(delivery_id) if each.attempt_id == attempt.id]
        return bool(results)

    live.wait_until(settled, within_s=600, what="a result")
    states = {each.task: each.state for each in services.responses.list_by_attempt(attempt.id)}
    assert states.pop("sentence_completion") in (ResponseState.SCORED, ResponseState.PRACTICE)
    assert set(states.values()) == {ResponseState.SCORED}

    staff = new_page()
    steps.sign_in(staff, admin.login, admin.password)
    staff.goto(f"/tests/{delivery_id}/results")
    for name in ("Grammar", "Vocabulary", "Organization", "Voice and tone", "Reading comprehension"):
        expect(staff.get_by_role("columnheader", name=name)).to_be_visible()
    result = next(each for each in services.results.list_by_delivery(delivery_id) if each.attempt_id == attempt.id)
    assert result.outcome.overall is not None
    staff.goto(f"/results/{result.id}")
    expect(staff.get_by_role("heading", name="The skills")).to_be_visible()
    expect(staff.get_by_text("Intelligibility")).to_have_count(0)
    report = PdfReader(io.BytesIO(staff.request.get(f"/results/{result.id}/report.pdf").body()))
    text = "\n".join(sheet.extract_text() for sheet in report.pages)
    assert "Reading comprehension" in text
    assert "Intelligibility" not in text
