"""An answer is followed by keyboard alone: a word plays from where it starts to where it ends."""

import pytest
from playwright.sync_api import expect

from backend.features.results.model import release_of
from backend.features.results.tasks import settle
from tests.browser.accessibility import list_grave_faults, overflow_px
from tests.support.builders_results import COMPLETED
from tests.support.explained import explained_response, spoken
from tests.support.page_server import page_server
from tests.support.results_world import furnish_results, sit
from tests.support.services_memory import build_memory_services

ANSWER = "/results/attempt_asha-1/answers/0"


@pytest.fixture
def address():
    services = furnish_results(build_memory_services())
    sit(services, "asha")
    seen = services.responses.find("attempt_asha:0")
    services.responses.save(explained_response("asha", 0, revision=seen.revision + 1), seen=seen)
    services.blobs.put("recordings/north/asha-0", spoken(), content_type="audio/wav")
    settle("attempt_asha", services)
    services.releases.add(release_of(services.results.find("attempt_asha-1"), by="meera", at=COMPLETED))
    with page_server(services) as found:
        yield found


@pytest.fixture
def page(chromium, address):
    context = chromium.new_context(base_url=address, viewport={"width": 390, "height": 844})
    context.add_cookies([{"name": "actor", "value": "meera", "url": address}])
    page = context.new_page()
    page.goto(ANSWER)
    yield page
    context.close()


def test_a_word_plays_by_keyboard_and_says_so(page):
    page.evaluate(
        """() => {
            const start = AudioBufferSourceNode.prototype.start;
            window.played = [];
            AudioBufferSourceNode.prototype.start = function (...when) {
                window.played.push([...when, this.buffer.duration]);
                return start.apply(this, when);
            };
            window.said = [];
            const status = document.querySelector("[data-play-status]");
            new MutationObserver(() => window.said.push(status.textContent)).observe(status, {childList: true});
        }"""
    )
    word = page.get_by_role("button", name="river").first
    word.focus()
    page.keyboard.press("Enter")
    status = page.locator("[data-play-status]")
    expect(status).to_have_text("Choose another word, or the same again.")
    assert "Playing “river”." in page.evaluate("window.said"), "half a second is soon over"
    _, start, length, whole = page.evaluate("window.played[0]")
    assert (round(start, 2), round(length, 2), round(whole)) == (1.26, 0.51, 9), "the word with a little air"
    page.get_by_role("button", name="Play the answer").press("Enter")
    expect(status).to_have_text("Playing.")
    page.get_by_role("button", name="Stop").press("Enter")
    expect(status).to_have_text("Stopped.")
    expect(page.get_by_role("button", name="Play the answer")).to_be_focused()


def test_a_recording_that_does_not_come_is_said_and_can_be_tried_again(page):
    page.route("**/recordings/0", lambda route: route.abort())
    page.get_by_role("button", name="river").first.press("Enter")
    expect(page.locator("[data-play-status]")).to_contain_text("could not be played")
    page.unroute("**/recordings/0")
    page.get_by_role("button", name="river").first.press("Enter")
    expect(page.locator("[data-play-status]")).to_have_text("Choose another word, or the same again.")


@pytest.mark.parametrize("path", [ANSWER, "/results/attempt_asha-1/how", "/results/attempt_asha-1"])
def test_the_pages_can_be_used_by_everybody(page, path):
    page.goto(path)
    assert list_grave_faults(page) == []
    assert overflow_px(page) == 0
