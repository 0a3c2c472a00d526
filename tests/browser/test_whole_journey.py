"""A college runs one spoken exam, end to end, on the real processes: issue 2's own "Shown by"."""

import io
import re
import secrets

import pytest
from playwright.sync_api import Page, WebSocket, expect
from pypdf import PdfReader

from tests.browser import steps
from tests.support.live import IS_FULL, LiveProduct
from tests.support.rosters import roster_xlsx

ASHA = ("JN01", "Asha Nair", "asha@students.example.edu")
RAVI = ("JN02", "Ravi Das", "ravi@students.example.edu")
NEW_OFFLINE_S = 30
FORM = re.compile("short form" if IS_FULL else "for journeys")


def test_a_college_runs_one_spoken_exam_end_to_end(live: LiveProduct, new_page, superadmin_page: Page) -> None:
    mark = secrets.token_hex(3)  # a product that is kept running meets this journey more than once
    address = f"meera.{mark}@journey.example.edu"
    sushma, meera, asha, ravi = superadmin_page, new_page(), new_page(), new_page()

    # The superadmin makes a campus; its admin is invited by mail.
    steps.create_campus(sushma, f"Journey College {mark}", admin="Meera Iyer", email=address)
    invitation = steps.link_in(steps.open_mail(sushma, address))
    meera.goto(invitation)
    steps.choose_password(meera)

    # The admin: course, batch, a roster with problems, the corrected one, confirmed; again it changes nothing.
    steps.add_course(meera, code="BSC", name="B.Sc. Computer Science")
    batch = steps.add_batch(meera, "2026 A")
    _import_students(meera, batch)
    cards = steps.print_login_cards(meera, batch)
    delivery = steps.schedule_test(meera, title="Speaking test", batch="BSC · 2026 A", kind=FORM)

    # Two students sign in with their cards and sit it while the admin's monitor is open.
    frames = _watch(meera, delivery)
    for student, (roll, _, _) in ((asha, ASHA), (ravi, RAVI)):
        steps.sign_in(student, cards[roll].login, cards[roll].code)
        steps.choose_password(student)
        student.get_by_role("link", name=re.compile("^Start")).click()
        steps.pass_the_check(student)
    for student in (asha, ravi):
        steps.begin(student)
    _expect_on_monitor(meera, "Asha Nair", re.compile("part", re.IGNORECASE))
    _reload_in_the_middle(asha)
    _lose_the_network(ravi)
    for student in (asha, ravi):
        steps.go_on_until_done(student)
    _expect_events_without_names(frames)

    # Scored by the worker; what the machine does not trust is decided by the admin; released; mailed.
    _settle(meera, delivery, live)
    scores = _scores(meera, delivery)
    assert set(scores) == {"Asha Nair", "Ravi Das"}
    meera.goto(f"{delivery}/results")
    steps.press(meera, "Release all", confirm=True)
    expect(meera.get_by_text("Released").first).to_be_visible()
    meera.get_by_role("link", name="Mail the reports").click()
    steps.press(meera, re.compile(r"^Send \d+ mail"))
    expect(meera.locator('[data-state="sent"]')).to_have_count(2, timeout=60_000)

    # Each report arrives with the scores that the page shows.
    for name, address in ((ASHA[1], ASHA[2]), (RAVI[1], RAVI[2])):
        assert _overall_in_report(sushma, address, name) == scores[name]

    # The student sees the same figure, and only it.
    asha.goto("/")
    asha.get_by_role("link", name=re.compile("See the result")).click()
    expect(asha.get_by_role("main")).to_contain_text(str(scores["Asha Nair"]))
    expect(asha.get_by_role("main")).not_to_contain_text("Ravi")
    own = asha.url
    ravi.goto(own)
    expect(ravi.get_by_role("heading", level=1)).to_contain_text(re.compile("not found|nothing", re.IGNORECASE))


def _import_students(page: Page, batch: str) -> None:
    broken = roster_xlsx([ASHA, ("JN01", "Ravi Das", RAVI[2]), ("JN03", "", "not an address")])
    steps.upload_roster(page, batch, broken)
    problems = page.locator("section", has=page.locator("#problems"))
    expect(problems.get_by_role("row")).not_to_have_count(0)
    page.goto(batch)
    expect(page.get_by_role("heading", name="No students yet")).to_be_visible()
    right = roster_xlsx([ASHA, RAVI])
    steps.upload_roster(page, batch, right)
    steps.press(page, "Import 2 students")
    expect(page.get_by_role("table")).to_contain_text("Asha Nair")
    steps.upload_roster(page, batch, right)
    expect(page.get_by_role("main")).to_contain_text("nothing to import")


def _watch(page: Page, delivery: str) -> list[str]:
    """Opens the monitor; what its socket receives from now on."""
    frames: list[str] = []

    def note(socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: frames.append(str(payload)))

    page.on("websocket", note)
    page.goto(f"{delivery}/monitor")
    expect(page.get_by_text("Asha Nair").first).to_be_visible()
    return frames


def _row(page: Page, name: str):
    return page.get_by_role("row").filter(has_text=name).first


def _expect_on_monitor(page: Page, name: str, text: re.Pattern[str]) -> None:
    expect(_row(page, name)).to_contain_text(text)


def _reload_in_the_middle(page: Page) -> None:
    """While an item records: it goes on at the same item, not at the next and not from the start."""
    steps.go_on_until_item(page, 2)
    page.reload()
    steps.press(page, "Continue the test")
    expect(steps.item(page)).to_be_visible()
    assert steps.position(page) >= 2


def _lose_the_network(page: Page) -> None:
    """For half a minute, while an item records: nothing recorded is lost and the test goes on by itself."""
    steps.go_on_until_item(page, 3)
    page.context.set_offline(True)
    expect(page.get_by_text(re.compile("network", re.IGNORECASE)).first).to_be_visible(timeout=30_000)
    page.wait_for_timeout(NEW_OFFLINE_S * 1000)
    page.context.set_offline(False)


def _expect_events_without_names(frames: list[str]) -> None:
    """The snapshot on joining has names; the events that follow have ids only."""
    events = [frame for frame in frames if "attempt_progressed" in frame]
    assert events, "the monitor heard nothing"
    assert not [frame for frame in events if "Asha" in frame or "Ravi" in frame or "JN0" in frame]


def _settle(page: Page, delivery: str, live: LiveProduct) -> None:
    """Until both are scored; answers that the machine leaves to people are settled without a score by the admin."""
    rows = page.get_by_role("row")

    def scored() -> bool:
        page.goto(f"{delivery}/results")
        if rows.filter(has_text="Needs a decision").count():
            _settle_without(page, delivery)
            return False
        return rows.get_by_text("Scored", exact=True).count() >= 2

    steps.wait_for(page, scored, what=f"scores\n{live.last_lines()}", within_s=300)


def _settle_without(page: Page, delivery: str) -> None:
    page.goto(f"{delivery}/unscored")
    button = page.get_by_role("button", name="Settle without it")
    while button.count():
        with page.expect_navigation():
            steps.press(page, "Settle without it", confirm=True)


def _scores(page: Page, delivery: str) -> dict[str, int]:
    """The overall scores that the page shows, by name."""
    page.goto(f"{delivery}/results")
    found = {}
    for name in ("Asha Nair", "Ravi Das"):
        found[name] = int(_row(page, name).locator("strong").first.inner_text())
    return found


def _overall_in_report(page: Page, address: str, name: str) -> int:
    steps.open_mail(page, address, re.compile("result|report|score", re.IGNORECASE))
    href = page.get_by_role("region", name="Attachments").get_by_role("link").first.get_attribute("href")
    report = PdfReader(io.BytesIO(page.request.get(href or "").body()))
    assert len(report.pages) == 2
    text = "\n".join(sheet.extract_text() for sheet in report.pages)
    assert name in text
    found = re.search(r"Overall\D{0,80}?(\d{2})\b", text, re.DOTALL)
    assert found, text[:1500]
    return int(found[1])


pytestmark = pytest.mark.timeout(3600 if IS_FULL else 900)
