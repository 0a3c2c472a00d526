"""A small exam on memory services: a delivery, its paper, the cast, and a browser signed in by header."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, g, request
from flask.testing import FlaskClient

from backend.core.actor import Actor, Role
from backend.features.assessments.model import Delivery, DeliveryState
from backend.features.attempts.engine.moves import Move, MoveKind
from backend.features.attempts.model import Attempt, AttemptState
from backend.features.attempts.paper import Demonstration, Paper, PaperItem, PaperSection
from backend.features.attempts.recordings import usecases as recordings
from backend.features.attempts.recordings.model import Upload
from backend.features.attempts.recordings.usecases import Receipt, Shelves
from backend.features.items.model import AnswerKind
from backend.features.students.model import Student, StudentState

OPENS = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
CLOSES = OPENS + timedelta(hours=2)
ALLOWED = timedelta(minutes=20)
# Dated then, a move gets the moment at which it arrives.
LATER = "2999-01-01T00:00:00Z"
WEBM = b"\x1a\x45\xdf\xa3" + bytes(range(256)) * 4

ASHA = Actor(account_id="asha", role=Role.STUDENT, campus_id="north", display_name="Asha Rao")
RAVI = Actor(account_id="ravi", role=Role.STUDENT, campus_id="north", display_name="Ravi Nair")
SALMA = Actor(account_id="salma", role=Role.STUDENT, campus_id="south", display_name="Salma Khan")
MEERA = Actor(account_id="meera", role=Role.CAMPUS, campus_id="north", display_name="Meera Iyer")
OMAR = Actor(account_id="omar", role=Role.CAMPUS, campus_id="south", display_name="Omar Said")
SUSHMA = Actor(account_id="sushma", role=Role.SUPERADMIN, campus_id=None, display_name="Sushma Das")
CAST: Mapping[str, Actor] = {actor.account_id: actor for actor in (ASHA, RAVI, SALMA, MEERA, OMAR, SUSHMA)}


def make_item(position: int, *, letter: str = "A", task: str = "repeat", practice: bool = False) -> PaperItem:
    return PaperItem(
        position=position,
        section_letter=letter,
        number=position + 1,
        of=4,
        task=task,
        practice=practice,
        text=f"secret-text-{position}" if task == "read_aloud" else None,
        prompt_key=f"prompts/secret-prompt-{position}.ogg",
        prompt_content_type="audio/ogg",
        prompt_ms=2_000,
        window_ms=8_000,
        begin_within_ms=4_000,
        silence_end_ms=2_000,
        item_id=f"item{position}",
        item_version=1,
    )


def make_paper(form_id: str = "form_one", *, tasks: tuple[str, ...] = ("repeat",) * 4, practice: int = 0) -> Paper:
    """One section of as many items as tasks; the first `practice` of them are for practice."""
    items = tuple(make_item(n, task=task, practice=n < practice) for n, task in enumerate(tasks))
    section = PaperSection(
        letter="A",
        title="Repeat",
        task=tasks[0],
        instructions="Repeat what you hear.",
        example="",
        instructions_audio_key="prompts/instructions-a.ogg",
        first_position=0,
        item_count=len(items),
        practice_count=practice,
    )
    demonstration = Demonstration(title="How it sounds", text="Repeat after me.", audio_key="prompts/demo.ogg")
    return Paper(
        form_id=form_id,
        sections=(section,),
        items=items,
        demonstration=demonstration,
        allowed=ALLOWED,
        scale="versant_style_20_80",
    )


PART_MS = 120_000


def make_parts_paper(*, goes_on_offline: bool = True, ends_with_part: bool = False) -> Paper:
    """A spoken item, a part of three that are typed within one time limit, and another spoken item (or none)."""
    plain = make_paper(tasks=("repeat",) + ("essay",) * 3 + ("repeat",) * (not ends_with_part))
    items = tuple(
        item
        if item.task == "repeat"
        else replace(
            item, section_letter="B", answer_kind=AnswerKind.TEXT, prompt_key=None, prompt_ms=0, window_ms=PART_MS
        )
        for item in plain.items
    )
    first = replace(plain.sections[0], item_count=1)
    part = replace(first, letter="B", task="essay", first_position=1, item_count=3, time_limit_ms=PART_MS)
    last = replace(first, letter="C", first_position=4)
    sections = (first, part) if ends_with_part else (first, part, last)
    return replace(plain, sections=sections, items=items, goes_on_offline=goes_on_offline)


def make_delivery(delivery_id: str = "delivery", **changes: object) -> Delivery:
    values: dict[str, object] = {
        "id": delivery_id,
        "campus_id": "north",
        "batch_id": "batch_one",
        "title": "Spoken English",
        "format_id": "versant_style_short",
        "format_version": "1",
        "form_ids": ("form_one", "form_two"),
        "opens_at": OPENS,
        "closes_at": CLOSES,
        "time_zone": "Asia/Kolkata",
        "attempts_allowed": 1,
        "state": DeliveryState.SCHEDULED,
        "created_by": "meera",
        "created_at": OPENS - timedelta(days=1),
    }
    return Delivery(**(values | changes))  # type: ignore[arg-type]


def furnish(services: Any, *, delivery: Delivery | None = None, paper: Paper | None = None) -> Any:
    """Puts the delivery, two parallel forms and the cast of students into memory services (Any: they can do more)."""
    first = paper or make_paper("form_one")
    services.papers.add(first)
    services.papers.add(replace(first, form_id="form_two"))
    store_sounds(services, first)
    services.deliveries.add(delivery or make_delivery())
    for actor, batch, roll in ((ASHA, "batch_one", "N-01"), (RAVI, "batch_one", "N-02"), (SALMA, "batch_two", "S-01")):
        services.students.add(
            Student(
                id=actor.account_id,
                campus_id=actor.campus_id or "",
                batch_id=batch,
                roll_number=roll,
                name=actor.display_name,
                email=None,
                login=f"{actor.account_id}@north",
                state=StudentState.ACTIVE,
                roll_key=roll.lower(),
                name_key=actor.display_name.lower(),
                created_at=OPENS,
            )
        )
    return services


def store_sounds(services: Any, paper: Paper) -> None:
    """A sound for every prompt of the paper."""
    for item in paper.items:
        if item.prompt_key is not None:
            services.blobs.put(item.prompt_key, f"sound of {item.prompt_key}".encode(), content_type="audio/ogg")


def sign_in_by_header(app: Flask) -> None:
    """Who asks is in the header X-Actor: these tests are about what follows signing in."""

    def load_actor() -> None:
        if "X-Actor" in request.headers:
            g.actor = CAST[request.headers["X-Actor"]]

    app.before_request_funcs.setdefault(None, []).insert(0, load_actor)


@dataclass(slots=True, kw_only=True)
class Browser:
    """A browser signed in as one of the cast; None is nobody. `epoch` is the lease that its page was given; None: the
    one that the attempt has."""

    http: FlaskClient
    actor: str | None
    epoch: int | str | None = None

    def get(self, path: str):
        return self.http.get(path, headers=self._headers())

    def post(self, path: str, body: object = None):
        return self.http.post(path, json=body if body is not None else {}, headers=self._lease(path) | self._headers())

    def move(self, path: str, kind: str, position: int, *, at: str = LATER):
        """One move, dated now unless `at` (ISO) says otherwise: the server takes no moment after its own."""
        return self.move_all(path, [(kind, position)], at=at)

    def move_all(self, path: str, moves: Sequence[tuple[str, int]], *, at: str = LATER):
        listed = [{"kind": kind, "position": position, "at": at} for kind, position in moves]
        return self.post(f"{path}/moves", {"moves": listed})

    def send(self, path: str, data: bytes = WEBM, *, offset: int = 0, until: int | None = None, **changes: object):
        """PUTs a recording, or its bytes from `offset` up to `until`."""
        announced = announce(data, **changes)  # type: ignore[arg-type] # the announcement's own names
        headers = recording_headers(announced, offset=offset) | self._headers()
        return self.http.put(f"{path}/recordings/{announced['recording_id']}", data=data[offset:until], headers=headers)

    def post_form(self, path: str, **form: str):
        return self.http.post(path, data=form, headers=self._headers())

    def _lease(self, path: str) -> dict[str, str]:
        """As a page that was opened last."""
        parts = path.split("/")
        attempts = self.http.application.extensions["viva"].attempts
        attempt = attempts.find(parts[3]) if parts[1:3] == ["api", "attempts"] else None
        return {"X-Attempt-Epoch": str(attempt.epoch if attempt else 0)}

    def _headers(self) -> dict[str, str]:
        lease = {} if self.epoch is None else {"X-Attempt-Epoch": str(self.epoch)}
        return lease if self.actor is None else lease | {"X-Actor": self.actor}


def announce(data: bytes = WEBM, *, recording_id: str = "rec-00000001", position: int = 0, **changes: object):
    """What is said of a recording before its bytes come."""
    body: dict[str, object] = {
        "recording_id": recording_id,
        "position": position,
        "segment": 0,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "content_type": "audio/webm;codecs=opus",
        "duration_ms": 3_000,
    }
    return body | changes


def recording_headers(announced: Mapping[str, object], *, offset: int = 0) -> dict[str, str]:
    """The same as the headers of a PUT."""
    names = {
        "Upload-Length": "size",
        "Upload-Digest": "sha256",
        "X-Position": "position",
        "X-Segment": "segment",
        "X-Duration-Ms": "duration_ms",
        "Content-Type": "content_type",
    }
    if "ended_by" in announced:
        names["X-Ended-By"] = "ended_by"
    return {"Upload-Offset": str(offset)} | {name: str(announced[field]) for name, field in names.items()}


def make_attempt(attempt_id: str = "a1", **changes: Any) -> Attempt:
    """Asha's first attempt, entered and not begun; in no storage."""
    attempt = Attempt(
        id=attempt_id,
        delivery_id="delivery",
        campus_id="north",
        student_id="asha",
        number=1,
        form_id="form_one",
        state=AttemptState.CHECKING,
        created_at=OPENS,
    )
    return replace(attempt, **changes)


def make_move(kind: str, position: int, *, at: datetime = OPENS) -> Move:
    return Move(kind=MoveKind(kind), position=position, at=at)


def make_upload(attempt: Attempt, data: bytes = WEBM, *, at: datetime = OPENS, **changes: Any) -> Upload:
    return Upload(attempt_id=attempt.id, campus_id=attempt.campus_id, registered_at=at, **announce(data, **changes))


def receive(services: Any, attempt: Attempt, data: bytes = WEBM, *, at: datetime = OPENS, **changes: Any) -> Receipt:
    """The whole recording in one request, as the client sends most of them."""
    return recordings.receive(
        attempt=attempt,
        announced=make_upload(attempt, data, at=at, **changes),
        offset=0,
        data=data,
        paper=services.papers.get(attempt.form_id),
        shelves=shelves_of(services),
        now=at,
    )


def shelves_of(services: Any) -> Shelves:
    return Shelves(
        responses=services.responses,
        late_answers=services.late_answers,
        uploads=services.uploads,
        blobs=services.blobs,
        jobs=services.jobs,
    )
