"""Adding, changing, moving, disabling students; importing a roster; login cards and invitations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.core.actor import Actor, Role
from backend.core.errors import Conflict
from backend.core.ports import Jobs, Mailer, Sessions
from backend.features.accounts import usecases as account_usecases
from backend.features.accounts.codes import card_code, hash_code, normal_card_code
from backend.features.accounts.model import (
    LIFETIMES,
    Account,
    AccountState,
    CodePurpose,
    OneTimeCode,
    check_email,
    check_name,
    invalid,
)
from backend.features.accounts.repository import Accounts, OneTimeCodes
from backend.features.audit.repository import AuditLog
from backend.features.audit.usecases import record
from backend.features.batches.model import Batch, check_active
from backend.features.batches.repository import Batches
from backend.features.campuses.model import Campus
from backend.features.students.identity import identity_code
from backend.features.students.model import (
    Student,
    StudentState,
    check_login,
    check_roll_number,
    login_for,
    name_key,
    roll_key,
)
from backend.features.students.repository import Students
from backend.features.students.roster import (
    Fate,
    Roster,
    RosterEntry,
    RosterPreview,
    logins_of,
    plan_roster,
)

NewId = Callable[[], str]
SEND_INVITATION = "students.send_invitation"


# -- one student -----------------------------------------------------------------------------------------------------


def add_student(
    *,
    actor: Actor,
    campus: Campus,
    batch: Batch,
    roll_number: str,
    name: str,
    email: str,
    login: str,
    accounts: Accounts,
    students: Students,
    audit_log: AuditLog,
    now: datetime,
    new_id: NewId,
) -> Student:
    """A student with an account that waits for its first sign-in. An empty login is made of the roll number.

    RuleViolation by field; Conflict for an archived batch.
    """
    check_active(batch)
    roll = check_roll_number(roll_number)
    if students.find_by_rolls(campus.id, [roll_key(roll)]):
        raise _roll_taken()
    account = _new_account(
        campus_id=campus.id,
        login=check_login(login) if login else login_for(roll, campus.slug),
        name=check_name(name),
        email=check_email(email) if email else None,
        now=now,
        new_id=new_id,
    )
    account = _add_account(account, accounts=accounts, students=students)
    student = _student_of(account, batch_id=batch.id, roll_number=roll, now=now)
    try:
        students.add(student)
    except Conflict:
        raise _roll_taken() from None
    _record(actor, student, "student_added", audit_log=audit_log, now=now, new_id=new_id)
    return student


def _add_account(account: Account, *, accounts: Accounts, students: Students) -> Account:
    """Adds it, or takes up the one that a crash left without its student; RuleViolation when the login is taken."""
    try:
        accounts.add(account)
    except Conflict:
        waiting = accounts.find_by_login(account.login)
        if waiting is None or not _waits_for_student(waiting, account.campus_id, students=students):
            raise invalid("login", f"Somebody signs in as {account.login} already.") from None
        accounts.change(waiting.id, display_name=account.display_name, email=account.email)
        return waiting
    return account


def _waits_for_student(account: Account, campus_id: str | None, *, students: Students) -> bool:
    is_ours = account.role is Role.STUDENT and account.campus_id == campus_id
    return is_ours and students.find(account.id) is None


def _new_account(*, campus_id: str, login: str, name: str, email: str | None, now: datetime, new_id: NewId) -> Account:
    return Account(
        id=new_id(),
        login=login,
        email=email,
        display_name=name,
        role=Role.STUDENT,
        campus_id=campus_id,
        state=AccountState.INVITED,
        password_hash=None,
        created_at=now,
    )


def _student_of(account: Account, *, batch_id: str, roll_number: str, now: datetime) -> Student:
    return Student(
        id=account.id,
        campus_id=account.campus_id or "",
        batch_id=batch_id,
        roll_number=roll_number,
        name=account.display_name,
        email=account.email,
        login=account.login,
        state=StudentState.ACTIVE,
        roll_key=roll_key(roll_number),
        name_key=name_key(account.display_name),
        created_at=now,
    )


def change_student(
    *,
    actor: Actor,
    student: Student,
    batch: Batch,
    roll_number: str,
    name: str,
    email: str,
    accounts: Accounts,
    students: Students,
    audit_log: AuditLog,
    now: datetime,
    new_id: NewId,
) -> None:
    """New particulars, perhaps another batch of the campus; the login stays. RuleViolation by field."""
    if batch.id != student.batch_id:
        check_active(batch)
    roll, shown, address = check_roll_number(roll_number), check_name(name), check_email(email) if email else None
    try:
        students.change(
            student.id,
            roll_number=roll,
            roll_key=roll_key(roll),
            name=shown,
            name_key=name_key(shown),
            email=address,
            batch_id=batch.id,
        )
    except Conflict:
        raise _roll_taken() from None
    accounts.change(student.id, display_name=shown, email=address)
    action = "student_moved" if batch.id != student.batch_id else "student_changed"
    _record(actor, student, action, audit_log=audit_log, now=now, new_id=new_id)


def disable_student(
    *,
    actor: Actor,
    student: Student,
    accounts: Accounts,
    codes: OneTimeCodes,
    sessions: Sessions,
    students: Students,
    audit_log: AuditLog,
    now: datetime,
    new_id: NewId,
) -> None:
    """Signs the student out at once and keeps them out; what they did stays. Safe to repeat."""
    students.change(student.id, state=StudentState.DISABLED)
    account = accounts.find(student.id)
    if account is not None:
        account_usecases.disable_account(
            actor_id=actor.account_id,
            account=account,
            accounts=accounts,
            codes=codes,
            sessions=sessions,
            audit_log=audit_log,
            now=now,
            new_id=new_id,
        )


def enable_student(
    *,
    actor: Actor,
    student: Student,
    accounts: Accounts,
    students: Students,
    audit_log: AuditLog,
    now: datetime,
    new_id: NewId,
) -> None:
    """Lets the student sign in again. Safe to repeat."""
    students.change(student.id, state=StudentState.ACTIVE)
    account = accounts.find(student.id)
    if account is not None:
        account_usecases.enable_account(
            actor_id=actor.account_id, account=account, accounts=accounts, audit_log=audit_log, now=now, new_id=new_id
        )


def _roll_taken() -> Exception:
    return invalid("roll_number", "Another student of this campus has this roll number.")


# -- a roster --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    added: int
    updated: int
    unchanged: int


def preview_roster(
    *,
    roster: Roster,
    campus: Campus,
    batch: Batch,
    accounts: Accounts,
    batches: Batches,
    students: Students,
) -> RosterPreview:
    """What importing the roster into the batch would do now. Stores nothing. Conflict for an archived batch."""
    check_active(batch)
    known = students.find_by_rolls(campus.id, [roll_key(row.roll_number) for row in roster.rows])
    taken = accounts.find_by_logins(logins_of(roster, slug=campus.slug))
    return plan_roster(
        roster,
        batch_id=batch.id,
        slug=campus.slug,
        students=known,
        batch_names=_batch_names(known, batch, batches=batches),
        taken_logins=_really_taken(taken, campus.id, students=students),
    )


def _batch_names(known: Mapping[str, Student], batch: Batch, *, batches: Batches) -> dict[str, str]:
    found = batches.find_many({student.batch_id for student in known.values()} | {batch.id})
    return {one.id: one.name for one in found.values()}


def _really_taken(taken: Mapping[str, Account], campus_id: str, *, students: Students) -> dict[str, str]:
    """Account ids by login, without accounts that a crash left waiting for their student."""
    with_student = students.find_many([account.id for account in taken.values()])
    return {
        login: account.id
        for login, account in taken.items()
        if account.id in with_student or account.role is not Role.STUDENT or account.campus_id != campus_id
    }


def import_roster(
    *,
    actor: Actor,
    preview: RosterPreview,
    campus: Campus,
    batch: Batch,
    accounts: Accounts,
    students: Students,
    audit_log: AuditLog,
    now: datetime,
    new_id: NewId,
) -> ImportSummary:
    """Does what the preview says. Repeating it, or finishing it after a crash, changes nothing that is done."""
    _add_students(preview, campus=campus, batch=batch, accounts=accounts, students=students, now=now, new_id=new_id)
    for entry in preview.entries:
        if entry.fate in (Fate.UPDATED, Fate.MOVED) and entry.student_id is not None:
            _update_student(entry, entry.student_id, batch=batch, accounts=accounts, students=students)
    summary = ImportSummary(
        added=preview.count(Fate.ADDED),
        updated=preview.count(Fate.UPDATED, Fate.MOVED),
        unchanged=preview.count(Fate.UNCHANGED),
    )
    if summary.added or summary.updated:
        record(
            actor_id=actor.account_id,
            campus_id=campus.id,
            action="roster_imported",
            subject_kind="batch",
            subject_id=batch.id,
            audit_log=audit_log,
            now=now,
            new_id=new_id,
            added=summary.added,
            updated=summary.updated,
            unchanged=summary.unchanged,
            left_out=preview.rows_with_problems,
        )
    return summary


def _add_students(
    preview: RosterPreview,
    *,
    campus: Campus,
    batch: Batch,
    accounts: Accounts,
    students: Students,
    now: datetime,
    new_id: NewId,
) -> None:
    """Accounts first: a login is then taken in one place, and an account without its student is taken up again."""
    new = [entry for entry in preview.entries if entry.fate is Fate.ADDED]
    found = accounts.find_by_logins([entry.login for entry in new])
    waiting = {k: one for k, one in found.items() if _waits_for_student(one, campus.id, students=students)}
    fresh: list[Account] = []
    joined: list[Student] = []
    for entry in new:
        account = waiting.get(entry.login)
        if account is None:
            account = _new_account(
                campus_id=campus.id,
                login=entry.login,
                name=entry.row.name,
                email=entry.row.email,
                now=now,
                new_id=new_id,
            )
            fresh.append(account)
        joined.append(_student_of(account, batch_id=batch.id, roll_number=entry.row.roll_number, now=now))
    try:
        accounts.add_many(fresh)
        students.add_many(joined)
    except Conflict:
        raise Conflict(
            "roster_outdated", "Somebody changed these students at the same moment. Upload the file once more."
        ) from None


def _update_student(
    entry: RosterEntry, student_id: str, *, batch: Batch, accounts: Accounts, students: Students
) -> None:
    row = entry.row
    changes: dict[str, object] = {
        "name": row.name,
        "name_key": name_key(row.name),
        "roll_number": row.roll_number,
        "batch_id": batch.id,
    }
    account_changes: dict[str, object] = {"display_name": row.name}
    if row.email is not None:
        changes["email"] = account_changes["email"] = row.email
    students.change(student_id, **changes)
    accounts.change(student_id, **account_changes)


# -- access ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginCard:
    """What is printed for one student. `code` exists on paper only: we keep its hash."""

    name: str
    roll_number: str
    login: str
    code: str
    identity_code: str


def issue_login_cards(
    *,
    actor: Actor,
    batch: Batch,
    chosen: Sequence[Student],
    codes: OneTimeCodes,
    audit_log: AuditLog,
    secret: str,
    now: datetime,
    new_id: NewId,
) -> Sequence[LoginCard]:
    """A card with a fresh one-time code for each active student of `chosen`; former cards no longer work."""
    cards: list[LoginCard] = []
    kept: list[OneTimeCode] = []
    for student in chosen:
        if not student.is_active:
            continue
        code = card_code()
        cards.append(
            LoginCard(
                name=student.name,
                roll_number=student.roll_number,
                login=student.login,
                code=code,
                identity_code=identity_code(student.id, secret=secret),
            )
        )
        kept.append(
            OneTimeCode(
                id=hash_code(normal_card_code(code), account_id=student.id, secret=secret),
                account_id=student.id,
                purpose=CodePurpose.LOGIN_CARD,
                created_at=now,
                expires_at=now + LIFETIMES[CodePurpose.LOGIN_CARD],
            )
        )
    codes.add_only_many(kept)
    record(
        actor_id=actor.account_id,
        campus_id=batch.campus_id,
        action="login_cards_issued",
        subject_kind="batch",
        subject_id=batch.id,
        audit_log=audit_log,
        now=now,
        new_id=new_id,
        cards=len(cards),
    )
    return cards


def invite_student(
    *,
    actor: Actor,
    student: Student,
    campus: Campus,
    accounts: Accounts,
    codes: OneTimeCodes,
    mailer: Mailer,
    audit_log: AuditLog,
    secret: str,
    public_url: str,
    now: datetime,
    new_id: NewId,
) -> bool:
    """Mails the student an invitation; whether it went out. False without an address."""
    account = accounts.find(student.id)
    if account is None or not student.is_active:
        return False
    was_sent = account_usecases.send_invitation(
        account=account,
        campus_name=campus.name,
        codes=codes,
        mailer=mailer,
        secret=secret,
        public_url=public_url,
        now=now,
    )
    if was_sent:
        _record(actor, student, "student_invited", audit_log=audit_log, now=now, new_id=new_id)
    return was_sent


def invite_batch(
    *,
    actor: Actor,
    batch: Batch,
    accounts: Accounts,
    students: Students,
    jobs: Jobs,
    audit_log: AuditLog,
    now: datetime,
    new_id: NewId,
) -> int:
    """Asks the worker to invite everybody in the batch with an address and without a password; how many they are."""
    active = [student for student in students.list_by_batch(batch.id) if student.is_active and student.email]
    found = accounts.find_many([student.id for student in active])
    waiting = [student for student in active if student.id in found and found[student.id].password_hash is None]
    for student in waiting:
        jobs.enqueue(SEND_INVITATION, student.id, actor.account_id)
    if waiting:
        record(
            actor_id=actor.account_id,
            campus_id=batch.campus_id,
            action="batch_invited",
            subject_kind="batch",
            subject_id=batch.id,
            audit_log=audit_log,
            now=now,
            new_id=new_id,
            invitations=len(waiting),
        )
    return len(waiting)


def _record(actor: Actor, student: Student, action: str, *, audit_log: AuditLog, now: datetime, new_id: NewId) -> None:
    record(
        actor_id=actor.account_id,
        campus_id=student.campus_id,
        action=action,
        subject_kind="student",
        subject_id=student.id,
        audit_log=audit_log,
        now=now,
        new_id=new_id,
    )
