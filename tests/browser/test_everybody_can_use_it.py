"""The candidate's exam and the admin's monitor by keyboard alone, past axe, on a phone and in the dark."""

import re

from playwright.sync_api import Page, expect

from backend.wiring import Services
from tests.browser import steps
from tests.browser.accessibility import list_grave_faults, overflow_px
from tests.browser.sitting import open_test

PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
LONGEST_WAY = 40


def test_an_exam_by_keyboard_on_a_phone_and_its_monitor(new_page, services: Services) -> None:
    meera, asha = new_page(), new_page(**PHONE)
    sitting = open_test(services, "Keyboard")
    admin = sitting.admin_login()

    asha.goto("/sign-in")
    _expect_usable(asha)
    steps.sign_in(asha, sitting.login.login, sitting.login.password)
    _expect_usable(asha)
    asha.get_by_role("link", name=re.compile("^Start")).press("Enter")

    steps.sign_in(meera, admin.login, admin.password)
    meera.goto("/courses")
    meera.get_by_label("Name").fill("  ")
    meera.get_by_role("button", name="Add the course").press("Enter")
    mistakes = meera.locator("[data-error-summary]")
    expect(mistakes).to_be_focused()
    expect(mistakes).to_contain_text("Code: ")
    _expect_usable(meera)

    meera.goto(f"/tests/{sitting.delivery_id}/monitor")
    row = meera.get_by_role("row").filter(has_text=sitting.student.name)
    expect(row).to_contain_text("Checking the device")
    assert list_grave_faults(meera) == []

    for label in ("Check my device", "Use my microphone", "Record", "Yes, clearly", "Play the notes", "Yes"):
        _press_by_keyboard(asha, label)
    _press_by_keyboard(asha, "I know what to do")
    _press_by_keyboard(asha, "Begin the test")
    _expect_usable(asha, heading="Part A")
    _press_by_keyboard(asha, "Continue")

    expect(asha.locator('.exam-item[data-mode="recording"]')).to_be_visible()
    assert list_grave_faults(asha) == []
    assert overflow_px(asha) == 0
    assert asha.locator("#exam-announcer").inner_text() == ""  # a screen reader's voice would be recorded
    expect(row).to_contain_text("Part A")
    expect(row).to_contain_text("Connected")
    assert list_grave_faults(meera) == []
    expect(asha.locator("#exam-saved")).to_contain_text(re.compile(r"[1-9] answers? saved"))


def _press_by_keyboard(page: Page, label: str) -> None:
    """Waits for the button, reaches it with Tab from where the page put the focus, and presses Enter."""
    button = page.get_by_role("button", name=label, exact=True)
    expect(button).to_be_enabled()
    for _ in range(LONGEST_WAY):
        if button.evaluate("element => element === document.activeElement"):
            page.keyboard.press("Enter")
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {label!r}")


def _expect_usable(page: Page, *, heading: str | None = None) -> None:
    if heading:
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
    assert list_grave_faults(page) == []
    assert overflow_px(page) == 0
