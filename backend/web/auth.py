"""Who is signed in: tokens in httpOnly cookies, made by flask-jwt-extended, each a member of one session's family.

An access token lives for minutes; a refresh token replaces it, and itself, inside the request that finds it expired, so
no page and no client code knows of refreshing. The session (port `Sessions`) is read once a request: what is not there
is signed out, at once.

Rotation must not sign a candidate out whose network failed just then. So the refresh token before the present one stays
good until the browser has shown the present one (`is_confirmed`), and for ten seconds longer for the requests that it
had sent side by side. An older or a foreign one means that a token was stolen: the whole family goes (docs/adr/0040).

A session ends `session_refresh_hours` after its last use, at least twelve; one older than a week ends at its first
pause of an hour. Neither can fall into an exam.
"""

import contextlib
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import cast

import structlog
from flask import Flask, current_app, g, request
from flask.wrappers import Response
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    set_access_cookies,
    set_refresh_cookies,
    unset_access_cookies,
    unset_refresh_cookies,
)

from backend.core.actor import Actor, Role
from backend.core.errors import Forbidden, TemporaryFailure
from backend.core.ports import Session, Sessions
from backend.web.gates import get_services
from backend.web.tokens import Token, init_tokens, read_token

log = structlog.get_logger()

GRACE = timedelta(seconds=10)
OLD_AGE = timedelta(days=7)
PAUSE = timedelta(hours=1)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CHOOSE_PASSWORD = "choose_password"  # noqa: S105 - the name of the one thing that a limited session may do
_NO_SESSION = frozenset({"static"})


def init_auth(app: Flask) -> None:
    """Loads the session before every request, checks unsafe ones for forgery, and sends renewed tokens after it."""
    settings = app.extensions["viva"].settings
    prefix = "__Host-viva" if settings.is_secure else f"viva_{settings.viva_port}"
    app.config.update(
        SESSION_COOKIE_NAME=f"{prefix}_notes",  # what a page tells after a redirect
        SESSION_COOKIE_SECURE=settings.is_secure,
        SESSION_COOKIE_SAMESITE="Lax",
        JWT_SECRET_KEY=hashlib.sha256(f"tokens:{settings.viva_secret_key}".encode()).hexdigest(),
        JWT_ALGORITHM="HS256",
        JWT_TOKEN_LOCATION=["cookies"],
        JWT_COOKIE_SECURE=settings.is_secure,
        JWT_COOKIE_SAMESITE="Lax",
        JWT_COOKIE_CSRF_PROTECT=True,
        JWT_CSRF_IN_COOKIES=False,
        JWT_ACCESS_COOKIE_NAME=f"{prefix}_access",
        JWT_REFRESH_COOKIE_NAME=f"{prefix}_refresh",
        JWT_ACCESS_COOKIE_PATH="/",
        JWT_REFRESH_COOKIE_PATH="/",
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(minutes=settings.session_access_minutes),
        JWT_REFRESH_TOKEN_EXPIRES=timedelta(hours=settings.session_refresh_hours),
        JWT_ENCODE_ISSUER="viva",
        JWT_DECODE_ISSUER="viva",
    )
    JWTManager(app)
    init_tokens(app)
    app.before_request(_load_session)
    app.before_request(_check_forgery)
    app.after_request(_send_tokens)


# -- for views -------------------------------------------------------------------------------------------------------


def start_session(actor: Actor, *, limited_to: str = "") -> None:
    """Signs this browser in as `actor`; the cookies go out with this request's reply.

    A session that this browser had is ended: a fresh sign-in never continues another's (fixation). Forbidden where the
    actor's campus is closed: looked at after the session is stored, so that of a closing at the same moment one sees
    the other.
    """
    services = get_services()
    before = find_session()
    if before is not None:
        _sessions().revoke(before.id)
    session = fresh_session(actor, client=_client(), limited_to=limited_to, now=services.now())
    _sessions().add(session)
    campus = services.campuses.find(actor.campus_id) if actor.campus_id else None
    if campus is not None and campus.is_closed:
        _sessions().revoke(session.id)
        raise Forbidden("campus_closed", "Your campus is closed in Viva. Nothing was removed: ask your college.")
    _use(session)
    g.tokens_to_send = session


def fresh_session(actor: Actor, *, client: str, now: datetime, limited_to: str = "") -> Session:
    """A session with secrets of its own, not stored yet."""
    return Session(
        id=secrets.token_urlsafe(24),
        account_id=actor.account_id,
        role=actor.role,
        campus_id=actor.campus_id,
        display_name=actor.display_name,
        csrf=secrets.token_urlsafe(24),
        client=client,
        refresh_id=secrets.token_urlsafe(16),
        previous_refresh_id="",
        is_confirmed=True,
        rotated_at=now,
        started_at=now,
        limited_to=limited_to,
    )


def end_session() -> None:
    """Signs this browser out. Safe to repeat."""
    session = find_session()
    if session is not None:
        _sessions().revoke(session.id)
    _forget()


def find_session() -> Session | None:
    """This request's session, full or limited."""
    return cast("Session | None", g.get("session"))


def actor_from_request() -> Actor | None:
    """Who sends this request, where no `before_request` runs: a Socket.IO connect handler. Renews nothing.

    Reads the access token or, when that has expired, the refresh token; None for anybody not fully signed in.
    """
    session = _session_from_request()
    return _actor_of(session) if session is not None else None


def session_id_from_request() -> str | None:
    """The session that `actor_from_request` read."""
    session = _session_from_request()
    return session.id if session is not None else None


def _session_from_request() -> Session | None:
    access, _ = read_token(_access_cookie(), "access")
    token = access or read_token(_refresh_cookie(), "refresh")[0]
    session = _sessions().find(token.session_id) if token else None
    if token is None or session is None or session.limited_to:
        return None
    known = access is not None or token.refresh_id in (session.refresh_id, session.previous_refresh_id)
    return session if known else None


# -- before a request ------------------------------------------------------------------------------------------------


def _load_session() -> None:
    if request.endpoint in _NO_SESSION:
        return
    access, has_expired = read_token(_access_cookie(), "access")
    if access is not None:
        _continue(access)
    elif has_expired or _refresh_cookie():
        _renew()


def _continue(access: Token) -> None:
    session = _sessions().find(access.session_id)
    if session is None:
        _forget()
        return
    if not session.is_confirmed and access.refresh_id == session.refresh_id:
        # Only a note: the next request makes it, if this one cannot.
        with contextlib.suppress(TemporaryFailure):
            _sessions().confirm(session.id, session.refresh_id)
    _use(session)


def _renew() -> None:
    """A new access token and a new refresh token for a refresh token that is still good."""
    refresh, _ = read_token(_refresh_cookie(), "refresh")
    session = _sessions().find(refresh.session_id) if refresh else None
    if refresh is None or session is None or not _may_go_on(session):
        _forget()
        return
    now = get_services().now()
    successor = secrets.token_urlsafe(16)
    try:
        rotated = _sessions().rotate(session.id, seen=refresh.refresh_id, successor=successor, now=now)
    except TemporaryFailure:
        # Sessions can be read from memory only (docs/adr/0129): on with the present token, renewed when they are back.
        if refresh.refresh_id != session.refresh_id:
            raise
        _use(session)
        return
    if rotated or _is_parallel(session.id, refresh):
        _use_and_send(session.id)
    else:
        log.warning("refresh_token_reused", session_of=session.account_id)
        _sessions().revoke(session.id)
        _forget()


def _may_go_on(session: Session) -> bool:
    """Whether the session is not too old and its account still may sign in; a session that may not is ended."""
    now = get_services().now()
    too_old = now - session.started_at > OLD_AGE and now - session.rotated_at > PAUSE
    account = get_services().accounts.find(session.account_id)
    if too_old or account is None or not account.may_sign_in:
        _sessions().revoke(session.id)
        return False
    return True


def _is_parallel(session_id: str, refresh: Token) -> bool:
    """Whether this request was sent beside the one that rotated: the same browser, a moment ago."""
    session = _sessions().find(session_id)
    return (
        session is not None
        and refresh.refresh_id == session.previous_refresh_id
        and get_services().now() - session.rotated_at <= GRACE
        and hmac.compare_digest(session.client, _client())
    )


def _use_and_send(session_id: str) -> None:
    session = _sessions().find(session_id)
    if session is None:
        _forget()
        return
    _use(session)
    g.tokens_to_send = session


def _use(session: Session) -> None:
    g.session = session
    g.csrf_token = session.csrf
    g.actor = None if session.limited_to else _actor_of(session)


def _forget() -> None:
    g.session = None
    g.actor = None
    g.csrf_token = ""
    g.tokens_to_send = None
    g.tokens_to_clear = True


def _actor_of(session: Session) -> Actor:
    return Actor(
        account_id=session.account_id,
        role=Role(session.role),
        campus_id=session.campus_id,
        display_name=session.display_name,
    )


def _check_forgery() -> None:
    """Unsafe requests come from our own pages: by what the browser says of their origin, and by the session's token."""
    if request.method in SAFE_METHODS:
        return
    if not _is_from_our_pages():
        raise _forged()
    session = find_session()
    if session is not None:
        sent = request.headers.get("X-CSRF-TOKEN") or request.form.get("csrf_token", "")
        if not hmac.compare_digest(sent.encode(), session.csrf.encode()):
            raise _forged()


def _is_from_our_pages() -> bool:
    """By what the browser says; one that says nothing is no browser, and carries no cookies of a victim."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or origin in _own_origins()


def _forged() -> Forbidden:
    log.warning("forgery_check_failed", endpoint=request.endpoint)
    return Forbidden(
        "csrf_failed", "This page was opened before you signed in, or from another site. Load it again and repeat."
    )


def _own_origins() -> frozenset[str]:
    settings = get_services().settings
    if settings.viva_public_url:
        return frozenset({settings.public_url})
    return frozenset({request.host_url.rstrip("/"), settings.public_url})


# -- tokens ----------------------------------------------------------------------------------------------------------


def _send_tokens(reply: Response) -> Response:
    session = cast("Session | None", g.get("tokens_to_send"))
    if session is not None:
        # The browser keeps both as long as the session may last: closing it by mistake ends no exam.
        max_age = int(cast("timedelta", current_app.config["JWT_REFRESH_TOKEN_EXPIRES"]).total_seconds())
        claims = {"session": session.id, "refresh": session.refresh_id, "csrf": session.csrf}
        access = create_access_token(session.account_id, additional_claims=claims)
        set_access_cookies(reply, access, max_age=max_age)
        set_refresh_cookies(reply, create_refresh_token(session.account_id, additional_claims=claims), max_age=max_age)
    elif g.get("tokens_to_clear"):
        unset_access_cookies(reply)
        unset_refresh_cookies(reply)
    return reply


def _access_cookie() -> str:
    return request.cookies.get(current_app.config["JWT_ACCESS_COOKIE_NAME"], "")


def _refresh_cookie() -> str:
    return request.cookies.get(current_app.config["JWT_REFRESH_COOKIE_NAME"], "")


def _sessions() -> Sessions:
    return get_services().sessions


def _client() -> str:
    """The browser as it names itself: its address may change in a pocket, this does not."""
    return hashlib.sha256(request.headers.get("User-Agent", "").encode()).hexdigest()[:32]
