"""Signing in and out, choosing passwords, the first superadmin."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask.wrappers import Response

from backend.core.actor import Actor, Role
from backend.core.errors import Forbidden, NotAuthenticated, RuleViolation
from backend.features.accounts import usecases
from backend.features.accounts.access import access_own_account
from backend.features.accounts.model import Account, CodePurpose, fold
from backend.features.accounts.password_rules import SHORTEST
from backend.features.accounts.schemas import (
    ChangePasswordForm,
    ForgottenForm,
    NewPasswordForm,
    SessionReply,
    SetupForm,
    SignInBody,
    SignInForm,
)
from backend.web import limits
from backend.web.auth import CHOOSE_PASSWORD, end_session, find_session, start_session
from backend.web.blueprints import ApiBlueprint
from backend.web.forms import FormInput, read_form
from backend.web.gates import current_actor, find_actor, get_services, public, roles

pages = Blueprint("accounts", __name__)
api = ApiBlueprint("accounts_api", __name__, url_prefix="/api/session", description="Who is signed in")
BLUEPRINTS = (pages, api)

EVERYBODY = tuple(Role)


# -- signing in and out ----------------------------------------------------------------------------------------------


@pages.get("/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    session = find_session()
    if find_actor() is not None:
        return redirect(_local_address(request.args.get("next", "")))
    if session is not None and session.limited_to == CHOOSE_PASSWORD:
        return redirect(url_for("accounts.choose_password"))
    return _sign_in_page(FormInput(raw={"next": request.args.get("next", "")}))


@pages.post("/sign-in")
@public
def submit_sign_in() -> ResponseReturnValue:
    form = read_form(SignInForm)
    next_address = _local_address(form.raw.get("next", ""))
    if not form.is_valid:
        return _sign_in_page(form, status=422)
    try:
        signed_in = _check_credentials(form.raw["login"], request.form["secret"])
    except RuleViolation as refusal:
        return _sign_in_page(form, problem=refusal.detail, status=422)
    except limits.TooOften as refusal:
        return _sign_in_page(form, problem=refusal.detail, status=429, retry_after_s=refusal.retry_after_s)
    try:
        if not signed_in.must_choose_password:
            return _enter(signed_in.account, next_address)
        start_session(signed_in.account.as_actor(), limited_to=CHOOSE_PASSWORD)
    except Forbidden as refusal:
        return _sign_in_page(form, problem=refusal.detail, status=refusal.status)
    return redirect(url_for("accounts.choose_password", next=next_address))


def _check_credentials(login: str, typed: str) -> usecases.SignIn:
    """Counts the try before any work is done; an honest one is given back to its login."""
    services = get_services()
    by_login = limits.by_login(fold(login))
    limits.check(limits.by_address(limits.FAILURES_BY_ADDRESS, "sign_in_failed"))
    limits.spend(limits.by_address(limits.TRIES_BY_ADDRESS, "sign_in"), *by_login)
    try:
        signed_in = usecases.sign_in(
            login=login,
            secret_typed=typed,
            accounts=services.accounts,
            codes=services.one_time_codes,
            passwords=services.passwords,
            secret=services.settings.viva_secret_key,
            now=services.now(),
        )
    except RuleViolation:
        limits.spend(limits.by_address(limits.FAILURES_BY_ADDRESS, "sign_in_failed"))
        raise
    limits.give_back(*by_login)
    return signed_in


def _sign_in_page(
    form: FormInput, *, problem: str = "", status: int = 200, retry_after_s: int | None = None
) -> ResponseReturnValue:
    page = render_template(
        "accounts/sign_in.html",
        login=form.raw.get("login", ""),
        next_address=form.raw.get("next", ""),
        errors=form.errors,
        problem=problem,
    )
    reply = make_response(page, status)
    if retry_after_s is not None:
        reply.headers["Retry-After"] = str(retry_after_s)
    return reply


def _enter(account: Account, next_address: str) -> Response:
    """A full session, unless the account was disabled while its password was being checked."""
    start_session(account.as_actor())
    stored = get_services().accounts.find(account.id)
    if stored is None or not stored.may_sign_in:
        end_session()
        raise NotAuthenticated()
    reply = make_response(redirect(next_address))
    limits.remember_browser(reply, account.login)
    return reply


def _local_address(address: str) -> str:
    """`address` if it is a path of ours; else the home page. Never another site."""
    is_path = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if is_path and not address.startswith("/sign-out") else "/"


@pages.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    end_session()
    flash("You are signed out.")
    return redirect(url_for("accounts.sign_in"))


# -- the first superadmin --------------------------------------------------------------------------------------------


@pages.get("/setup/<code>")
@public
def show_setup(code: str) -> ResponseReturnValue:
    _check_link(code, CodePurpose.SETUP)
    return render_template("accounts/setup.html", form=FormInput(), shortest=SHORTEST[Role.SUPERADMIN])


@pages.post("/setup/<code>")
@public
def submit_setup(code: str) -> ResponseReturnValue:
    services = get_services()
    limits.spend(limits.by_address(limits.CODES_BY_ADDRESS, "links"))
    form = read_form(SetupForm)
    if form.is_valid:
        try:
            account = usecases.create_first_superadmin(
                code=code,
                name=form.raw["name"],
                email=form.raw["email"],
                password=request.form["password"],
                accounts=services.accounts,
                codes=services.one_time_codes,
                passwords=services.passwords,
                audit_log=services.audit_log,
                secret=services.settings.viva_secret_key,
                now=services.now(),
                new_id=services.new_id,
            )
            return _enter(account, "/")
        except RuleViolation as refusal:
            form = form.refused(refusal)
    return render_template("accounts/setup.html", form=form, shortest=SHORTEST[Role.SUPERADMIN]), 422


# -- links that were mailed ------------------------------------------------------------------------------------------


@pages.get("/invitation/<code>")
@public
def show_invitation(code: str) -> ResponseReturnValue:
    return _link_page(_check_link(code, CodePurpose.INVITATION), CodePurpose.INVITATION, FormInput())


@pages.post("/invitation/<code>")
@public
def submit_invitation(code: str) -> ResponseReturnValue:
    return _choose_by_link(code, CodePurpose.INVITATION)


@pages.get("/reset/<code>")
@public
def show_reset(code: str) -> ResponseReturnValue:
    return _link_page(_check_link(code, CodePurpose.RESET), CodePurpose.RESET, FormInput())


@pages.post("/reset/<code>")
@public
def submit_reset(code: str) -> ResponseReturnValue:
    return _choose_by_link(code, CodePurpose.RESET)


def _check_link(code: str, purpose: CodePurpose) -> Account | None:
    """The account that a link is for, None for the setup link. Opening a link uses nothing up: mail scanners do it."""
    services = get_services()
    limits.spend(limits.by_address(limits.CODES_BY_ADDRESS, "links"))
    found = usecases.check_link_code(
        code=code,
        purpose=purpose,
        codes=services.one_time_codes,
        secret=services.settings.viva_secret_key,
        now=services.now(),
    )
    return services.accounts.find(found.account_id) if found.account_id else None


def _link_page(account: Account | None, purpose: CodePurpose, form: FormInput) -> str:
    shortest = SHORTEST[account.role if account is not None else Role.SUPERADMIN]
    return render_template(
        "accounts/choose_password.html", account=account, purpose=purpose.value, form=form, shortest=shortest
    )


def _choose_by_link(code: str, purpose: CodePurpose) -> ResponseReturnValue:
    account = _check_link(code, purpose)
    services = get_services()
    form = read_form(NewPasswordForm)
    if form.is_valid:
        try:
            opened = usecases.choose_password_by_link(
                code=code,
                purpose=purpose,
                password=request.form["password"],
                accounts=services.accounts,
                codes=services.one_time_codes,
                passwords=services.passwords,
                sessions=services.sessions,
                audit_log=services.audit_log,
                secret=services.settings.viva_secret_key,
                now=services.now(),
                new_id=services.new_id,
            )
            return _enter(opened, "/")
        except RuleViolation as refusal:
            if not refusal.errors:
                raise
            form = form.refused(refusal)
    return _link_page(account, purpose, form), 422


# -- after a login card ----------------------------------------------------------------------------------------------


@pages.get("/choose-password")
@public
def choose_password() -> ResponseReturnValue:
    return _link_page(_limited_account(), CodePurpose.LOGIN_CARD, FormInput())


@pages.post("/choose-password")
@public
def submit_choose_password() -> ResponseReturnValue:
    account = _limited_account()
    services = get_services()
    form = read_form(NewPasswordForm)
    if form.is_valid:
        try:
            opened = usecases.choose_first_password(
                account_id=account.id,
                password=request.form["password"],
                accounts=services.accounts,
                codes=services.one_time_codes,
                passwords=services.passwords,
                sessions=services.sessions,
                audit_log=services.audit_log,
                now=services.now(),
                new_id=services.new_id,
            )
            return _enter(opened, _local_address(request.args.get("next", "")))
        except RuleViolation as refusal:
            form = form.refused(refusal)
    return _link_page(account, CodePurpose.LOGIN_CARD, form), 422


def _limited_account() -> Account:
    """Whose card this browser has just used; NotAuthenticated for everybody else."""
    session = find_session()
    if session is None or session.limited_to != CHOOSE_PASSWORD:
        raise NotAuthenticated()
    account = get_services().accounts.find(session.account_id)
    if account is None or not account.may_sign_in:
        raise NotAuthenticated()
    return account


# -- one's own account -----------------------------------------------------------------------------------------------


@pages.get("/account")
@roles(*EVERYBODY)
def show_account() -> ResponseReturnValue:
    account = access_own_account(current_actor(), accounts=get_services().accounts)
    return render_template("accounts/account.html", account=account, form=FormInput(), shortest=SHORTEST[account.role])


@pages.post("/account/password")
@roles(*EVERYBODY)
def change_password() -> ResponseReturnValue:
    services = get_services()
    account = access_own_account(current_actor(), accounts=services.accounts)
    limits.spend(*limits.by_login(account.login))
    form = read_form(ChangePasswordForm)
    session = find_session()
    if form.is_valid and session is not None:
        try:
            usecases.change_password(
                account=account,
                current=request.form["current"],
                password=request.form["password"],
                keep_session=session.id,
                accounts=services.accounts,
                passwords=services.passwords,
                sessions=services.sessions,
                audit_log=services.audit_log,
                now=services.now(),
                new_id=services.new_id,
            )
            flash("Your password is changed. Everywhere else you are signed out.")
            return redirect(url_for("accounts.show_account"))
        except RuleViolation as refusal:
            form = form.refused(refusal)
    page = render_template("accounts/account.html", account=account, form=form, shortest=SHORTEST[account.role])
    return page, 422


# -- a forgotten password --------------------------------------------------------------------------------------------


@pages.get("/forgotten")
@public
def show_forgotten() -> ResponseReturnValue:
    return render_template("accounts/forgotten.html", form=FormInput(), was_sent=False)


@pages.post("/forgotten")
@public
def submit_forgotten() -> ResponseReturnValue:
    """The same reply, after the same work, for every login: the worker finds out whether there is a mail to send."""
    form = read_form(ForgottenForm)
    if not form.is_valid:
        return render_template("accounts/forgotten.html", form=form, was_sent=False), 422
    services = get_services()
    limits.spend(limits.by_address(limits.MAILS_BY_ADDRESS, "reset"), limits.mails_to(fold(form.raw["login"])))
    usecases.request_password_reset(login=form.raw["login"], accounts=services.accounts, jobs=services.jobs)
    return render_template("accounts/forgotten.html", form=form, was_sent=True)


# -- API -------------------------------------------------------------------------------------------------------------


def _session_reply(actor: Actor) -> dict[str, object]:
    session = find_session()
    return {
        "account_id": actor.account_id,
        "role": actor.role.value,
        "campus_id": actor.campus_id,
        "display_name": actor.display_name,
        "csrf_token": session.csrf if session is not None else "",
    }


@api.get("")
@roles(*EVERYBODY)
@api.response(200, SessionReply)
def get_session() -> dict[str, object]:
    """Who is signed in, and the token that unsafe requests carry."""
    return _session_reply(current_actor())


@api.post("")
@public
@api.arguments(SignInBody)
@api.response(200, SessionReply)
def post_session(body: dict[str, str]) -> dict[str, object]:
    """Signs in with login and password; the session is in the cookies of the reply."""
    signed_in = _check_credentials(body["login"], body["password"])
    if signed_in.must_choose_password:
        raise RuleViolation("must_choose_password", "Sign in on the page first, and choose a password there.")
    start_session(signed_in.account.as_actor())
    return _session_reply(signed_in.account.as_actor())


@api.delete("")
@public
@api.response(204)
def delete_session() -> None:
    """Signs out."""
    end_session()
