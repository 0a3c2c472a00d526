"""Everything that a route's path can name, in North: for the privilege matrix."""

from datetime import timedelta

from backend.features.assessments.model import Delivery, DeliveryState
from backend.features.attempts import usecases as attempt_usecases
from backend.wiring import Services
from tests.support.bank import furnish_one_item
from tests.support.exam import make_paper
from tests.support.people import furnish_people
from tests.support.services_memory import build_memory_services

PRINCIPALS = ("anonymous", "asha", "ravi", "salma", "meera", "omar", "sushma")

# What stands for each argument of a path. Attempt and result are Asha's.
IDS: dict[str, object] = {
    "campus_id": "north",
    "course_id": "north-bsc",
    "batch_id": "north-a",
    "student_id": "asha",
    "delivery_id": "delivery",
    "attempt_id": "attempt",
    "recording_id": "rec-00000001",
    "position": 0,
    "code": "no-such-code",
}
IDS["item_id"], IDS["form_id"] = furnish_one_item(build_memory_services())
IDS["number"] = 0


def build_full_services() -> Services:
    services = build_memory_services()
    furnish_people(services)
    furnish_one_item(services)
    _open_delivery(services)
    _begin_ashas_attempt(services)
    return services


def _open_delivery(services: Services) -> None:
    now = services.now()
    services.papers.add(make_paper("form_one"))  # type: ignore[attr-defined] # memory papers
    services.deliveries.add(
        Delivery(
            id="delivery",
            campus_id="north",
            batch_id="north-a",
            title="Spoken English",
            format_id="versant_style_short",
            format_version="1",
            form_ids=("form_one",),
            opens_at=now - timedelta(minutes=1),
            closes_at=now + timedelta(hours=3),
            time_zone="Asia/Kolkata",
            attempts_allowed=1,
            state=DeliveryState.SCHEDULED,
            created_by="meera",
            created_at=now - timedelta(days=1),
        )
    )


def _begin_ashas_attempt(services: Services) -> None:
    delivery = services.deliveries.find("delivery")
    assert delivery is not None
    now = services.now()
    attempt = attempt_usecases.enter_attempt(
        delivery=delivery, student_id="asha", attempts=services.attempts, now=now, new_id=lambda: "attempt"
    )
    attempt = attempt_usecases.store_check(
        attempt=attempt,
        outcomes=dict.fromkeys(("browser", "microphone", "speaker", "connection"), "passed"),
        attempts=services.attempts,
        now=now,
    )
    paper = services.papers.get(attempt.form_id)
    attempt_usecases.begin_attempt(attempt=attempt, delivery=delivery, paper=paper, attempts=services.attempts, now=now)
