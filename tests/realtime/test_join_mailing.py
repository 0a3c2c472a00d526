"""A mailing's room: gated, every row on join, then events without names."""

import pytest

from backend.features.mailings.tasks import office_of
from backend.features.mailings.usecases import SEND_DISPATCH, schedule_mailing, send_dispatch
from tests.realtime.test_join_delivery import LocalFeed, connect
from tests.support.exam import MEERA
from tests.support.results_world import furnish_results, release_for
from tests.support.services_memory import build_memory_services


@pytest.fixture
def services():
    services = furnish_results(build_memory_services(feed=LocalFeed()))
    release_for(services, "asha", "ravi")
    return services


@pytest.fixture
def mailing(services, app):
    return schedule_mailing(
        actor=MEERA,
        delivery_id="delivery",
        campus_id="north",
        chosen=None,
        office=office_of(services),
        now=services.now(),
        new_id=services.new_id,
    )


def join(client, mailing_id):
    return client.emit("join_mailing", {"mailing_id": mailing_id}, namespace="/live", callback=True)


@pytest.mark.parametrize("actor", ["omar", "asha", "salma"])
def test_a_mailing_of_others_is_not_there(app, mailing, actor):
    client = connect(app, actor)
    assert join(client, mailing.id)["problem"]["code"] == "not_found"
    assert join(client, mailing.id) == join(client, "no-such-mailing")


def test_joining_answers_with_every_row_and_then_come_events(app, services, mailing):
    client = connect(app, "meera")
    snapshot = join(client, mailing.id)["snapshot"]
    assert [(row["student_name"], row["state"]) for row in snapshot["rows"]] == [
        ("Asha Rao", "queued"),
        ("Ravi Nair", "queued"),
    ]
    services.jobs.run(
        {SEND_DISPATCH: lambda each: send_dispatch(dispatch_id=each, office=office_of(services), clock=services.now)}
    )
    events = [event for event in client.get_received("/live") if event["name"] == "mailing_progressed"]
    assert {event["args"][0]["row"]["state"] for event in events} == {"sent"}
    assert len(events) == 2
    assert "Asha" not in str(events)
    assert "example.edu" not in str(events)
