"""A small college with a test that was sat: attempts over, answers scored, results to settle, release and mail."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from backend.adapters.speech.calibrations import SHIPPED
from backend.core.errors import AdapterError
from backend.core.ports import Mail, Mailer
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.paper import Paper
from backend.features.attempts.responses import Recording, Response, ResponseState, response_id
from backend.features.campuses.model import Campus
from backend.features.results.tasks import contesting_of
from backend.features.results.usecases import Releasing, release_result, score_again
from backend.wiring import Services
from tests.support.builders_results import COMPLETED, FEEDS, TASKS, make_result
from tests.support.exam import MEERA, OPENS, furnish, make_paper

EMAILS = {"asha": "asha@example.edu", "ravi": "ravi@example.edu", "salma": "salma@example.edu"}
PAPER = make_paper("form_one", tasks=TASKS)


class RecordingMailer(Mailer):
    """Keeps what it was given, as a provider would: a key that it knows is not sent again. `fail` queues up failures,
    each raised before, or with `after` True after, the provider took the mail."""

    def __init__(self, *, key_lifetime: timedelta = timedelta(minutes=30)) -> None:
        self.key_lifetime = key_lifetime
        self.delivered: list[Mail] = []
        self.calls = 0
        self._failures: list[tuple[AdapterError, bool]] = []

    def fail(self, error: AdapterError, *, after: bool = False) -> None:
        self._failures.append((error, after))

    def send(self, mail: Mail, *, now: Any) -> str:
        self.calls += 1
        error, after = self._failures.pop(0) if self._failures else (None, False)
        if error is not None and not after:
            raise error
        known = self.key_lifetime and any(mail.idempotency_key == each.idempotency_key for each in self.delivered)
        if not known:
            self.delivered.append(mail)
        if error is not None:
            raise error
        return f"message-{len(self.delivered)}"

    def addresses(self) -> list[str]:
        return sorted(mail.to_address for mail in self.delivered)


def furnish_results(services: Any, *, emails: Mapping[str, str] = EMAILS, paper: Paper = PAPER) -> Any:
    """The exam's delivery and cast, two campuses, and students with e-mail addresses."""
    furnish(services, paper=paper)
    for student_id, email in emails.items():
        services.students.change(student_id, email=email)
    for campus_id, name in (("north", "North Campus"), ("south", "South Campus")):
        services.campuses.add(
            Campus(
                id=campus_id,
                name=name,
                slug=campus_id,
                time_zone="Asia/Kolkata",
                created_at=OPENS,
            )
        )
    return services


def make_attempt(student_id: str, **changes: object) -> Attempt:
    attempt = Attempt(
        id=f"attempt_{student_id}",
        delivery_id="delivery",
        campus_id="north",
        student_id=student_id,
        number=1,
        form_id="form_one",
        state=AttemptState.SUBMITTED,
        created_at=OPENS,
        position=len(TASKS),
        started_at=OPENS,
        deadline_at=OPENS + timedelta(minutes=20),
        submitted_at=COMPLETED,
    )
    return replace(attempt, **changes)  # type: ignore[arg-type] # Attempt's own fields


def make_response(student_id: str, position: int, *, value: float = 0.74, **changes: object) -> Response:
    """A scored answer with its evidence; open questions wait for raters."""
    task = TASKS[position]
    for_rater = task == "open_question"
    score = {
        "task": task,
        "scorer_version": f"{task}-1",
        "status": "needs_rater" if for_rater else "scored",
        "points": {trait: {"value": value, "weight": 1.0} for trait in FEEDS.get(task, ())},
        "confidence": 0.8,
        "reason": None,
        "explanation": {
            "expected": "We walked to the old market.",
            "alignment": [
                {"operation": "match", "expected": "we", "heard": "we"},
                {"operation": "substitution", "expected": "walked", "heard": "worked"},
                {"operation": "deletion", "expected": "to", "heard": None},
            ],
            "quality_problems": ["noisy"] if position == 1 else [],
            "calibration": SHIPPED,
            "engine": {"name": "offline", "version": "1"},
        },
    }
    recording = Recording(
        recording_id=f"rec-{position}",
        segment=0,
        blob_key=f"recordings/north/{student_id}-{position}",
        sha256="0" * 64,
        size=1000,
        content_type="audio/webm",
        duration_ms=3000,
        stored_at=COMPLETED,
    )
    response = Response(
        id=response_id(f"attempt_{student_id}", position),
        attempt_id=f"attempt_{student_id}",
        campus_id="north",
        delivery_id="delivery",
        position=position,
        task=task,
        item_id=f"item{position}",
        item_version=1,
        state=ResponseState.NEEDS_RATER if for_rater else ResponseState.SCORED,
        recordings=(recording,),
        score=score,
    )
    return replace(response, **changes)  # type: ignore[arg-type] # Response's own fields


def sit(services: Services, student_id: str = "asha", *, value: float = 0.74) -> Attempt:
    """The student's attempt, over, with every answer scored."""
    attempt = make_attempt(student_id)
    services.attempts.add(attempt)
    for position in range(len(TASKS)):
        services.responses.add(make_response(student_id, position, value=value))
    return attempt


def releasing(services: Services) -> Releasing:
    return Releasing(
        actor_id=MEERA.account_id,
        attempts=services.attempts,
        releases=services.releases,
        audit_log=services.audit_log,
        now=services.now(),
        new_id=services.new_id,
    )


def contest(services: Services, position: int = 20) -> Response:
    """Meera doubts the first result's score of that answer of Asha's, and has it taken again."""
    result = services.results.find("attempt_asha-1")
    response = services.responses.find(response_id("attempt_asha", position))
    assert result is not None
    assert response is not None
    return score_again(
        actor=MEERA,
        result=result,
        response=response,
        contesting=contesting_of(services),
        now=services.now(),
        new_id=services.new_id,
    )


def release_for(services: Services, *student_ids: str) -> list[str]:
    """A released result for each student; their ids."""
    ids = []
    for student_id in student_ids:
        result = make_result(f"attempt_{student_id}", student_id=student_id)
        services.results.add(result)
        release_result(result=result, releasing=releasing(services))
        ids.append(result.id)
    return ids
