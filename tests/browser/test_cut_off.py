"""The network, the window, the machine or the microphone goes away: nothing is lost, and the candidate is told."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from backend.features.attempts.engine.moves import SLOW
from backend.wiring import Services
from tests.browser import steps
from tests.browser.sitting import FIRST_OF_PART_B, Sitting, begin, may_go_off_line, open_test, reach

LAST_OF_PART_B = FIRST_OF_PART_B + 2


@pytest.fixture
def sitting(services: Services) -> Sitting:
    """With windows of ten seconds: a busy machine may be late for an item, not for a part."""
    return open_test(services, "Cut off", extra_time=2)


@pytest.fixture
def long_windows(services: Services) -> Sitting:
    return open_test(services, "Cut off", extra_time=3)


# As WebKit does with the connection of a page that was in the background.
_DROP_STORAGE = """(() => {
  const connections = [], open = indexedDB.open.bind(indexedDB);
  indexedDB.open = (...given) => {
    const opening = open(...given);
    opening.addEventListener("success", () => connections.push(opening.result));
    return opening;
  };
  window.dropStorage = () => connections.forEach((each) => each.close());
})()"""


def test_off_line_it_goes_on_survives_a_reload_waits_at_the_parts_end_and_replays_once(
    sitting: Sitting, new_page, report
) -> None:
    page = new_page()
    page.add_init_script(_DROP_STORAGE)
    sitting = begin(page, sitting, at=FIRST_OF_PART_B)
    may_go_off_line(page)
    reach(page, FIRST_OF_PART_B)

    page.context.set_offline(True)
    page.evaluate("dropStorage()")
    steps.go_on_until_item(page, FIRST_OF_PART_B + 1)
    expect(page.locator("#exam-saved")).to_contain_text("on this device")
    before = time.monotonic()
    page.reload()
    # At that item or, where the machine is slow, after it: its clock goes on.
    steps.press(page, "Continue the test")
    report("reload without network, to the open item", time.monotonic() - before)
    steps.go_on_until_waiting(page)
    expect(page.get_by_role("main")).to_contain_text("Nothing is lost")
    assert sitting.attempt.position <= LAST_OF_PART_B, "the server has not heard of the part's end"
    # Long enough to be noted as a stretch without network, however quick the part was.
    page.wait_for_timeout(SLOW.total_seconds() * 1000 + 1_000)

    page.context.set_offline(False)
    steps.go_on_until_item(page, LAST_OF_PART_B + 1)
    steps.wait_for(page, lambda: sitting.has_all(range(FIRST_OF_PART_B, LAST_OF_PART_B + 1)), what="the answers")
    attempt, responses = sitting.attempt, sitting.responses()
    assert attempt.position > LAST_OF_PART_B
    for position in range(FIRST_OF_PART_B, LAST_OF_PART_B + 1):
        ids = [recording.recording_id for recording in responses[position].recordings]
        assert len(ids) == len(set(ids))
    stretch = attempt.offline_stretches[0]
    assert stretch.ended_at - stretch.began_at > SLOW


def test_a_page_that_fails_says_so_and_goes_on_once_it_is_loaded_again(sitting: Sitting, new_page) -> None:
    page = new_page()
    begin(page, sitting, at=FIRST_OF_PART_B)
    page.evaluate("() => { AudioContext.prototype.createBufferSource = () => { throw new Error('broken'); }; }")
    steps.press(page, "Continue the test")
    expect(page.get_by_role("heading", level=1)).to_have_text("The page needs to be loaded again")
    steps.press(page, "Load the page")
    reach(page, FIRST_OF_PART_B)


def test_a_second_window_takes_over_and_the_first_can_take_it_back(sitting: Sitting, new_context) -> None:
    context = new_context()
    first = context.new_page()
    sitting = begin(first, sitting)
    reach(first, 0)
    second = context.new_page()
    second.goto(f"/sit/{sitting.delivery_id}")
    expect(second.get_by_role("button", name="Continue the test")).to_be_visible()
    expect(first.get_by_role("heading", level=1)).to_have_text("Your test goes on in another window")
    steps.press(first, "Continue here")
    expect(first.get_by_role("button", name="Continue the test")).to_be_visible()
    expect(second.get_by_role("heading", level=1)).to_have_text("Your test goes on in another window")
    steps.wait_for(second, lambda: bool(sitting.responses()), what="what the first window was recording")


def test_another_machine_resumes_at_the_same_second(sitting: Sitting, new_page, report) -> None:
    first, second = new_page(), new_page()
    sitting = begin(first, sitting, at=FIRST_OF_PART_B)
    steps.sign_in(second, sitting.login.login, sitting.login.password)
    reach(first, FIRST_OF_PART_B)
    began = time.monotonic()
    second.goto(f"/sit/{sitting.delivery_id}")
    steps.press(second, "Continue the test")
    # At that item or, where the machine is slow, after it.
    expect(second.locator('.exam-item, body[data-phase="closing"]').first).to_be_visible()
    assert sitting.attempt.position >= FIRST_OF_PART_B
    report("another machine resumes (3 s is the goal)", time.monotonic() - began)
    expect(second.locator("#exam-left")).to_be_visible()
    deadline = sitting.attempt.deadline_at
    assert deadline is not None
    most = (deadline - sitting.services.now()).total_seconds()
    shown = steps.time_left_s(second)
    least = (deadline - sitting.services.now()).total_seconds()
    assert least - 2 < shown < most + 2
    expect(first.get_by_role("heading", level=1)).to_have_text("Your test goes on in another window")


_UNPLUG = """(() => {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  let stream = null, plugged = true;
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (!plugged) throw new DOMException("gone", "NotFoundError");
    return (stream = await ask(wanted));
  };
  window.unplug = () => {
    plugged = false;
    for (const track of stream.getTracks()) { track.stop(); track.dispatchEvent(new Event("ended")); }
  };
  window.plugIn = () => { plugged = true; navigator.mediaDevices.dispatchEvent(new Event("devicechange")); };
})()"""


def test_a_microphone_that_is_unplugged_is_named_and_recording_goes_on_when_it_is_back(
    long_windows: Sitting, new_page
) -> None:
    page = new_page()
    page.add_init_script(_UNPLUG)
    sitting = begin(page, long_windows, at=FIRST_OF_PART_B)
    reach(page, FIRST_OF_PART_B)
    page.evaluate("unplug()")
    # The notice in the item or, where the machine was too slow for its window, the screen before the next one.
    notice = page.get_by_text("The microphone was disconnected").or_(page.get_by_text("No microphone was found"))
    expect(notice.first).to_be_visible()
    word = page.locator(".exam-word").filter(has_text=re.compile("^No microphone$"))
    expect(word.or_(page.get_by_role("heading", name="No microphone was found")).first).to_be_visible()
    page.evaluate("plugIn()")
    expect(notice).to_have_count(0)
    is_in_time = page.locator(f'.exam-item[data-position="{FIRST_OF_PART_B}"]').count() > 0

    def is_heard_again() -> bool:
        responses = sitting.responses()
        answer = responses.get(FIRST_OF_PART_B)
        if is_in_time:
            return answer is not None and len(answer.spoken_segments()) >= 2
        return any(position > FIRST_OF_PART_B for position in responses)

    steps.wait_for(page, is_heard_again, what="what came before and after is kept, to be scored in this order")


def test_answers_that_cannot_be_sent_are_saved_as_a_file_and_staff_bring_it(
    sitting: Sitting, superadmin_page: Page, new_page, tmp_path
) -> None:
    page = new_page()
    sitting = begin(page, sitting, at=FIRST_OF_PART_B)
    reach(page, FIRST_OF_PART_B)
    page.context.set_offline(True)
    steps.go_on_until_waiting(page)
    with page.expect_download() as waiting:
        steps.press(page, "Save my answers as a file")
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    page.close()

    sushma = superadmin_page
    sushma.goto(f"/tests/{sitting.delivery_id}")
    sushma.get_by_role("link", name="Bring answers saved as a file").click()
    sushma.get_by_label("The file", exact=True).set_input_files(file)
    steps.press(sushma, "Take these answers")
    expect(sushma.get_by_role("status")).to_contain_text("Stored, and scored")
    assert set(range(FIRST_OF_PART_B, LAST_OF_PART_B + 1)) <= set(sitting.responses())
