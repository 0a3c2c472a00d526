"""The candidate's exam and the admin's monitor by keyboard alone, past axe, on a phone and in the dark."""

import re
import secrets

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.accessibility import list_grave_faults, overflow_px
from tests.browser.test_whole_journey import FORM
from tests.support.rosters import roster_xlsx

ASHA = ("KB01", "Asha Nair", "asha.kb@students.example.edu")
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
LONGEST_WAY = 40

pytestmark = pytest.mark.timeout(900)


def test_an_exam_by_keyboard_on_a_phone_and_its_monitor(new_page, superadmin_page: Page) -> None:
    mark = secrets.token_hex(3)
    meera, asha = new_page(), new_page(**PHONE)
    delivery, card = _schedule(superadmin_page, meera, mark)

    asha.goto("/sign-in")
    _expect_usable(asha)
    steps.sign_in(asha, card.login, card.code)
    steps.choose_password(asha)
    _expect_usable(asha)
    asha.get_by_role("link", name=re.compile("^Start")).press("Enter")

    meera.goto(f"{delivery}/monitor")
    expect(meera.get_by_role("row").filter(has_text="Asha Nair")).to_contain_text("Checking the device")
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
    expect(meera.get_by_role("row").filter(has_text="Asha Nair")).to_contain_text("Part A")
    expect(meera.get_by_role("row").filter(has_text="Asha Nair")).to_contain_text("Connected")
    assert list_grave_faults(meera) == []
    expect(asha.locator("#exam-saved")).to_contain_text("1 answer saved", timeout=60_000)


def _schedule(sushma: Page, meera: Page, mark: str) -> tuple[str, steps.Card]:
    address = f"meera.{mark}@keyboard.example.edu"
    steps.create_campus(sushma, f"Keyboard College {mark}", admin="Meera Iyer", email=address)
    meera.goto(steps.link_in(steps.open_mail(sushma, address)))
    steps.choose_password(meera)
    steps.add_course(meera, code="BSC", name="B.Sc. Computer Science")
    batch = steps.add_batch(meera, "2026 A")
    steps.upload_roster(meera, batch, roster_xlsx([ASHA]))
    steps.press(meera, "Import 1 student")
    cards = steps.print_login_cards(meera, batch)
    return steps.schedule_test(meera, title="Speaking test", batch="2026 A", kind=FORM), cards[ASHA[0]]


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
