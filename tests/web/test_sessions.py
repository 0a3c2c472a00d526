"""Tokens: renewal that never drops a candidate, theft that ends the family, revocation at once, forgery."""

from datetime import timedelta

import jwt
import pytest
from flask.testing import FlaskClient

from backend.core.errors import TemporaryFailure
from backend.features.accounts.model import AccountState
from backend.web import auth
from tests.support.people import World, build_world


def cookies(browser: FlaskClient) -> dict[str, str]:
    return {c.key: c.value for c in browser._cookies.values()}


def put(browser: FlaskClient, kept: dict[str, str]) -> None:
    for name, value in kept.items():
        browser.set_cookie(name, value)


def expire_access(world: World) -> None:
    """From now on every access token is born too old."""
    world.app.config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(seconds=-1)


def who(browser: FlaskClient) -> str | None:
    reply = browser.get("/api/session")
    return str(reply.json["account_id"]) if reply.status_code == 200 and reply.json else None


def drop_access(browser: FlaskClient) -> None:
    browser.delete_cookie("viva_8000_access")


def test_nobody_is_told_to_sign_in(world: World) -> None:
    reply = world.anonymous().get("/api/session")
    assert (reply.status_code, reply.json["code"]) == (401, "signed_out")
    page = world.anonymous().get("/account?x=1")
    assert page.status_code == 302
    assert page.location == "/sign-in?next=/account?x%3D1"


def test_an_expired_access_token_is_renewed_inside_the_request(world: World) -> None:
    browser = world.browser("asha")
    before = cookies(browser)
    drop_access(browser)
    assert who(browser) == "asha"
    after = cookies(browser)
    assert after["viva_8000_refresh"] != before["viva_8000_refresh"]
    assert "viva_8000_access" in after


def test_renewal_keeps_the_csrf_token_so_that_a_long_exam_page_goes_on_working(world: World) -> None:
    browser = world.browser("asha")
    expire_access(world)
    drop_access(browser)
    for _ in range(5):
        world.clock.move(minutes=30)
        assert browser.delete("/api/session", headers={"X-CSRF-TOKEN": "wrong"}).status_code == 403
        assert who(browser) == "asha"
    # The token that the page got hours ago.
    assert browser.post("/account/password", data={}).status_code == 422


def test_requests_side_by_side_may_renew_with_the_same_token_for_ten_seconds(world: World) -> None:
    browser = world.browser("asha")
    drop_access(browser)
    first = cookies(browser)
    assert who(browser) == "asha"
    assert who(browser) == "asha"  # the new tokens have been seen
    parallel = world.app.test_client()
    put(parallel, first)
    world.clock.move(seconds=9)
    assert who(parallel) == "asha"
    assert who(browser) == "asha"


def test_a_reused_refresh_token_ends_the_whole_family(world: World) -> None:
    browser = world.browser("asha")
    drop_access(browser)
    stolen = cookies(browser)
    assert who(browser) == "asha"
    assert who(browser) == "asha"
    world.clock.move(seconds=11)
    thief = world.app.test_client()
    put(thief, stolen)
    assert who(thief) is None
    assert who(browser) is None


def test_another_browser_gets_no_grace(world: World) -> None:
    browser = world.browser("asha")
    drop_access(browser)
    stolen = cookies(browser)
    assert who(browser) == "asha"
    assert who(browser) == "asha"
    thief = world.app.test_client()
    put(thief, stolen)
    assert thief.get("/api/session", headers={"User-Agent": "another"}).status_code == 401


def test_a_reply_lost_on_a_broken_network_signs_nobody_out(world: World) -> None:
    """The server renewed, the browser never heard of it and comes back half a minute later with what it has."""
    browser = world.browser("asha")
    drop_access(browser)
    kept = cookies(browser)
    assert who(browser) == "asha"
    world.clock.move(seconds=30)
    again = world.app.test_client()
    put(again, kept)
    assert who(again) == "asha"
    world.clock.move(minutes=30)
    drop_access(again)
    assert who(again) == "asha"


def test_where_sessions_can_only_be_read_nobody_is_dropped_and_nothing_is_renewed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = world.browser("asha")
    older = cookies(browser)
    drop_access(browser)
    assert who(browser) == "asha"

    def fails(*_: object, **__: object) -> None:
        raise TemporaryFailure("sessions_unreachable")

    for name in ("rotate", "confirm"):
        monkeypatch.setattr(world.services.sessions, name, fails)
    present = cookies(browser)
    assert who(browser) == "asha", "not confirmed, for now"
    drop_access(browser)
    assert who(browser) == "asha"
    assert cookies(browser)["viva_8000_refresh"] == present["viva_8000_refresh"]
    stale = world.app.test_client()
    put(stale, older)
    drop_access(stale)
    assert who(stale) is None, "an older token is not believed meanwhile"
    monkeypatch.undo()
    assert who(browser) == "asha"
    assert cookies(browser)["viva_8000_refresh"] != present["viva_8000_refresh"]


def test_signing_out_works_at_once_and_for_copies_too(world: World) -> None:
    browser = world.browser("asha")
    copy = world.app.test_client()
    put(copy, cookies(browser))
    assert browser.post("/sign-out").status_code == 302
    assert who(browser) is None
    assert who(copy) is None


def test_a_disabled_account_is_out_at_once(world: World) -> None:
    browser = world.browser("asha")
    world.services.sessions.revoke_account("asha")
    assert who(browser) is None


def test_a_disabled_account_cannot_renew_even_if_its_session_survived(world: World) -> None:
    browser = world.browser("asha")
    world.services.accounts.change("asha", state=AccountState.DISABLED)
    drop_access(browser)
    assert who(browser) is None
    assert cookies(browser).get("viva_8000_refresh", "") == ""


@pytest.mark.parametrize(("pause", "goes_on"), [(timedelta(minutes=50), True), (timedelta(hours=2), False)])
def test_a_session_of_a_week_ends_at_a_pause_never_in_the_middle_of_work(
    world: World, pause: timedelta, goes_on: bool
) -> None:
    browser = world.browser("asha")
    for _ in range(15):
        world.clock.move(hours=11)  # less than the twelve that an unused session lasts
        drop_access(browser)
        assert who(browser) == "asha"
    world.clock.move(hours=3)
    drop_access(browser)
    assert who(browser) == "asha"  # 168 hours old, and just used
    world.clock.moment += pause
    drop_access(browser)
    assert (who(browser) == "asha") is goes_on


@pytest.mark.parametrize(
    "forged",
    [
        {"X-CSRF-TOKEN": ""},
        {"X-CSRF-TOKEN": "guess"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_forged_requests_are_refused(world: World, forged: dict[str, str]) -> None:
    browser = world.browser("asha")
    reply = browser.delete("/api/session", headers=forged)
    assert (reply.status_code, reply.json["code"]) == (403, "csrf_failed")
    assert who(browser) == "asha"


def test_our_own_pages_are_believed(world: World) -> None:
    browser = world.browser("asha")
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert browser.delete("/api/session", headers=own).status_code == 204


def test_a_token_of_the_wrong_kind_or_of_another_secret_is_nobody(world: World) -> None:
    browser = world.browser("asha")
    kept = cookies(browser)
    swapped = world.app.test_client()
    swapped.set_cookie("viva_8000_access", kept["viva_8000_refresh"])
    assert who(swapped) is None
    other = build_world(settings=world.services.settings.with_values(viva_secret_key="another-secret-" * 3))
    stranger = other.app.test_client()
    put(stranger, kept)
    assert who(stranger) is None


def test_an_unsigned_token_is_nobody(world: World) -> None:
    unsigned = jwt.encode({"sub": "asha", "type": "access", "session": "x", "refresh": "y"}, "", algorithm="none")
    browser = world.app.test_client()
    browser.set_cookie("viva_8000_access", unsigned)
    assert who(browser) is None


def test_sockets_learn_who_connects_without_renewing(world: World) -> None:
    browser = world.browser("asha")
    kept = cookies(browser)
    for names in (("viva_8000_access", "viva_8000_refresh"), ("viva_8000_refresh",)):
        header = "; ".join(f"{name}={kept[name]}" for name in names)
        with world.app.test_request_context(headers={"Cookie": header}):
            actor = auth.actor_from_request()
        assert actor is not None
        assert actor.account_id == "asha"
    assert cookies(browser) == kept
    with world.app.test_request_context():
        assert auth.actor_from_request() is None
    world.services.sessions.revoke_account("asha")
    with world.app.test_request_context(headers={"Cookie": header}):
        assert auth.actor_from_request() is None


def test_cookies_are_out_of_the_reach_of_scripts_and_bound_to_the_host_under_tls(world: World) -> None:
    settings = world.services.settings.with_values(viva_public_url="https://viva.example.edu")
    secure = build_world(settings=settings)
    reply = secure.app.test_client().post(
        "/api/session",
        json={"login": "asha@example.edu", "password": "violet kettle harbour"},
        base_url="https://viva.example.edu",
    )
    assert reply.status_code == 200
    sent = reply.headers.getlist("Set-Cookie")
    assert {cookie.split("=")[0] for cookie in sent} == {"__Host-viva_access", "__Host-viva_refresh"}
    for cookie in sent:
        assert "HttpOnly" in cookie
        assert "Secure" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
