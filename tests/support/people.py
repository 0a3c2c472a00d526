"""The cast with their accounts, in two campuses, and browsers that are signed in."""

from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient

from backend.app import create_app
from backend.core.actor import Actor, Role
from backend.features.accounts.model import Account, AccountState
from backend.features.batches.model import Batch, BatchState
from backend.features.campuses.model import Campus
from backend.features.courses.model import Course
from backend.features.students.model import Student, StudentState, name_key, roll_key
from backend.web import auth
from backend.wiring import Services
from tests.support.services_memory import TestClock, build_memory_services

PASSWORD = "violet kettle harbour"


@dataclass(frozen=True)
class World:
    """Two campuses on memory services: North with Meera, Asha, Ravi; South with Omar and Salma; and Sushma above."""

    services: Services
    app: Flask

    @property
    def clock(self) -> TestClock:
        assert isinstance(self.services.now, TestClock)
        return self.services.now

    def account(self, name: str) -> Account:
        account = self.services.accounts.find(name)
        assert account is not None
        return account

    def student(self, name: str) -> Student:
        student = self.services.students.find(name)
        assert student is not None
        return student

    def batch(self, batch_id: str) -> Batch:
        batch = self.services.batches.find(batch_id)
        assert batch is not None
        return batch

    def actor(self, name: str) -> Actor:
        return self.account(name).as_actor()

    def anonymous(self) -> FlaskClient:
        return self.app.test_client()

    def browser(self, name: str) -> FlaskClient:
        """A browser in which this person is signed in; it sends what a page would: the CSRF token, its lease."""
        browser = signed_in_browser(self.app, self.actor(name))
        browser.environ_base["HTTP_X_ATTEMPT_EPOCH"] = "0"  # as a page of an attempt that nobody took over
        return browser

    def actions(self) -> list[str]:
        """What the audit log says, the oldest first."""
        return [event.action for event in reversed(self.services.audit_log.list_all(limit=1000))]


def build_world(**changes: object) -> World:
    services = build_memory_services(**changes)
    furnish_people(services)
    return World(services=services, app=create_app(services=services))


def signed_in_browser(app: Flask, actor: Actor) -> FlaskClient:
    browser = app.test_client()
    with app.test_request_context(headers={"User-Agent": str(browser.environ_base["HTTP_USER_AGENT"])}):
        auth.start_session(actor)
        session = auth.find_session()
        reply = auth._send_tokens(app.response_class())
        assert session is not None
    for cookie in reply.headers.getlist("Set-Cookie"):
        name, _, rest = cookie.partition("=")
        browser.set_cookie(name, rest.split(";")[0])
    browser.environ_base["HTTP_X_CSRF_TOKEN"] = session.csrf
    return browser


def furnish_people(services: Services) -> None:
    now = services.now()
    for slug in ("north", "south"):
        services.campuses.add(
            Campus(id=slug, name=f"{slug.title()} College", slug=slug, time_zone="Asia/Kolkata", created_at=now)
        )
        services.courses.add(
            Course(
                id=f"{slug}-bsc",
                campus_id=slug,
                name="B.Sc. Computer Science",
                code="BSC",
                code_key="bsc",
                created_at=now,
            )
        )
    for batch_id, campus_id, name in (
        ("north-a", "north", "2026 A"),
        ("north-b", "north", "2026 B"),
        ("south-a", "south", "2026 A"),
    ):
        services.batches.add(
            Batch(
                id=batch_id,
                campus_id=campus_id,
                course_id=f"{campus_id}-bsc",
                name=name,
                name_key=name.casefold(),
                state=BatchState.ACTIVE,
                created_at=now,
            )
        )
    add_account(services, "sushma", Role.SUPERADMIN, None, "Sushma Rao")
    add_account(services, "meera", Role.CAMPUS, "north", "Meera Iyer")
    add_account(services, "omar", Role.CAMPUS, "south", "Omar Sheikh")
    # Ines is assigned to a delivery by the tests that have one; Igor to none.
    add_account(services, "ines", Role.INVIGILATOR, "north", "Ines Paul")
    add_account(services, "igor", Role.INVIGILATOR, "north", "Igor Bose")
    add_account(services, "sana", Role.INVIGILATOR, "south", "Sana Ali")
    add_student(services, "asha", "north", "north-a", "Asha Nair", "N01")
    add_student(services, "ravi", "north", "north-a", "Ravi Das", "N02")
    add_student(services, "salma", "south", "south-a", "Salma Khan", "S01")


def add_account(services: Services, name: str, role: Role, campus_id: str | None, display_name: str) -> Account:
    account = Account(
        id=name,
        login=f"{name}@example.edu",
        email=f"{name}@example.edu",
        display_name=display_name,
        role=role,
        campus_id=campus_id,
        state=AccountState.ACTIVE,
        password_hash=services.passwords.hash(PASSWORD),
        created_at=services.now(),
    )
    services.accounts.add(account)
    return account


def add_student(services: Services, name: str, campus_id: str, batch_id: str, display_name: str, roll: str) -> Student:
    account = add_account(services, name, Role.STUDENT, campus_id, display_name)
    student = Student(
        id=account.id,
        campus_id=campus_id,
        batch_id=batch_id,
        roll_number=roll,
        name=display_name,
        email=account.email,
        login=account.login,
        state=StudentState.ACTIVE,
        roll_key=roll_key(roll),
        name_key=name_key(display_name),
        created_at=services.now(),
    )
    services.students.add(student)
    return student
