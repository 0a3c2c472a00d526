"""What people do on the pages, one function a step, in their words: found by role and label, as people find things."""

import contextlib
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from pypdf import PdfReader

ZONE = "Asia/Kolkata"
SUPERADMIN = "sushma@example.edu"
PASSWORD = "violet kettle harbour walnut"
EXAM_WITHIN_MS = 600_000


@dataclass(frozen=True)
class Card:
    """A login card as it is printed."""

    login: str
    code: str


def ready(page: Page) -> None:
    """The page's scripts have run: forms are guarded, menus open."""
    page.wait_for_load_state("load")


def press(page: Page, name: str | re.Pattern[str], *, confirm: bool = False) -> None:
    """Presses a button; with `confirm` also the one that asks whether one is sure."""
    page.get_by_role("button", name=name).first.click()
    if confirm:
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        dialog.get_by_role("button").last.click()


def form(page: Page, button: str | re.Pattern[str]) -> Locator:
    """The form that this button sends."""
    return page.locator("form", has=page.get_by_role("button", name=button))


# -- accounts --------------------------------------------------------------------------------------------------------


def become_superadmin(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Your name").fill("Sushma Das")
    page.get_by_label("E-mail address").fill(SUPERADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Create my account")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Campuses")


def sign_in(page: Page, login: str, secret: str = PASSWORD) -> None:
    page.goto("/sign-in")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password or one-time code").fill(secret)
    press(page, "Sign in")
    expect(page).not_to_have_url(re.compile("/sign-in"))


def choose_password(page: Page, password: str = PASSWORD) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text("Choose a password")
    page.get_by_label(re.compile("^Password")).fill(password)
    page.get_by_role("main").get_by_role("button").last.click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("Choose a password")


# -- superadmin ------------------------------------------------------------------------------------------------------


def create_campus(page: Page, name: str, *, admin: str, email: str) -> None:
    """With an invitation to its admin on the way."""
    page.goto("/campuses/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Time zone").select_option(ZONE)
    press(page, "Create the campus")
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    invitation = form(page, "Send the invitation")
    invitation.get_by_label("Name").fill(admin)
    invitation.get_by_label("E-mail address").fill(email)
    press(page, "Send the invitation")
    expect(page.get_by_text(email)).to_be_visible()


def open_mail(page: Page, address: str, subject: str | re.Pattern[str] = "") -> Locator:
    """The latest mail to `address` in the outbox; waits until the worker has put it there. Its text is returned."""
    row = page.get_by_role("row").filter(has_text=address).filter(has_text=subject).first

    def there() -> bool:
        page.goto("/outbox")
        return row.count() > 0

    wait_for(page, there, what=f"mail to {address}")
    row.get_by_role("link").first.click()
    return page.get_by_role("region", name="As plain text")


def link_in(mail: Locator) -> str:
    found = re.search(r"https?://\S+/(?:invitation|reset)/[\w-]+", mail.inner_text())
    assert found, "the mail has no link"
    return found[0]


def wait_for(page: Page, question, *, what: str, within_s: float = 180) -> None:
    """Asks again and again, with the page's own clock; for what arrives from a worker."""
    deadline = datetime.now(UTC) + timedelta(seconds=within_s)
    while not question():
        assert datetime.now(UTC) < deadline, f"{what}: not within {within_s:.0f} s"
        page.wait_for_timeout(300)


# -- campus admin ----------------------------------------------------------------------------------------------------


def add_course(page: Page, *, code: str, name: str) -> None:
    page.goto("/courses")
    fields = form(page, "Add the course")
    fields.get_by_label("Code").fill(code)
    fields.get_by_label("Name").fill(name)
    press(page, "Add the course")
    expect(page.get_by_role("table")).to_contain_text(name)


def add_batch(page: Page, name: str) -> str:
    """The batch's address."""
    page.goto("/batches")
    form(page, "Add the batch").get_by_label("Course").select_option(index=0)
    form(page, "Add the batch").get_by_label("Name").fill(name)
    press(page, "Add the batch")
    if page.get_by_role("heading", level=1).inner_text().strip() != name:
        page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    return page.url


def upload_roster(page: Page, batch: str, workbook: bytes) -> None:
    """Up to the preview."""
    page.goto(f"{batch}/students/import")
    page.get_by_label("The list", exact=True).set_input_files(
        {
            "name": "students.xlsx",
            "mimeType": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "buffer": workbook,
        }
    )
    press(page, "Show me what would happen")
    expect(page.get_by_role("heading", level=1)).to_contain_text("What would happen")


def print_login_cards(page: Page, batch: str) -> dict[str, Card]:
    """Cards by roll number, as read from the PDF."""
    page.goto(f"{batch}/login-cards")
    with page.expect_download() as waiting:
        press(page, re.compile("Cards for"))
    text = "\n".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(waiting.value.path().read_bytes())).pages)
    return read_cards(text)


def read_cards(text: str) -> dict[str, Card]:
    logins = re.findall(r"\b([a-z0-9.\-]+@[a-z0-9\-]+)\b", text)
    codes = re.findall(r"\b([A-Z0-9]{5}-[A-Z0-9]{5})\b", text)
    assert logins, text
    assert len(logins) == len(codes), text
    return {
        login.split("@")[0].upper(): Card(login=login, code=code) for login, code in zip(logins, codes, strict=True)
    }


def schedule_test(page: Page, *, title: str, batch: str, kind: str | re.Pattern[str], hours: float = 3) -> str:
    """Opens now; the delivery's address."""
    page.goto("/tests/new")
    now = datetime.now(ZoneInfo(ZONE)).replace(second=0, microsecond=0)
    option = page.get_by_label("Test", exact=True).locator("option").filter(has_text=kind).first
    page.get_by_label("Test", exact=True).select_option(value=option.get_attribute("value"))
    page.get_by_label("Batch").select_option(label=batch)
    page.get_by_label("Title").fill(title)
    page.get_by_label("Opens").fill(now.strftime("%Y-%m-%dT%H:%M"))
    page.get_by_label("Closes").fill((now + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M"))
    press(page, "Schedule the test")
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)
    return page.url


# -- the exam --------------------------------------------------------------------------------------------------------


def pass_the_check(page: Page) -> None:
    """From the welcome to "Ready to begin", as a candidate with a working headset."""
    press(page, "Check my device")
    press(page, "Use my microphone")
    press(page, "Record")
    press(page, "Yes, clearly")
    press(page, "Play the notes")
    press(page, "Yes")
    skip = page.get_by_role("button", name="I know what to do")
    begin = page.get_by_role("button", name="Begin the test")
    expect(skip.or_(begin).first).to_be_visible()
    if skip.is_visible():
        skip.click()
    expect(begin).to_be_enabled()


def begin(page: Page) -> None:
    press(page, "Begin the test")


def item(page: Page) -> Locator:
    return page.locator(".exam-item")


def position(page: Page) -> int:
    """Which item is on, 0-based."""
    return int(item(page).get_attribute("data-position") or -1)


def _go_on(button: Locator) -> None:
    """Presses Continue at a part's instructions, unless the page has gone on by itself meanwhile, and waits until it
    has gone on."""
    with contextlib.suppress(PlaywrightTimeout, AssertionError):
        button.click(timeout=3_000)
        expect(button).to_be_hidden(timeout=3_000)


def time_left_s(page: Page) -> int:
    """What the candidate's screen says."""
    minutes, seconds = re.findall(r"\d+", page.locator("#exam-left").inner_text())[-2:]
    return int(minutes) * 60 + int(seconds)


def go_on_until_done(page: Page) -> None:
    """Everything that comes by itself; presses Continue at the parts' instructions."""
    done = page.get_by_role("heading", name="You are done")
    go_on = page.get_by_role("button", name="Continue", exact=True)
    for _ in range(40):
        expect(done.or_(go_on).first).to_be_visible(timeout=EXAM_WITHIN_MS)
        if done.is_visible():
            return
        _go_on(go_on)
    raise AssertionError("the test has no end")


def go_on_until_item(page: Page, wanted: int) -> None:
    """Until the item at `wanted` records or, where the machine was too slow to see it, one of the two after it."""
    recording = ", ".join(f'.exam-item[data-position="{wanted + n}"][data-mode="recording"]' for n in range(3))
    _go_on_until(page, page.locator(recording))


def go_on_until_waiting(page: Page) -> None:
    """Until nothing more can be done without network."""
    _go_on_until(page, page.get_by_role("heading", name="Waiting for the network"))


def _go_on_until(page: Page, target: Locator) -> None:
    go_on = page.get_by_role("button", name="Continue", exact=True)
    for _ in range(40):
        expect(target.or_(go_on).first).to_be_visible(timeout=EXAM_WITHIN_MS)
        if target.is_visible():
            return
        _go_on(go_on)
    raise AssertionError(f"{target} never came")
