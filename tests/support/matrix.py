"""Everything that a route's path can name, in North: for the privilege matrix."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from backend.core.ports import Attachment, Mail
from backend.features.accommodations.model import Accommodation, Measures
from backend.features.assessments.model import Delivery, DeliveryState
from backend.features.attempts import usecases as attempt_usecases
from backend.features.attempts.late.model import LateAnswer
from backend.features.attempts.model import AttemptState
from backend.features.attempts.responses import Answer, Recording, Response, ResponseState
from backend.features.invigilation.model import Duty, Message, Power
from backend.features.invigilation.signals import SignalRecord
from backend.features.items.files import load_formats
from backend.features.mailings import model as mailing_model
from backend.features.results.model import release_of
from backend.wiring import Services
from tests.support.bank import fill_bank
from tests.support.builders_results import make_items, make_result
from tests.support.exam import WEBM, make_paper, store_sounds
from tests.support.people import furnish_people
from tests.support.services_memory import build_memory_services
from tests.support.source import ROOT

PRINCIPALS = ("anonymous", "asha", "ravi", "salma", "meera", "omar", "sushma", "ines", "igor", "sana")

# What stands for each argument of a path. Attempt and result are Asha's.
IDS: dict[str, object] = {
    "accommodation_id": "accommodation",
    "account_id": "meera",
    "attempt_id": "attempt",
    "batch_id": "north-a",
    "campus_id": "north",
    "code": "no-such-code",
    "course_id": "north-bsc",
    "delivery_id": "delivery",
    "dispatch_id": mailing_model.dispatch_id("results_ready", "sat-1"),
    "letter": "A",
    "mailing_id": "mailing",
    "message_id": "message",
    "number": 0,
    "position": 0,
    "recording_id": "rec-00000001",
    "response_id": "sat:0",
    "result_id": "sat-1",
    "student_id": "asha",
}

# Bodies with which a call passes its schema, so that the gate behind it is what answers. By "METHOD rule".
BODIES: dict[str, dict[str, object]] = {
    "POST /api/attempts/<attempt_id>/check": dict.fromkeys(
        ("browser", "microphone", "speaker", "connection"), "passed"
    ),
    "POST /api/attempts/<attempt_id>/moves": {"moves": [{"kind": "open", "position": 0, "at": "2026-11-23T04:30:00Z"}]},
    "POST /api/attempts/<attempt_id>/hearings": {"position": 0, "number": 1},
    "POST /api/deliveries/<delivery_id>/controls": {
        "control_id": "control-one-1",
        "action": "extend",
        "attempt_ids": "all",
        "minutes": 5,
        "reason": "Fire alarm",
    },
    "POST /api/attempts/<attempt_id>/heartbeat": {"position": 0, "uploads_pending": 0, "microphone": "ok"},
    "PUT /api/attempts/<attempt_id>/answers/<int:position>": {"sequence": [1, 1], "content": {"text": "I go."}},
    "POST /api/deliveries/<delivery_id>/messages": {"text": "Please wait."},
    "POST /api/deliveries/<delivery_id>/incidents": {"kind": "room", "text": "The fire alarm rang."},
    "POST /api/deliveries/<delivery_id>/identity": {"code": "ABC-DEF"},
    "POST /api/attempts/<attempt_id>/signals": {
        "signals": [{"signal_id": "s1", "kind": "tab_left", "at": "2026-11-23T04:30:00+00:00", "duration_ms": 900}]
    },
    "POST /api/batches/<batch_id>/students": {"roll_number": "N09", "name": "Nila Rao"},
}


@cache
def _bank() -> Services:
    """Items and the forms of one small format; never changed by a test, so shared."""
    services = build_memory_services()
    fill_bank(
        items=services.items,
        sounds=services.prompt_sounds,
        forms=services.forms,
        blobs=services.blobs,
        formats=load_formats(ROOT / "tests" / "support" / "formats"),
    )
    offered = services.forms.find_published("short_journey")
    assert offered is not None
    IDS["form_id"] = offered.form_ids[0]
    form = services.forms.find(offered.form_ids[0])
    assert form is not None
    IDS["item_id"] = form.items[0].item_id
    return services


def build_full_services() -> Services:
    bank = _bank()
    services = replace(build_memory_services(), items=bank.items, prompt_sounds=bank.prompt_sounds, forms=bank.forms)
    furnish_people(services)
    _open_delivery(services)
    _begin_ashas_attempt(services)
    _settle_ashas_earlier_attempt(services)
    _keep_a_late_answer(services)
    _keep_a_mail(services)
    _oversee(services)
    _grant_asha_more_time(services)
    return services


def _grant_asha_more_time(services: Services) -> None:
    services.accommodations.add(
        Accommodation(
            id="accommodation",
            campus_id="north",
            student_id="asha",
            measures=Measures(extra_time=1.5),
            reason="Approved by the office for examinations",
            granted_by="meera",
            granted_at=services.now(),
        )
    )


def _oversee(services: Services) -> None:
    """Ines is assigned to the delivery, with every power there is; Asha has a message, and signals to review."""
    now = services.now()
    services.duties.put(
        Duty(
            id="delivery:ines",
            delivery_id="delivery",
            account_id="ines",
            campus_id="north",
            powers=tuple(Power),
            assigned_by="meera",
            assigned_at=now,
        )
    )
    services.messages.add(
        Message(
            id="message",
            delivery_id="delivery",
            campus_id="north",
            text="Please wait.",
            student_ids=("asha",),
            is_urgent=False,
            sent_by="ines",
            sent_at=now,
        )
    )
    services.signal_records.add(
        SignalRecord(id="attempt", delivery_id="delivery", campus_id="north", student_id="asha")
    )


def _open_delivery(services: Services) -> None:
    now = services.now()
    paper = make_paper("form_one")
    services.papers.add(paper)  # type: ignore[attr-defined] # memory papers
    store_sounds(services, paper)
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
    attempt_usecases.begin_attempt(
        attempt=attempt,
        delivery=delivery,
        paper=paper,
        deliveries=services.deliveries,
        attempts=services.attempts,
        now=now,
    )


def _recording(now: datetime) -> Recording:
    return Recording(
        recording_id="rec-00000001",
        segment=0,
        blob_key="recordings/sound",
        sha256="0" * 64,
        size=len(WEBM),
        content_type="audio/webm",
        duration_ms=3_000,
        stored_at=now,
    )


def _settle_ashas_earlier_attempt(services: Services) -> None:
    """A sitting that is over, with an answer that could not be scored, a released result, and its mail."""
    now = services.now()
    services.blobs.put("recordings/sound", WEBM, content_type="audio/webm")
    services.responses.add(
        Response(
            id="sat:0",
            attempt_id="sat",
            campus_id="north",
            delivery_id="delivery",
            position=0,
            task="repeat",
            item_id=str(IDS["item_id"]),
            item_version=1,
            state=ResponseState.FAILED,
            reason="noise_only",
            recordings=(_recording(now),),
        )
    )
    running = services.attempts.find("attempt")
    assert running is not None
    services.attempts.add(
        replace(running, id="sat", number=2, state=AttemptState.SUBMITTED, submitted_at=now, settled_at=now)
    )
    result = make_result("sat", items=make_items(("repeat",) * 4))
    services.results.add(result)
    services.releases.add(release_of(result, by="meera", at=now))
    mailing = mailing_model.Mailing(
        id="mailing",
        kind="results_ready",
        delivery_id="delivery",
        campus_id="north",
        result_ids=(result.id,),
        state=mailing_model.MailingState.PREPARING,
        created_by="meera",
        created_at=now,
    )
    services.mailings.add(mailing)
    services.dispatches.add(mailing_model.fresh_dispatch(mailing, result.id, "asha", at=now))


def _keep_a_late_answer(services: Services) -> None:
    services.late_answers.add(
        LateAnswer(
            id="sat:0",
            attempt_id="sat",
            campus_id="north",
            delivery_id="delivery",
            position=0,
            answer=Answer(text="I go."),
            answer_rank=1,
            recordings=(_recording(services.now()),),
            received_at=services.now(),
        )
    )


def _keep_a_mail(services: Services) -> None:
    report = Attachment(filename="report.pdf", content_type="application/pdf", data=b"%PDF-1.7")
    IDS["mail_id"] = services.mailer.send(
        Mail(
            to_address="asha@example.edu",
            to_name="Asha Nair",
            subject="Your report",
            text="It is here.",
            html="<p>It is here.</p>",
            idempotency_key="results_ready:sat-1",
            attachments=(report,),
        ),
        now=services.now(),
    )
