"""One campus with one delivery that is open now, its candidates signed in, and what the generator has to know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask import Flask
from flask_jwt_extended import create_access_token, create_refresh_token

from backend.core.actor import Actor, Role
from backend.features.accounts.model import Account, AccountState
from backend.features.assessments import usecases as assessment_usecases
from backend.features.assessments.model import Delivery, Window
from backend.features.assessments.usecases import Particulars
from backend.features.batches.model import Batch, BatchState
from backend.features.campuses.model import Campus
from backend.features.items import usecases as item_usecases
from backend.features.items.files import load_bank, load_formats
from backend.features.students.model import Student, StudentState, name_key, roll_key
from backend.migrations.runner import find_migrations, run_migrations
from backend.schema import COLLECTIONS
from backend.storage import ensure_collections
from backend.web.auth import fresh_session, init_auth
from backend.wiring import Services, open_database
from config.settings import PROJECT_ROOT, Settings
from scripts.load.sounds import SilentVoice
from scripts.services.bucket import Bucket

CAMPUS, BATCH, COURSE = "load-campus", "load-batch", "load-course"
BANK = Path(__file__).with_name("bank")
OPEN_FOR = timedelta(hours=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """How somebody is signed in: the cookies of a browser, and its token against forgery."""

    account_id: str
    cookies: dict[str, str]
    csrf: str

    @property
    def cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who takes part: `students` sit `deliveries`, one after another, `admin` watches the first."""

    deliveries: Sequence[Delivery]
    students: Sequence[Pass]
    admin: Pass

    @property
    def delivery(self) -> Delivery:
        return self.deliveries[0]


def prepare_storage(settings: Settings) -> None:
    """Collections, indexes, migrations and the bucket, as `make migrate` does."""
    database = open_database(settings)
    ensure_collections(database, COLLECTIONS)
    run_migrations(
        database,
        migrations=find_migrations(),
        now=lambda: datetime.now().astimezone(),
        owner="load",
        say=lambda line: None,  # noqa: ARG005 - the parameter's name is the contract
    )
    Bucket(settings).ensure()


def prepare_items(services: Services, *, bank_of_run: Path = BANK) -> None:
    """The item bank with what a run adds to it, and the run's format, spoken by nobody."""
    now, formats = services.now(), load_formats(services.settings.viva_formats)
    bank = load_bank(PROJECT_ROOT / "config" / "bank") + load_bank(bank_of_run)
    item_usecases.sync_bank(bank=bank, items=services.items, now=now)
    scripts = item_usecases.list_scripts(formats=formats, items=services.items)
    audio = item_usecases.prepare_sounds(
        scripts=scripts, voice=SilentVoice(), blobs=services.blobs, sounds=services.prompt_sounds, now=now
    )
    shortages = item_usecases.publish_forms(
        formats=formats, audio=audio, items=services.items, forms=services.forms, now=now
    )
    if shortages:
        raise RuntimeError(f"the bank is too small for the load run's format: {shortages[0].detail}")


def seed(services: Services, *, candidates: int, format_id: str, email: str | None = None, deliveries: int = 1) -> Cast:
    """The campus, its people with their sessions, and the deliveries.

    Sessions are made as a sign-in makes them, but for the password: hashing those of a thousand people is a measurement
    of Argon2, and happens before an exam, not in it.
    """
    now = services.now()
    services.campuses.add(Campus(id=CAMPUS, name="Load", slug="load", time_zone="Asia/Kolkata", created_at=now))
    services.batches.add(
        Batch(
            id=BATCH,
            campus_id=CAMPUS,
            course_id=COURSE,
            name="Load",
            name_key="load",
            state=BatchState.ACTIVE,
            created_at=now,
        )
    )
    admin = make_account("load-admin", Role.CAMPUS, "Admin", now)
    services.accounts.add(admin)
    accounts = [make_account(f"load-{n:05d}", Role.STUDENT, f"Candidate {n:05d}", now) for n in range(candidates)]
    services.accounts.add_many(accounts)
    services.students.add_many([make_student(account, now, email=email) for account in accounts])
    scheduled = [_schedule(services, admin.as_actor(), format_id, now) for _ in range(deliveries)]
    doorman = Doorman(services)
    passes = [doorman.let_in(account.as_actor()) for account in accounts]
    return Cast(deliveries=scheduled, students=passes, admin=doorman.let_in(admin.as_actor()))


def make_account(account_id: str, role: Role, name: str, now: datetime) -> Account:
    return Account(
        id=account_id,
        login=f"{account_id}@load",
        email=None,
        display_name=name,
        role=role,
        campus_id=CAMPUS,
        state=AccountState.ACTIVE,
        password_hash=None,
        created_at=now,
    )


def make_student(account: Account, now: datetime, *, email: str | None = None) -> Student:
    return Student(
        id=account.id,
        campus_id=CAMPUS,
        batch_id=BATCH,
        roll_number=account.id,
        name=account.display_name,
        email=email,
        login=account.login,
        state=StudentState.ACTIVE,
        roll_key=roll_key(account.id),
        name_key=name_key(account.display_name),
        created_at=now,
    )


def _schedule(services: Services, admin: Actor, format_id: str, now: datetime) -> Delivery:
    window = Window(opens_at=now - timedelta(minutes=1), closes_at=now + OPEN_FOR, time_zone="Asia/Kolkata")
    return assessment_usecases.schedule_delivery(
        actor=admin,
        campus_id=CAMPUS,
        batch_id=BATCH,
        format_id=format_id,
        particulars=Particulars(title="Load", window=window, attempts_allowed=1),
        deliveries=services.deliveries,
        formats=services.offered_formats,
        audit_log=services.audit_log,
        now=now - timedelta(hours=1),
        new_id=services.new_id,
    )


class Doorman:
    """Makes sessions and tokens by the web's own settings."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._app = Flask("load")
        self._app.extensions["viva"] = services
        init_auth(self._app)

    def let_in(self, actor: Actor) -> Pass:
        session = fresh_session(actor, client="load", now=self._services.now())
        self._services.sessions.add(session)
        claims = {"session": session.id, "refresh": session.refresh_id, "csrf": session.csrf}
        with self._app.app_context():
            cookies = {
                self._app.config["JWT_ACCESS_COOKIE_NAME"]: create_access_token(
                    actor.account_id, additional_claims=claims
                ),
                self._app.config["JWT_REFRESH_COOKIE_NAME"]: create_refresh_token(
                    actor.account_id, additional_claims=claims
                ),
            }
        return Pass(account_id=actor.account_id, cookies=cookies, csrf=session.csrf)
