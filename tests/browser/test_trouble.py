"""What goes wrong on a candidate's side: each trouble names its next step, and nothing is lost."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect

from backend.wiring import Services
from scripts.demo.campus import SignIn
from tests.browser import steps
from tests.browser.conftest import PATIENCE_MS, QUIET_BROWSER, find_chromium
from tests.browser.sitting import open_test
from tests.support.live import LiveProduct


@pytest.fixture
def deaf_browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser in which nobody allows the microphone."""
    browser = playwright.chromium.launch(
        executable_path=find_chromium(), args=[*QUIET_BROWSER, "--use-fake-device-for-media-stream"]
    )
    yield browser
    browser.close()


@pytest.fixture
def student(services: Services) -> SignIn:
    """With a test that is open."""
    return open_test(services, "Trouble").login


def test_a_microphone_that_is_denied_says_how_to_allow_it(
    deaf_browser: Browser, live: LiveProduct, student: SignIn
) -> None:
    context = deaf_browser.new_context(base_url=live.address)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    steps.sign_in(page, student.login, student.password)
    page.get_by_role("link", name=re.compile("^(Start|Go on)")).first.click()
    steps.press(page, "Check my device")
    steps.press(page, "Use my microphone")
    steps_to_take = page.get_by_role("main").get_by_role("list").last
    expect(steps_to_take).to_contain_text(re.compile("allow|permission|lock|address", re.IGNORECASE))
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.get_by_role("button", name="Begin the test")).to_have_count(0)

    context.grant_permissions(["microphone"])
    steps.press(page, "Try again")
    steps.press(page, "Use my microphone")
    expect(page.get_by_role("button", name="Record")).to_be_visible()
    context.close()
