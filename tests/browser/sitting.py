"""A student in the middle of an exam, quickly: check and start are made by the API, the rest in the browser."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from playwright.sync_api import Page, expect

from backend.features.accounts.model import Account
from backend.features.attempts.model import Attempt
from backend.features.attempts.responses import Response
from backend.wiring import Services
from scripts.demo.campus import CampusPlan, DemoBatch, SignIn, build_campus, renew_password, superadmin_of
from scripts.demo.sittings import Plan, Stage
from scripts.demo.speaking import Speaking
from tests.browser import steps
from tests.support.bank import CountingVoice

CHECKS = dict.fromkeys(("browser", "microphone", "speaker", "connection"), "passed")
FIRST_OF_PART_B = 2


@dataclass(frozen=True)
class Sitting:
    """Whose attempt it is, and where it is sat. `services` are the running product's own."""

    services: Services
    login: SignIn
    delivery_id: str
    attempt_id: str = ""

    @property
    def attempt(self) -> Attempt:
        found = self.services.attempts.find(self.attempt_id)
        assert found is not None
        return found

    def responses(self) -> dict[int, Response]:
        return {each.position: each for each in self.services.responses.list_by_attempt(self.attempt_id)}


def own_campus(services: Services, *, batches: int = 1) -> tuple[list[DemoBatch], Account]:
    """A campus for one test, and its admin: tests come in any order, and a student who is in two of them would find the
    other's exam on the home page."""
    mark = secrets.token_hex(4)
    plan = CampusPlan(
        name=f"Campus {mark}",
        slug=f"campus-{mark}",
        admin="Omar Sheikh",
        batches=tuple(("B.A. English", "BA-ENG", f"2026 {number + 1}") for number in range(batches)),
    )
    superadmin, _ = superadmin_of(services)
    return build_campus(services, superadmin, plan)


def open_test(services: Services, title: str) -> Sitting:
    """A test that is open, and one of its students, who has not begun."""
    batches, _ = own_campus(services)
    plan = Plan(title=title, format_id="short_journey", opens_in=timedelta(minutes=-5), closes_in=timedelta(hours=3))
    delivery, _ = Stage(services, Speaking(CountingVoice())).schedule(batches[0], plan)
    account = services.accounts.find(batches[0].students[0].id)
    assert account is not None
    return Sitting(services=services, login=renew_password(services, account, "student"), delivery_id=delivery.id)


_BEGIN = """async ([delivery, checks]) => {
  const csrf = document.querySelector('meta[name="viva-csrf"]').content;
  const call = async (path, body, headers = {}) => {
    const reply = await fetch(`/api${path}`, {
      method: "POST", body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", "X-CSRF-TOKEN": csrf, ...headers },
    });
    if (!reply.ok) throw new Error(await reply.text());
    return reply.json();
  };
  const { id, epoch } = await call(`/deliveries/${delivery}/attempts`, { client_id: crypto.randomUUID() });
  await call(`/attempts/${id}/check`, checks, { "X-Attempt-Epoch": String(epoch) });
  await call(`/attempts/${id}/begin`, {}, { "X-Attempt-Epoch": String(epoch) });
  return id;
}"""


def begin(page: Page, sitting: Sitting) -> Sitting:
    """Signed in and begun; the page shows "Your test goes on"."""
    steps.sign_in(page, sitting.login.login, sitting.login.password)
    steps.ready(page)
    attempt_id = page.evaluate(_BEGIN, [sitting.delivery_id, CHECKS])
    page.goto(f"/sit/{sitting.delivery_id}")
    expect(page.get_by_role("button", name="Continue the test")).to_be_visible()
    return Sitting(
        services=sitting.services, login=sitting.login, delivery_id=sitting.delivery_id, attempt_id=attempt_id
    )


def reach(page: Page, position: int) -> None:
    """On to the item at `position`, recording."""
    steps.press(page, "Continue the test")
    steps.go_on_until_item(page, position)


def may_go_off_line(page: Page) -> None:
    """The page and what it is built of are kept, so that it loads without network."""
    expect(page.locator('body[data-offline="ready"]')).to_be_attached()
