"""A student in the middle of an exam, quickly: check and start are made by the API, the rest in the browser."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from playwright.sync_api import Page, expect

from backend.features.accommodations.model import Measures
from backend.features.accommodations.usecases import grant_accommodation
from backend.features.accounts.model import Account
from backend.features.attempts.model import Attempt
from backend.features.attempts.responses import Response
from backend.features.students.model import Student
from backend.wiring import Services
from scripts.demo.campus import CampusPlan, DemoBatch, SignIn, build_campus, renew_password, superadmin_of
from scripts.demo.in_browser import begin_at
from scripts.demo.sittings import Plan, Stage
from scripts.demo.speaking import Speaking
from tests.browser import steps
from tests.support.bank import CountingVoice

FIRST_OF_PART_B = 2


@dataclass(frozen=True)
class Sitting:
    """Whose attempt it is, and where it is sat. `services` are the running product's own."""

    services: Services
    admin: Account
    student: Student
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

    def has_all(self, positions: Iterable[int]) -> bool:
        return set(positions) <= set(self.responses())

    def admin_login(self) -> SignIn:
        """With a new password."""
        return renew_password(self.services, self.admin, "campus admin")


def own_campus(services: Services, *, batches: int = 1, size: int = 2) -> tuple[list[DemoBatch], Account]:
    """A campus for one test, and its admin: tests come in any order, and a student who is in two of them would find the
    other's exam on the home page."""
    mark = secrets.token_hex(4)
    plan = CampusPlan(
        name=f"Campus {mark}",
        slug=f"campus-{mark}",
        admin="Omar Sheikh",
        batches=tuple(("B.A. English", "BA-ENG", f"2026 {number + 1}") for number in range(batches)),
        size=size,
    )
    superadmin, _ = superadmin_of(services)
    return build_campus(services, superadmin, plan)


def open_test(services: Services, title: str, format_id: str = "short_journey", **measures: Any) -> Sitting:
    """A test that is open, and one of its students, who has not begun and sits it with these `Measures`."""
    return open_tests(services, title, format_id, students=[measures])[0]


def open_tests(
    services: Services, title: str, format_id: str = "short_journey", *, students: Sequence[dict[str, Any]]
) -> list[Sitting]:
    """The same for several students of one test, each with the accommodations of its own."""
    batches, admin = own_campus(services, size=len(students))
    plan = Plan(title=title, format_id=format_id, opens_in=timedelta(minutes=-5), closes_in=timedelta(hours=3))
    delivery, _ = Stage(services, Speaking(CountingVoice())).schedule(batches[0], plan)
    sittings = []
    for student, measures in zip(batches[0].students, students, strict=True):
        if measures:
            grant_accommodation(
                actor=admin.as_actor(),
                student=student,
                accommodation_id=secrets.token_hex(8),
                measures=Measures(**measures),
                reason="Granted for a journey.",
                accommodations=services.accommodations,
                audit_log=services.audit_log,
                now=services.now(),
                new_id=services.new_id,
            )
        account = services.accounts.find(student.id)
        assert account is not None
        login = renew_password(services, account, "student")
        sittings.append(Sitting(services=services, admin=admin, student=student, login=login, delivery_id=delivery.id))
    return sittings


def begin(page: Page, sitting: Sitting, *, at: int = 0) -> Sitting:
    """Signed in and begun, the items before `at` passed over without an answer; the page shows "Your test goes on"."""
    steps.sign_in(page, sitting.login.login, sitting.login.password)
    steps.ready(page)
    attempt_id, _ = begin_at(page, sitting.delivery_id, at)
    with page.expect_event("requestfinished", lambda request: f"/packages/{sitting.delivery_id}/" in request.url):
        page.goto(f"/sit/{sitting.delivery_id}")  # and until the part that comes is on the device: tests go off-line
    expect(page.get_by_role("button", name="Continue the test")).to_be_visible()
    return replace(sitting, attempt_id=attempt_id)


def reach(page: Page, position: int) -> None:
    """On to the item at `position`, recording."""
    steps.press(page, "Continue the test")
    steps.go_on_until_item(page, position)


def may_go_off_line(page: Page) -> None:
    """The page and what it is built of are kept, so that it loads without network."""
    expect(page.locator('body[data-offline="ready"]')).to_be_attached()
