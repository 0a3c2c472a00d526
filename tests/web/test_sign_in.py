"""Signing in: by password, by card, by link; what is refused, and how slowly guessing goes."""

import time
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.features.accounts import usecases
from backend.features.accounts.codes import card_code, hash_code, normal_card_code
from backend.features.accounts.model import LIFETIMES, AccountState, CodePurpose, OneTimeCode
from tests.support.people import PASSWORD, World


def sign_in(browser: FlaskClient, login: str, secret: str, **more: str) -> TestResponse:
    return browser.post("/sign-in", data={"login": login, "secret": secret, **more})


def is_in(browser: FlaskClient) -> bool:
    return browser.get("/api/session").status_code == 200


def give_card(world: World, student_id: str) -> str:
    code = card_code()
    world.services.one_time_codes.add_only(
        OneTimeCode(
            id=hash_code(normal_card_code(code), account_id=student_id, secret=world.services.settings.viva_secret_key),
            account_id=student_id,
            purpose=CodePurpose.LOGIN_CARD,
            created_at=world.clock(),
            expires_at=world.clock() + LIFETIMES[CodePurpose.LOGIN_CARD],
        )
    )
    return code


def post_with_token(browser: FlaskClient, url: str, **data: str) -> TestResponse:
    page = browser.get(url).text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    return browser.post(url, data={"csrf_token": token, **data})


def test_the_page_shows_the_form(world: World) -> None:
    page = world.anonymous().get("/sign-in")
    assert page.status_code == 200
    assert 'name="secret"' in page.text


@pytest.mark.parametrize("login", ["asha@example.edu", "  ASHA@Example.edu "])
def test_login_and_password(world: World, login: str) -> None:
    browser = world.anonymous()
    reply = sign_in(browser, login, PASSWORD, next="/account")
    assert (reply.status_code, reply.location) == (302, "/account")
    assert is_in(browser)
    assert world.account("asha").last_sign_in_at == world.clock()


@pytest.mark.parametrize("login", ["asha@example.edu", "nobody@example.edu", "omar"])
def test_what_is_wrong_is_not_told(world: World, login: str) -> None:
    browser = world.anonymous()
    reply = sign_in(browser, login, "wrong password here")
    assert reply.status_code == 422
    assert "do not belong together" in reply.text
    assert "wrong password here" not in reply.text
    assert not is_in(browser)


def test_a_disabled_account_reads_the_same_refusal(world: World) -> None:
    world.services.accounts.change("asha", state=AccountState.DISABLED)
    reply = sign_in(world.anonymous(), "asha@example.edu", PASSWORD)
    assert "do not belong together" in reply.text


def test_an_unknown_login_costs_one_hash_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[object] = []
    passwords = world.services.passwords
    monkeypatch.setattr(passwords, "_matches", lambda password_hash, _: bool(checked.append(password_hash)))
    sign_in(world.anonymous(), "nobody@example.edu", "x" * 20)
    sign_in(world.anonymous(), "asha@example.edu", "x" * 20)
    assert len(checked) == 2


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_never_leads_to_another_site(world: World, target: str) -> None:
    assert sign_in(world.anonymous(), "asha@example.edu", PASSWORD, next=target).location == "/"


def test_signing_in_ends_the_session_that_the_browser_had(world: World) -> None:
    browser = world.browser("ravi")
    before = {c.key: c.value for c in browser._cookies.values()}
    assert sign_in(browser, "asha@example.edu", PASSWORD).status_code == 302
    stale = world.anonymous()
    for name, value in before.items():
        stale.set_cookie(name, value)
    assert not is_in(stale)


# -- guessing --------------------------------------------------------------------------------------------------------


def test_guessing_one_login_is_slowed_down_not_locked_out(world: World) -> None:
    known = world.anonymous()
    assert sign_in(known, "asha@example.edu", PASSWORD).status_code == 302
    known.post("/sign-out")
    guesser = world.anonymous()
    for _ in range(5):
        assert sign_in(guesser, "asha@example.edu", "guess").status_code == 422
    refused = sign_in(guesser, "asha@example.edu", PASSWORD)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    # The candidate's own browser is not kept out by it, nor is any other login.
    token_free = world.app.test_client()
    token_free.set_cookie("viva_known", known.get_cookie("viva_known").value)
    assert sign_in(token_free, "asha@example.edu", PASSWORD).status_code == 302
    assert sign_in(world.anonymous(), "ravi@example.edu", PASSWORD).status_code == 302


def test_ten_thousand_guesses_from_many_addresses_reach_the_hash_only_a_few_times(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    monkeypatch.setattr(world.services.passwords, "_matches", lambda _, typed: bool(tried.append(typed)))
    at = time.time()
    monkeypatch.setattr(time, "time", lambda: at)  # all within one minute, however slow the machine is
    browser = world.anonymous()
    for number in range(300):
        browser.environ_base["REMOTE_ADDR"] = f"203.0.113.{number % 250}"
        sign_in(browser, "asha@example.edu", f"guess {number}")
    assert len(tried) == 20


def test_a_thousand_honest_sign_ins_from_one_address_all_pass(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.services.passwords, "_matches", lambda *_: True)
    for number in range(1000):
        world.services.accounts.add(
            world.account("asha").__class__(
                **{
                    **{name: getattr(world.account("asha"), name) for name in world.account("asha").__slots__},
                    "id": f"s{number}",
                    "login": f"s{number}@north",
                    "email": None,
                }
            )
        )
    for number in range(1000):
        reply = world.app.test_client().post(
            "/api/session", json={"login": f"s{number}@north", "password": "a good password"}
        )
        assert reply.status_code == 200


def test_when_the_counters_cannot_be_reached_signing_in_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import redis

    def fail(*_: object) -> bool:
        raise redis.ConnectionError

    strategy = world.app.extensions["viva_limits"]
    for name in ("hit", "test", "clear"):
        monkeypatch.setattr(strategy, name, fail)
    assert sign_in(world.anonymous(), "asha@example.edu", PASSWORD).status_code == 302


# -- login cards -----------------------------------------------------------------------------------------------------


def test_a_card_opens_the_login_and_asks_for_a_password(world: World) -> None:
    code = give_card(world, "asha")
    browser = world.anonymous()
    reply = sign_in(browser, "asha@example.edu", code.lower().replace("-", " "), next="/account")
    assert reply.location == "/choose-password?next=/account"
    # Nothing else is open before a password is chosen.
    assert not is_in(browser)
    assert browser.get("/account").status_code == 302
    weak = post_with_token(browser, "/choose-password", password="12345678")
    assert weak.status_code == 422
    assert "Numbers alone" in weak.text
    page = browser.get("/choose-password")
    token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
    done = browser.post("/choose-password?next=/account", data={"csrf_token": token, "password": "river lamp seven"})
    assert done.location == "/account"
    assert is_in(browser)
    assert sign_in(world.anonymous(), "asha@example.edu", "river lamp seven").location == "/"
    assert sign_in(world.anonymous(), "asha@example.edu", code).status_code == 422


def test_a_card_goes_on_working_when_the_browser_dies_before_the_password_is_chosen(world: World) -> None:
    code = give_card(world, "asha")
    for _ in range(2):
        assert sign_in(world.anonymous(), "asha@example.edu", code).location.startswith("/choose-password")


def test_a_card_opens_no_other_login(world: World) -> None:
    code = give_card(world, "asha")
    assert sign_in(world.anonymous(), "ravi@example.edu", code).status_code == 422


def test_an_old_or_replaced_card_opens_nothing(world: World) -> None:
    first = give_card(world, "asha")
    second = give_card(world, "asha")
    assert sign_in(world.anonymous(), "asha@example.edu", first).status_code == 422
    world.clock.move(days=31)
    assert sign_in(world.anonymous(), "asha@example.edu", second).status_code == 422


# -- links -----------------------------------------------------------------------------------------------------------


def link(world: World, account_id: str, purpose: CodePurpose) -> str:
    return usecases.issue_link_code(
        account_id=account_id,
        purpose=purpose,
        codes=world.services.one_time_codes,
        secret=world.services.settings.viva_secret_key,
        now=world.clock(),
    )


def test_an_invitation_is_used_once_and_opening_it_uses_nothing_up(world: World) -> None:
    world.services.accounts.change("meera", state=AccountState.INVITED, password_hash=None)
    code = link(world, "meera", CodePurpose.INVITATION)
    browser = world.anonymous()
    assert "Meera Iyer" in browser.get(f"/invitation/{code}").text
    assert browser.post(f"/invitation/{code}", data={"password": "too short"}).status_code == 422
    assert browser.post(f"/invitation/{code}", data={"password": "harbour violet lamp"}).location == "/"
    assert is_in(browser)
    assert world.account("meera").state is AccountState.ACTIVE
    again = world.anonymous().get(f"/invitation/{code}")
    assert again.status_code == 422
    assert "This link no longer works" in again.text
    assert 'href="/sign-in"' in again.text
    assert 'href="/forgotten"' in again.text


def test_a_reset_signs_out_everywhere_and_a_link_of_one_kind_opens_no_other_door(world: World) -> None:
    elsewhere = world.browser("meera")
    code = link(world, "meera", CodePurpose.RESET)
    assert world.anonymous().get(f"/invitation/{code}").status_code == 422
    assert world.anonymous().post(f"/reset/{code}", data={"password": "harbour violet lamp"}).location == "/"
    assert not is_in(elsewhere)


def test_a_link_expires(world: World) -> None:
    code = link(world, "meera", CodePurpose.RESET)
    world.clock.moment += timedelta(hours=2)
    assert world.anonymous().get(f"/reset/{code}").status_code == 422


@pytest.mark.parametrize("login", ["meera@example.edu", "nobody@example.edu"])
def test_forgetting_a_password_tells_nobody_who_has_an_account(world: World, login: str) -> None:
    reply = world.anonymous().post("/forgotten", data={"login": login})
    assert reply.status_code == 200
    assert "If this login has an e-mail address" in reply.text
    waiting = world.services.jobs.waiting_jobs  # type: ignore[attr-defined]
    assert [job for job, _ in waiting] == [usecases.SEND_RESET]


# -- the first superadmin --------------------------------------------------------------------------------------------


def test_the_setup_link_creates_one_superadmin_once() -> None:
    from backend.app import create_app
    from tests.support.services_memory import build_memory_services

    services = build_memory_services()
    world = World(services=services, app=create_app(services=services))
    replaced = services.accounts_setup_link(services.now())
    address = services.accounts_setup_link(services.now())
    assert address is not None
    assert replaced is not None
    path = address.removeprefix(services.settings.public_url)
    assert world.anonymous().get(replaced.removeprefix(services.settings.public_url)).status_code == 422
    browser = world.anonymous()
    assert browser.get(path).status_code == 200
    wrong = browser.post(path, data={"name": " ", "email": "not an address", "password": "short"})
    assert wrong.status_code == 422
    data = {"name": "Sushma Rao", "email": "Sushma@Example.edu", "password": "harbour violet lamp"}
    assert browser.post(path, data=data).location == "/"
    assert browser.get("/api/session").json["role"] == "superadmin"
    assert world.anonymous().post(path, data=data).status_code == 422
    assert services.accounts_setup_link(services.now()) is None
    assert sign_in(world.anonymous(), "sushma@example.edu", "harbour violet lamp").status_code == 302


# -- changing the password -------------------------------------------------------------------------------------------


def test_changing_the_password_keeps_this_browser_and_signs_out_the_others(world: World) -> None:
    here, elsewhere = world.browser("meera"), world.browser("meera")
    wrong = here.post("/account/password", data={"current": "no", "password": "harbour violet lamp"})
    assert wrong.status_code == 422
    changed = here.post("/account/password", data={"current": PASSWORD, "password": "harbour violet lamp"})
    assert changed.status_code == 302
    assert is_in(here)
    assert not is_in(elsewhere)
    assert world.actions() == ["password_changed"]
