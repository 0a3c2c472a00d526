"""The superadmin's page says whether the audit log is what it was."""

from dataclasses import replace

import pytest

from tests.support.people import build_world


@pytest.fixture
def world():
    world = build_world()
    world.browser("meera").post("/courses", data={"name": "B.A. English", "code": "ENG"})
    assert world.actions()
    return world


def page(world, name="sushma"):
    reply = world.browser(name).get("/audit?verify=1")
    assert reply.status_code == 200
    return reply.text


def test_an_intact_log_says_so(world):
    assert "The audit log is intact" in page(world)
    assert "Verify the whole log" in world.browser("sushma").get("/audit").text


def test_a_log_that_was_changed_names_the_entry(world):
    log = world.services.audit_log
    for _ in range(2):
        world.browser("meera").post("/courses", data={"name": f"Course {_}", "code": f"C{_}"})
    at = next(at for at, event in enumerate(log.events) if event.campus_id == "north")
    log.events[at] = replace(log.events[at], actor_id="omar")
    shown = page(world)
    assert "The audit log is not what it was" in shown
    assert log.events[at].id in shown


def test_a_campus_admin_verifies_nothing(world):
    assert "audit log is" not in page(world, "meera")
