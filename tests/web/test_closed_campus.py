"""Closing a campus: refused while a test is on; then nobody of it is in, nothing is lost, and it can be reopened."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.app import create_app
from backend.features.assessments.model import DeliveryState
from backend.features.attempts.model import AttemptState
from tests.support.matrix import build_full_services
from tests.support.people import PASSWORD, World, build_world

CLOSE, REOPEN, PAGE = "/campuses/north/close", "/campuses/north/reopen", "/campuses/north"


@pytest.fixture
def world() -> World:
    return build_world()


def sign_in(world: World, name: str):
    return world.anonymous().post("/sign-in", data={"login": f"{name}@example.edu", "secret": PASSWORD})


def test_everybody_of_it_is_out_at_once_and_nobody_else(world):
    inside = {name: world.browser(name) for name in ("meera", "asha", "igor", "omar", "salma")}
    sushma = world.browser("sushma")
    assert "Close the campus" in sushma.get(PAGE).text
    assert sushma.post(CLOSE).status_code == 302
    signed_in = {name: browser.get("/account").status_code == 200 for name, browser in inside.items()}
    assert signed_in == {"meera": False, "asha": False, "igor": False, "omar": True, "salma": True}
    assert "campus_closed" in world.actions()
    assert "This campus is closed" in sushma.get(PAGE).text
    assert ">closed<" in sushma.get("/campuses").text


def test_nobody_of_it_signs_in_until_it_is_reopened(world):
    sushma = world.browser("sushma")
    sushma.post(CLOSE)
    for name in ("meera", "asha", "igor"):
        refused = sign_in(world, name)
        assert refused.status_code == 403
        assert "Your campus is closed" in refused.text
    by_api = world.anonymous().post("/api/session", json={"login": "asha@example.edu", "password": PASSWORD})
    assert (by_api.status_code, by_api.json["code"]) == (403, "campus_closed")
    assert sign_in(world, "salma").status_code == 302
    kept = world.student("asha")
    assert sushma.post(REOPEN).status_code == 302
    assert sign_in(world, "asha").status_code == 302
    assert world.student("asha") == kept
    assert world.actions() == ["campus_closed", "campus_reopened"]


def test_again_changes_nothing_but_ends_sessions_that_a_crash_left(world):
    sushma, inside = world.browser("sushma"), world.browser("meera")
    world.services.campuses.change("north", closed_at=world.services.now())  # and then the process died
    assert sushma.post(CLOSE).status_code == 302
    assert inside.get("/account").status_code != 200
    for _ in range(2):
        sushma.post(REOPEN)
    assert world.actions() == ["campus_reopened"]


def test_nobody_is_invited_to_a_closed_campus(world):
    sushma = world.browser("sushma")
    sushma.post(CLOSE)
    new = {"name": "Nila Rao", "email": "nila@example.edu"}
    assert sushma.post(f"{PAGE}/admins", data=new).status_code == 409
    assert world.services.accounts.find_by_login("nila@example.edu") is None
    assert "Send the invitation" not in sushma.get(PAGE).text


class TestTests:
    """Asha is in the middle of one."""

    @pytest.fixture
    def full(self):
        services = build_full_services()
        return World(services=services, app=create_app(services=services))

    def test_one_that_is_open_keeps_the_campus_open_and_is_named(self, full):
        sushma = full.browser("sushma")
        refused = sushma.post(CLOSE)
        assert refused.status_code == 409
        assert "End or cancel them first" in refused.text
        assert "Spoken English" in refused.text
        assert not full.services.campuses.find("north").is_closed
        assert "campus_closed" not in full.actions()

    def test_cancelled_but_still_being_sat_it_does_too_until_nobody_is_in_it(self, full):
        services, sushma = full.services, full.browser("sushma")
        delivery = services.deliveries.find("delivery")
        cancelled = {"state": DeliveryState.CANCELLED, "revision": delivery.revision + 1}
        assert services.deliveries.save(replace(delivery, **cancelled), seen=delivery)
        assert "1 in the test now" in sushma.post(CLOSE).text
        attempt = services.attempts.find("attempt")
        over = {"state": AttemptState.EXPIRED, "submitted_at": services.now(), "revision": attempt.revision + 1}
        assert services.attempts.save(replace(attempt, **over), seen=attempt)
        assert sushma.post(CLOSE).status_code == 302

    def test_one_that_is_over_keeps_nothing(self, full):
        full.clock.move(days=3)
        assert full.browser("sushma").post(CLOSE).status_code == 302

    def test_nothing_is_scheduled_while_it_is_closed(self, full):
        """Also not by somebody whose request was under way."""
        meera = full.browser("meera")
        full.services.campuses.change("north", closed_at=full.services.now())
        opens = full.services.now() + timedelta(days=1)
        refused = meera.post(
            "/api/tests",
            json={
                "title": "Another",
                "batch_id": "north-a",
                "format_id": "versant_style_short",
                "opens": f"{opens:%Y-%m-%dT%H:%M}",
                "closes": f"{opens + timedelta(hours=3):%Y-%m-%dT%H:%M}",
                "attempts_allowed": 1,
            },
        )
        assert (refused.status_code, refused.json["code"]) == (409, "campus_closed")
