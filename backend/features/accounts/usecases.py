"""What happens to accounts: invited, opened, signed in, disabled, given a new password."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from backend.core.actor import Actor, Role
from backend.core.errors import AdapterError, Conflict, NotFound, RuleViolation
from backend.core.ports import Jobs, Mailer, Passwords, Sessions
from backend.features.accounts import messages, model
from backend.features.accounts.codes import hash_code, link_token, looks_like_card_code, normal_card_code
from backend.features.accounts.model import LIFETIMES, Account, AccountState, CodePurpose, OneTimeCode
from backend.features.accounts.password_rules import check_password
from backend.features.accounts.repository import Accounts, OneTimeCodes
from backend.features.audit.repository import AuditLog
from backend.features.audit.usecases import record

NewId = Callable[[], str]
SEND_RESET = "accounts.send_password_reset"


# -- codes -----------------------------------------------------------------------------------------------------------


def issue_link_code(*, account_id: str, purpose: CodePurpose, codes: OneTimeCodes, secret: str, now: datetime) -> str:
    """A fresh code for a link; former ones of this account and purpose no longer work."""
    token = link_token()
    codes.add_only(
        OneTimeCode(
            id=hash_code(token, account_id="", secret=secret),
            account_id=account_id,
            purpose=purpose,
            created_at=now,
            expires_at=now + LIFETIMES[purpose],
        )
    )
    return token


def check_link_code(*, code: str, purpose: CodePurpose, codes: OneTimeCodes, secret: str, now: datetime) -> OneTimeCode:
    """The code behind a link, unused and in time; RuleViolation("link_expired") otherwise. Uses nothing up."""
    found = codes.find(hash_code(code, account_id="", secret=secret))
    if found is None or not found.is_usable(purpose, at=now):
        raise _link_expired()
    return found


def _link_expired() -> RuleViolation:
    return RuleViolation(
        "link_expired", "This link has been used, was replaced by a newer one, or is too old. Ask for a new one."
    )


# -- the first superadmin --------------------------------------------------------------------------------------------


def issue_setup_link(
    *, accounts: Accounts, codes: OneTimeCodes, secret: str, public_url: str, now: datetime
) -> str | None:
    """The address at which the first superadmin is created, once; None when there is one. Replaces former links."""
    if accounts.has_role(Role.SUPERADMIN):
        return None
    token = issue_link_code(account_id="", purpose=CodePurpose.SETUP, codes=codes, secret=secret, now=now)
    return f"{public_url}/setup/{token}"


def create_first_superadmin(
    *,
    code: str,
    name: str,
    email: str,
    password: str,
    accounts: Accounts,
    codes: OneTimeCodes,
    passwords: Passwords,
    audit_log: AuditLog,
    secret: str,
    now: datetime,
    new_id: NewId,
) -> Account:
    """The first superadmin, with the e-mail address as login. RuleViolation by field; "link_expired"; of two at once
    one is created.
    """
    setup = check_link_code(code=code, purpose=CodePurpose.SETUP, codes=codes, secret=secret, now=now)
    if accounts.has_role(Role.SUPERADMIN):
        raise _link_expired()
    address = model.check_email(email)
    account = Account(
        id=new_id(),
        login=model.fold(address),
        email=address,
        display_name=model.check_name(name),
        role=Role.SUPERADMIN,
        campus_id=None,
        state=AccountState.ACTIVE,
        password_hash=None,
        created_at=now,
    )
    accepted = check_password(password, account=account, role=account.role)
    with_password = model.with_password(account, passwords.hash(accepted))
    if not codes.use(setup.id, at=now):
        raise _link_expired()
    accounts.add(with_password)
    _record(None, account, "superadmin_created", audit_log=audit_log, now=now, new_id=new_id)
    return with_password


# -- campus admins and invigilators ----------------------------------------------------------------------------------


def create_staff(
    *,
    actor: Actor,
    role: Role,
    campus_id: str,
    name: str,
    email: str,
    accounts: Accounts,
    audit_log: AuditLog,
    now: datetime,
    new_id: NewId,
) -> Account:
    """An invited campus admin or invigilator, with the e-mail address as login. RuleViolation by field; no mail is
    sent here."""
    address = model.check_email(email)
    account = Account(
        id=new_id(),
        login=model.fold(address),
        email=address,
        display_name=model.check_name(name),
        role=role,
        campus_id=campus_id,
        state=AccountState.INVITED,
        password_hash=None,
        created_at=now,
    )
    try:
        accounts.add(account)
    except Conflict:
        raise model.invalid("email", "Somebody signs in with this address already.") from None
    action = "invigilator_invited" if role is Role.INVIGILATOR else "campus_admin_invited"
    _record(actor.account_id, account, action, audit_log=audit_log, now=now, new_id=new_id)
    return account


def send_invitation(
    *,
    account: Account,
    campus_name: str | None,
    codes: OneTimeCodes,
    mailer: Mailer,
    secret: str,
    public_url: str,
    now: datetime,
) -> bool:
    """Mails a fresh invitation; whether the mail went out. Former invitations no longer work."""
    if account.email is None or not account.may_sign_in:
        return False
    purpose = CodePurpose.INVITATION
    token = issue_link_code(account_id=account.id, purpose=purpose, codes=codes, secret=secret, now=now)
    mail = messages.invitation(
        account, link=f"{public_url}/invitation/{token}", campus_name=campus_name, days=LIFETIMES[purpose].days
    )
    try:
        mailer.send(mail, now=now)
    except AdapterError:
        return False
    return True


def disable_account(
    *,
    actor_id: str,
    account: Account,
    accounts: Accounts,
    codes: OneTimeCodes,
    sessions: Sessions,
    audit_log: AuditLog,
    now: datetime,
    new_id: NewId,
) -> None:
    """Signs the account out everywhere, at once, and keeps it out. Safe to repeat."""
    accounts.change(account.id, state=AccountState.DISABLED)
    for purpose in CodePurpose:
        codes.remove(account.id, purpose)
    sessions.revoke_account(account.id)
    _record(actor_id, account, "account_disabled", audit_log=audit_log, now=now, new_id=new_id)


def enable_account(
    *, actor_id: str, account: Account, accounts: Accounts, audit_log: AuditLog, now: datetime, new_id: NewId
) -> None:
    """Lets the account sign in again. Safe to repeat."""
    accounts.change(account.id, state=model.enabled(account).state)
    _record(actor_id, account, "account_enabled", audit_log=audit_log, now=now, new_id=new_id)


# -- signing in ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Who it is; by a card's one-time code, a password has to be chosen before anything else."""

    account: Account
    must_choose_password: bool


def sign_in(
    *,
    login: str,
    secret_typed: str,
    accounts: Accounts,
    codes: OneTimeCodes,
    passwords: Passwords,
    secret: str,
    now: datetime,
) -> SignIn:
    """Login with password, or with the one-time code of a login card.

    RuleViolation("wrong_credentials") for everything else, alike in text and time: an unknown login, a disabled
    account, a wrong or expired code.
    """
    account = find_by_login_or_email(login, accounts=accounts)
    secret_typed = model.normal_password(secret_typed)
    usable = account is not None and account.may_sign_in
    by_card = _card_opens(account, secret_typed, codes=codes, secret=secret, now=now)
    by_password = passwords.verify(secret_typed, account.password_hash if account is not None else None)
    if account is None or not usable or not (by_card or by_password):
        raise RuleViolation(
            "wrong_credentials", "The login and the password, or one-time code, do not belong together. Check both."
        )
    if by_password and account.password_hash is not None and passwords.is_outdated(account.password_hash):
        accounts.change(account.id, password_hash=passwords.hash(secret_typed))
    if by_password:
        accounts.change(account.id, last_sign_in_at=now)
    return SignIn(account=account, must_choose_password=not by_password)


def find_by_login_or_email(login: str, *, accounts: Accounts) -> Account | None:
    """The account with this login; else the one with this e-mail address, where it is the only one."""
    folded = model.fold(login)[: model.LOGIN_MAX]
    account = accounts.find_by_login(folded)
    if account is None and "@" in folded:
        found = accounts.list_by_email(folded, limit=2)
        account = found[0] if len(found) == 1 else None
    return account


def _card_opens(account: Account | None, typed: str, *, codes: OneTimeCodes, secret: str, now: datetime) -> bool:
    """Whether it is the unused code of this account's card. Looks one up for nobody too, to take as long."""
    if not looks_like_card_code(typed):
        return False
    account_id = account.id if account is not None else "nobody"
    found = codes.find(hash_code(normal_card_code(typed), account_id=account_id, secret=secret))
    return found is not None and found.account_id == account_id and found.is_usable(CodePurpose.LOGIN_CARD, at=now)


# -- passwords -------------------------------------------------------------------------------------------------------


def choose_password_by_link(
    *,
    code: str,
    purpose: CodePurpose,
    password: str,
    accounts: Accounts,
    codes: OneTimeCodes,
    passwords: Passwords,
    sessions: Sessions,
    audit_log: AuditLog,
    secret: str,
    now: datetime,
    new_id: NewId,
) -> Account:
    """Sets the password of the account that the link was sent to, once, and ends its other sessions."""
    found = check_link_code(code=code, purpose=purpose, codes=codes, secret=secret, now=now)
    account = accounts.find(found.account_id)
    if account is None or not account.may_sign_in:
        raise _link_expired()
    accepted = check_password(password, account=account, role=account.role)
    hashed = passwords.hash(accepted)
    if not codes.use(found.id, at=now):
        raise _link_expired()
    return _set_password(
        account, hashed, accounts=accounts, codes=codes, sessions=sessions, audit_log=audit_log, now=now, new_id=new_id
    )


def choose_first_password(
    *,
    account_id: str,
    password: str,
    accounts: Accounts,
    codes: OneTimeCodes,
    passwords: Passwords,
    sessions: Sessions,
    audit_log: AuditLog,
    now: datetime,
    new_id: NewId,
) -> Account:
    """After signing in by a card: sets the password and uses the card up. Until then the card goes on working, so
    that a browser that crashes here leaves nobody outside.
    """
    account = accounts.find(account_id)
    if account is None or not account.may_sign_in:
        raise NotFound()
    accepted = check_password(password, account=account, role=account.role)
    return _set_password(
        account,
        passwords.hash(accepted),
        accounts=accounts,
        codes=codes,
        sessions=sessions,
        audit_log=audit_log,
        now=now,
        new_id=new_id,
    )


def change_password(
    *,
    account: Account,
    current: str,
    password: str,
    keep_session: str,
    accounts: Accounts,
    passwords: Passwords,
    sessions: Sessions,
    audit_log: AuditLog,
    now: datetime,
    new_id: NewId,
) -> None:
    """Sets a new password for who knows the present one, and signs out everywhere else."""
    if not passwords.verify(model.normal_password(current), account.password_hash):
        raise model.invalid("current", "This is not your present password.")
    accepted = check_password(password, account=account, role=account.role)
    accounts.change(account.id, password_hash=passwords.hash(accepted))
    sessions.revoke_account(account.id, but=keep_session)
    _record(account.id, account, "password_changed", audit_log=audit_log, now=now, new_id=new_id)


def _set_password(
    account: Account,
    hashed: str,
    *,
    accounts: Accounts,
    codes: OneTimeCodes,
    sessions: Sessions,
    audit_log: AuditLog,
    now: datetime,
    new_id: NewId,
) -> Account:
    changed = model.with_password(account, hashed)
    accounts.change(account.id, password_hash=hashed, state=changed.state, last_sign_in_at=now)
    for purpose in CodePurpose:
        codes.remove(account.id, purpose)
    sessions.revoke_account(account.id)
    _record(account.id, account, "password_chosen", audit_log=audit_log, now=now, new_id=new_id)
    return changed


def request_password_reset(*, login: str, accounts: Accounts, jobs: Jobs) -> None:
    """Asks the worker to mail a reset link, if the login has an account with an address. The same for every login."""
    account = find_by_login_or_email(login, accounts=accounts)
    jobs.enqueue(SEND_RESET, account.id if account is not None else "nobody")


def send_password_reset(
    *,
    account_id: str,
    accounts: Accounts,
    codes: OneTimeCodes,
    mailer: Mailer,
    secret: str,
    public_url: str,
    now: datetime,
) -> bool:
    """Mails the link; whether there was anything to mail. TemporaryFailure when the mail may be tried again."""
    account = accounts.find(account_id)
    if account is None or account.email is None or not account.may_sign_in:
        return False
    purpose = CodePurpose.RESET
    token = issue_link_code(account_id=account.id, purpose=purpose, codes=codes, secret=secret, now=now)
    hours = int(LIFETIMES[purpose].total_seconds() // 3600)
    mailer.send(messages.password_reset(account, link=f"{public_url}/reset/{token}", hours=hours), now=now)
    return True


def _record(
    actor_id: str | None, account: Account, action: str, *, audit_log: AuditLog, now: datetime, new_id: NewId
) -> None:
    record(
        actor_id=actor_id,
        campus_id=account.campus_id,
        action=action,
        subject_kind="account",
        subject_id=account.id,
        audit_log=audit_log,
        now=now,
        new_id=new_id,
    )
