"""What staff do in the live monitor reaches the candidates' screens; what was granted to a candidate is on the page."""

import re
import time
from dataclasses import dataclass, replace

import pytest
from playwright.sync_api import Locator, Page, expect

from backend.features.assessments.conditions import Conditions
from backend.features.invigilation.signals import SignalKind
from backend.wiring import Services
from tests.browser import steps
from tests.browser.sitting import Sitting, begin, open_test, open_tests, reach

GRANTED = {"break_minutes": 10, "replays": 1, "larger_text": True}
MORE_MINUTES = 5


@dataclass(frozen=True)
class Monitor:
    """The live monitor of an admin."""

    page: Page

    def choose(self, *sittings: Sitting) -> None:
        """These candidates and nobody else; none named: all."""
        none = self.page.get_by_role("button", name="Choose none")
        if none.is_visible():
            none.click()
        if not sittings:
            self.page.get_by_label("Choose all shown").check()
        for sitting in sittings:
            self.page.get_by_label(f"Choose {sitting.student.name}").check()

    def do(self, action: str, text: str, *, minutes: int | None = None) -> float:
        """To those chosen; when it was confirmed, on this machine's monotonic clock."""
        self.page.get_by_role("toolbar").get_by_role("button", name=action, exact=True).click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("textbox").fill(text)
        if minutes is not None:
            dialog.get_by_label("Minutes").fill(str(minutes))
        confirmed = time.monotonic()
        dialog.get_by_role("button").last.click()
        expect(dialog).to_be_hidden()
        return confirmed


@pytest.fixture
def sittings(services: Services) -> list[Sitting]:
    return open_tests(services, "Invigilated", students=[GRANTED, {}])


@pytest.fixture
def monitor(sittings: list[Sitting], new_page) -> Monitor:
    page, admin = new_page(), sittings[0].admin_login()
    steps.sign_in(page, admin.login, admin.password)
    page.goto(f"/tests/{sittings[0].delivery_id}/monitor")
    return Monitor(page)


def _screen(page: Page, heading: str) -> Locator:
    return page.get_by_role("heading", name=heading, level=1)


def _message(page: Page, text: str) -> Locator:
    return page.locator(".exam-message").filter(has_text=text)


def _text_size(page: Page) -> float:
    return float(page.locator(".exam-lead").evaluate("lead => parseFloat(getComputedStyle(lead).fontSize)"))


def test_the_full_screen_is_taken_offered_again_and_its_leaving_noted(services: Services, new_page) -> None:
    sitting, page = open_tests(services, "Full screen", students=[{}])[0], new_page()
    delivery = services.deliveries.find(sitting.delivery_id)
    assert delivery is not None
    asked = replace(delivery, conditions=Conditions(full_screen=True), revision=delivery.revision + 1)
    assert services.deliveries.save(asked, seen=delivery)
    sitting = begin(page, sitting)
    told = page.locator(".exam-banner").filter(has_text="This test is taken in full screen.")

    steps.press(page, "Continue the test")
    page.wait_for_function("document.fullscreenElement !== null")
    expect(told).to_be_hidden()
    page.evaluate("document.exitFullscreen()")
    expect(told).to_be_visible()
    steps.press(page, "Back to full screen")
    page.wait_for_function("document.fullscreenElement !== null")
    expect(told).to_be_hidden()

    def is_noted() -> bool:
        record = services.signal_records.find(sitting.attempt_id)
        return record is not None and SignalKind.FULLSCREEN_LEFT in [signal.kind for signal in record.signals]

    steps.wait_for(page, is_noted, what="that the full screen was left")


def test_messages_pauses_more_time_and_what_was_granted_reach_the_candidates(
    sittings: list[Sitting], monitor: Monitor, new_page, report
) -> None:
    asha, ravi = new_page(), new_page()
    first, second = begin(asha, sittings[0]), begin(ravi, sittings[1])
    for page in (asha, ravi):
        steps.press(page, "Continue the test")
    assert first.attempt.deadline_at is not None
    ends_at = [first.attempt.deadline_at, second.attempt.deadline_at]

    # All at once: the clock stands, and both screens say so.
    monitor.choose()
    confirmed = monitor.do("Pause", "The fire alarm")
    for page in (asha, ravi):
        expect(_screen(page, "The test is paused")).to_be_visible()
    report("a pause for all is on two screens (2 s is the goal)", time.monotonic() - confirmed)
    expect(asha.locator("#exam-left")).to_be_hidden()
    assert _text_size(asha) > _text_size(ravi), "larger text was granted"

    # A message to one, then to all; the first stays away from the other's screen.
    monitor.choose(first)
    confirmed = monitor.do("Message", "Please move to desk 12.")
    expect(_message(asha, "Please move to desk 12.")).to_be_visible()
    report("a message is on the screen (2 s is the goal)", time.monotonic() - confirmed)
    steps.press(asha, "I have read it")
    monitor.choose()
    monitor.do("Message", "We go on in a moment.")
    for page in (asha, ravi):
        expect(_message(page, "We go on in a moment.")).to_be_visible()
        expect(page.locator(".exam-message")).to_have_count(1)

    # One goes on, then the rest.
    monitor.choose(first)
    confirmed = monitor.do("Go on", "Has moved")
    expect(_screen(asha, "The test is paused")).to_be_hidden()
    report("one goes on (2 s is the goal)", time.monotonic() - confirmed)
    expect(_screen(ravi, "The test is paused")).to_be_visible()
    monitor.choose()
    monitor.do("Go on", "The alarm is over")
    expect(_screen(ravi, "The test is paused")).to_be_hidden()

    # One is paused alone.
    monitor.choose(second)
    monitor.do("Pause", "The headset is changed")
    expect(_screen(ravi, "The test is paused")).to_be_visible()
    expect(_screen(asha, "The test is paused")).to_be_hidden()
    monitor.do("Go on", "The headset works")
    expect(_screen(ravi, "The test is paused")).to_be_hidden()

    # More time, to all: the new end is on the screens.
    expect(ravi.locator("#exam-left")).to_be_visible()
    before = steps.time_left_s(ravi)
    monitor.choose()
    confirmed = monitor.do("More time", "The alarm", minutes=MORE_MINUTES)
    steps.wait_for(ravi, lambda: steps.time_left_s(ravi) > before, what="the new end on the screen")
    report("more time is on the screen (2 s is the goal)", time.monotonic() - confirmed)
    gained = [now.attempt.deadline_at - end for now, end in zip((first, second), ends_at, strict=True)]
    assert all(each.total_seconds() > MORE_MINUTES * 60 for each in gained), "the pauses and the minutes"

    # What was granted to one of them only: a prompt once more, and a break between two parts.
    with asha.expect_response(re.compile("/hearings$"), timeout=steps.EXAM_WITHIN_MS) as heard:
        asha.get_by_role("button", name="Hear it again").click(timeout=steps.EXAM_WITHIN_MS)
    assert heard.value.json()["item"]["replays_left"] == 0
    expect(asha.locator('.exam-item[data-mode="recording"]')).to_be_visible()
    expect(ravi.get_by_role("button", name="Hear it again")).to_have_count(0)
    asha.get_by_role("button", name=re.compile("^Take a break")).click(timeout=steps.EXAM_WITHIN_MS)
    expect(_screen(asha, "Your break")).to_be_visible()
    assert first.attempt.break_until is not None
    steps.press(asha, "Go on now")
    expect(_screen(asha, "Your break")).to_be_hidden()
    assert first.attempt.break_until is None

    # The record of the exam keeps what was said, and by how many it was seen.
    monitor.page.goto(f"/tests/{first.delivery_id}/record")
    expect(monitor.page.get_by_role("region", name="Messages")).to_contain_text("seen by 1 of 1")


def test_the_welcome_tells_what_is_different_for_this_candidate(sittings: list[Sitting], new_page) -> None:
    page, sitting = new_page(), sittings[0]
    steps.sign_in(page, sitting.login.login, sitting.login.password)
    page.goto(f"/sit/{sitting.delivery_id}")
    told = page.get_by_role("main")
    expect(told).to_contain_text("You may rest between parts, for 10 minutes in all.")
    expect(told).to_contain_text("You may hear each question once more.")
    expect(told).to_contain_text("The text is larger.")
    expect(told).not_to_contain_text("the usual time")
    expect(told).to_contain_text("Recording starts and ends by itself.")


def test_the_welcome_tells_who_ends_answers_by_a_button(services: Services, new_page) -> None:
    sitting, page = open_test(services, "Own end, told", no_silence_end=True), new_page()
    steps.sign_in(page, sitting.login.login, sitting.login.password)
    page.goto(f"/sit/{sitting.delivery_id}")
    told = page.get_by_role("main")
    expect(told).to_contain_text("Recording starts by itself; you end it with a button.")
    expect(told).to_contain_text("Silence does not end your spoken answers.")


def test_silence_ends_no_answer_of_whom_that_is_granted(services: Services, new_page) -> None:
    """The button ends it; as long as no voice was heard it asks first."""
    sitting, page = open_test(services, "Own end", no_silence_end=True, extra_time=3.0), new_page()
    sitting = begin(page, sitting)
    reach(page, 0)
    item = page.locator('.exam-item[data-mode="recording"]')
    position = int(item.get_attribute("data-position") or "0")
    expect(item).to_contain_text("Silence does not end it: press the button when you are finished.")
    this = page.locator(f'.exam-item[data-position="{position}"][data-mode="recording"]')
    for _ in range(10):
        if this.is_visible():
            this.get_by_role("button", name="I am finished").click(timeout=2_000)
            page.wait_for_timeout(800)
    steps.wait_for(page, lambda: sitting.has_all([position]), what="the answer that was ended")
    assert [each.ended_by for each in sitting.responses()[position].recordings] == ["candidate"]
