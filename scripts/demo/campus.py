"""Campuses, admins, courses, batches and students of the demonstration. Running it again finds what is there."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.core.actor import Actor, Role
from backend.features.accounts import usecases as account_usecases
from backend.features.accounts.model import Account, CodePurpose, fold
from backend.features.batches import usecases as batch_usecases
from backend.features.batches.model import Batch
from backend.features.campuses import usecases as campus_usecases
from backend.features.campuses.model import Campus
from backend.features.courses import usecases as course_usecases
from backend.features.courses.model import Course
from backend.features.students import usecases as student_usecases
from backend.features.students.model import Student
from backend.features.students.roster import read_roster
from backend.wiring import Services
from scripts.demo.people import fresh_password, invented_names

BATCH_SIZE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CampusPlan:
    """One invented campus. `batches` are (course name, course code, batch name), each of `size` students."""

    name: str
    slug: str
    admin: str
    batches: tuple[tuple[str, str, str], ...]
    size: int = BATCH_SIZE


PLANS = (
    CampusPlan(
        name="North Campus (demo)",
        slug="demo-north",
        admin="Meera Iyer",
        batches=(
            ("B.Sc. Computer Science", "BSC-CS", "2026 A"),
            ("B.Sc. Computer Science", "BSC-CS", "2026 B"),
            ("Bachelor of Commerce", "BCOM", "2026"),
        ),
    ),
    CampusPlan(
        name="South Campus (demo)",
        slug="demo-south",
        admin="Omar Sheikh",
        batches=(("B.A. English", "BA-ENG", "2026"), ("B.Sc. Nursing", "BSC-N", "2026 A")),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """How to look at the demonstration as this person. The password is known to whoever reads the output only."""

    role: str
    name: str
    login: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBatch:
    campus: Campus
    admin: Actor
    batch: Batch
    students: Sequence[Student]


def superadmin_of(services: Services) -> tuple[Actor, SignIn | None]:
    """Who acts: a superadmin that is there already, or the demonstration's own when there is none."""
    existing = services.accounts.list_by_role(Role.SUPERADMIN, campus_id=None, limit=50)
    demo = next((account for account in existing if account.login == "superadmin.demo@example.edu"), None)
    if existing and demo is None:
        return existing[0].as_actor(), None
    password = fresh_password()
    if demo is not None:
        return demo.as_actor(), renew_password(services, demo, "superadmin", password)
    link = services.accounts_setup_link(services.now())
    if link is None:
        raise RuntimeError("somebody has just created a superadmin; run this again")
    account = account_usecases.create_first_superadmin(
        code=link.rsplit("/", 1)[-1],
        name="Sushma Das",
        email="superadmin.demo@example.edu",
        password=password,
        accounts=services.accounts,
        codes=services.one_time_codes,
        passwords=services.passwords,
        audit_log=services.audit_log,
        secret=services.settings.viva_secret_key,
        now=services.now(),
        new_id=services.new_id,
    )
    shown = SignIn(role="superadmin", name=account.display_name, login=account.login, password=password)
    return account.as_actor(), shown


def renew_password(services: Services, account: Account, role: str, password: str | None = None) -> SignIn:
    """A fresh password for an account of the demonstration, by the link that a person would get."""
    chosen = password or fresh_password()
    code = account_usecases.issue_link_code(
        account_id=account.id,
        purpose=CodePurpose.RESET,
        codes=services.one_time_codes,
        secret=services.settings.viva_secret_key,
        now=services.now(),
    )
    account_usecases.choose_password_by_link(
        code=code,
        purpose=CodePurpose.RESET,
        password=chosen,
        accounts=services.accounts,
        codes=services.one_time_codes,
        passwords=services.passwords,
        sessions=services.sessions,
        audit_log=services.audit_log,
        secret=services.settings.viva_secret_key,
        now=services.now(),
        new_id=services.new_id,
    )
    return SignIn(role=role, name=account.display_name, login=account.login, password=chosen)


def build_campus(services: Services, superadmin: Actor, plan: CampusPlan) -> tuple[list[DemoBatch], Account]:
    campus = _campus(services, superadmin, plan)
    admin = _admin(services, superadmin, campus, plan)
    actor = admin.as_actor()
    made = []
    for course_name, code, batch_name in plan.batches:
        course = _course(services, actor, campus, course_name, code)
        batch = _batch(services, actor, course, batch_name)
        students = _students(services, actor, campus, batch, code, size=plan.size)
        made.append(DemoBatch(campus=campus, admin=actor, batch=batch, students=students))
    return made, admin


def _campus(services: Services, superadmin: Actor, plan: CampusPlan) -> Campus:
    for campus in services.campuses.list_all():
        if campus.slug == plan.slug:
            return campus
    return campus_usecases.create_campus(
        actor=superadmin,
        name=plan.name,
        slug=plan.slug,
        time_zone="Asia/Kolkata",
        campuses=services.campuses,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )


def _admin(services: Services, superadmin: Actor, campus: Campus, plan: CampusPlan) -> Account:
    email = f"{plan.admin.split()[0].lower()}.{plan.slug}@example.edu"
    known = services.accounts.find_by_login(fold(email))
    if known is not None:
        return known
    return account_usecases.create_staff(
        role=Role.CAMPUS,
        actor=superadmin,
        campus_id=campus.id,
        name=plan.admin,
        email=email,
        accounts=services.accounts,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )


def _course(services: Services, actor: Actor, campus: Campus, name: str, code: str) -> Course:
    for course in services.courses.list_by_campus(campus.id):
        if course.code == code:
            return course
    return course_usecases.create_course(
        actor=actor,
        campus_id=campus.id,
        name=name,
        code=code,
        courses=services.courses,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )


def _batch(services: Services, actor: Actor, course: Course, name: str) -> Batch:
    for batch in services.batches.list_by_campus(course.campus_id):
        if batch.course_id == course.id and batch.name == name:
            return batch
    return batch_usecases.create_batch(
        actor=actor,
        course=course,
        name=name,
        batches=services.batches,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )


def _students(
    services: Services, actor: Actor, campus: Campus, batch: Batch, code: str, *, size: int
) -> Sequence[Student]:
    """By the roster import, as a college would: the same file again changes nothing."""
    prefix = "".join(part[:3] for part in f"{code}-{batch.name}".replace(" ", "-").split("-")).upper()
    rows = [["Roll number", "Name", "Email"]]
    for number, name in enumerate(invented_names(size, seed=f"{campus.slug}/{code}/{batch.name}"), start=1):
        roll = f"{prefix}{number:02d}"
        rows.append([roll, name, f"{name.lower().replace(' ', '.')}.{roll.lower()}@students.example.edu"])
    preview = student_usecases.preview_roster(
        roster=read_roster(rows),
        campus=campus,
        batch=batch,
        accounts=services.accounts,
        batches=services.batches,
        students=services.students,
    )
    if preview.problems:
        raise RuntimeError(f"the roster of the demonstration is wrong: {preview.problems[:3]}")
    student_usecases.import_roster(
        actor=actor,
        preview=preview,
        campus=campus,
        batch=batch,
        accounts=services.accounts,
        students=services.students,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )
    return services.students.list_by_batch(batch.id)
