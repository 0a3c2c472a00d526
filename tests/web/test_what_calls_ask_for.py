"""What an exam's calls ask of the database: a thousand begin within ten seconds, and each question costs them all."""

from dataclasses import replace

import pytest
from flask import has_request_context

from tests.support.exam import furnish, make_paper
from tests.support.services_memory import build_memory_services

ASKED = ("attempts", "responses", "deliveries", "granted_conditions")


class Noting:
    """A repository, and what was asked of it in `asked`."""

    def __init__(self, name, repository, asked):
        self._name, self._repository, self._asked = name, repository, asked

    def __getattr__(self, what):
        answer = getattr(self._repository, what)

        def ask(*arguments, **named):
            if has_request_context():  # the test's browser looks as well
                self._asked.append(f"{self._name}.{what}")
            return answer(*arguments, **named)

        return ask


@pytest.fixture
def asked():
    return []


@pytest.fixture
def services(asked):
    services = furnish(build_memory_services(), paper=make_paper(tasks=("repeat", "repeat")))
    return replace(services, **{name: Noting(name, getattr(services, name), asked) for name in ASKED})


@pytest.fixture
def path(asha):
    return f"/api/attempts/{asha.post('/api/deliveries/delivery/attempts').json['id']}"


def test_beginning_is_one_write(asha, path, asked):
    asked.clear()
    assert asha.post(f"{path}/begin").json["state"] == "in_progress"
    assert asked == [
        "attempts.find",
        "deliveries.find",
        "granted_conditions.find",
        "attempts.save",
        "deliveries.find",  # a pause for everybody that came meanwhile
    ]


def test_the_first_item_is_one_write_and_nothing_is_looked_for_that_cannot_be_there(asha, path, asked):
    asha.post(f"{path}/begin")
    asked.clear()
    assert asha.move(path, "open", 0).json["item"]["position"] == 0
    assert asked == ["attempts.find", "deliveries.find", "attempts.save"]


def test_so_is_the_next(asha, path, asked, services):
    asha.post(f"{path}/begin")
    asha.move(path, "open", 0)
    services.now.move(seconds=6)
    asked.clear()
    assert asha.move_all(path, [("close", 0), ("open", 1)]).json["item"]["position"] == 1
    assert asked == ["attempts.find", "deliveries.find", "attempts.save"]


def test_what_was_opened_before_is_shown_with_what_it_holds(asha, path, asked, services):
    """After a reload: the recording that arrived is told again, so that it is not sent a second time."""
    asha.post(f"{path}/begin")
    asha.move(path, "open", 0)
    services.now.move(seconds=6)
    assert asha.send(path, recording_id="rec-00000001", position=0).status_code == 202
    asked.clear()
    assert len(asha.get(path).json["stored_recordings"]) == 1
    assert "responses.list_by_attempt" in asked
