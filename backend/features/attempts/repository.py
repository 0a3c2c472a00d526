"""What we need from storage, and of the forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from backend.features.assessments.model import Delivery
from backend.features.attempts.model import Attempt, AttemptState, Conditions
from backend.features.attempts.paper import Paper
from backend.features.attempts.recordings.model import Upload
from backend.features.attempts.responses import Answer, Response, ResponseState

if TYPE_CHECKING:
    from backend.features.attempts.late.model import LateAnswer


class Attempts(Protocol):
    """Writes are compare-and-set: they happen only over the revision that was read."""

    def find(self, attempt_id: str) -> Attempt | None: ...

    def add(self, attempt: Attempt) -> None:
        """Raises Conflict when the student has an attempt of that number at that delivery."""

    def save(self, attempt: Attempt, *, seen: Attempt) -> bool:
        """Writes the attempt if its stored revision still is that of `seen`; says whether it did."""

    def list_by_student(self, delivery_id: str, student_id: str) -> Sequence[Attempt]:
        """By number."""

    def list_by_delivery(self, delivery_id: str) -> Sequence[Attempt]: ...

    def list_all_of_student(self, student_id: str) -> Sequence[Attempt]: ...

    def list_due(self, state: AttemptState, *, at: datetime, limit: int) -> Sequence[Attempt]:
        """Attempts in that state whose `due_at` has come, the longest due first."""


class Responses(Protocol):
    """As Attempts: a response is written only over the revision that was read."""

    def find(self, response_id: str) -> Response | None: ...

    def add(self, response: Response) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def save(self, response: Response, *, seen: Response) -> bool: ...

    def list_by_attempt(self, attempt_id: str) -> Sequence[Response]:
        """By position."""

    def list_by_attempts(self, attempt_ids: Sequence[str]) -> Sequence[Response]:
        """Of all of them, in one query; in no order."""

    def list_by_delivery(self, delivery_id: str, states: Sequence[ResponseState]) -> Sequence[Response]: ...

    def count_by_attempt(self, attempt_id: str) -> Mapping[ResponseState, int]:
        """How many responses are in each state; states without any are left out."""

    def count_by_delivery(self, delivery_id: str) -> Mapping[str, Mapping[ResponseState, int]]:
        """The same for each attempt of a delivery."""

    def recall_counts(self, delivery_id: str, attempt_ids: Sequence[str]) -> Mapping[str, Mapping[ResponseState, int]]:
        """As `count_by_attempt` last told of each of these attempts of the delivery; counted now where it never did.
        For display: responses that moved since without being counted are not in it."""

    def list_waiting(self, *, at: datetime, limit: int) -> Sequence[Response]:
        """Queued responses that may be claimed at that moment, the longest waiting first."""

    def count_in(self, delivery_id: str, state: ResponseState) -> int:
        """How many responses of a delivery are in a state."""

    def count_heard_by(self, delivery_id: str, version: str) -> int:
        """Answers that have a verdict by that version of what listens (`heard_by`). Looks at all of the delivery."""

    def find_longest_waiting(self, delivery_id: str) -> Response | None:
        """The queued response of a delivery whose turn came first."""

    def count_waiting(self) -> int:
        """Queued and claimed responses of the whole installation."""

    def count_judged_since(self, moment: datetime, *, at: datetime) -> int:
        """Responses of the whole installation that the machine ended with after `moment`, up to `at`."""

    def list_abandoned(self, *, at: datetime, limit: int) -> Sequence[Response]:
        """Claimed responses whose lease has run out."""

    def renew_lease(self, response_id: str, *, seen_revision: int, lease_until: datetime) -> bool:
        """Moves a claim's end if the response still is as it was claimed; says whether it did. The revision stays."""

    def save_answer(self, response_id: str, *, student_id: str, answer: Answer, rank: int, now: datetime) -> bool:
        """Writes the answer if the response is that student's, `now` is before its `answer_until` and `rank` is above
        its `answer_rank`; says whether it did. One conditional write, nothing read; raises the revision."""

    def hand_in(self, response_id: str, *, now: datetime) -> bool:
        """Makes a draft queued; says whether it was one. One conditional write; raises the revision."""

    def move_answer_limit(
        self, response_id: str, *, window_began_at: datetime, window_ends_at: datetime, answer_until: datetime
    ) -> bool:
        """Gives a draft another end; says whether it was one. Where its answer came while the window began at another
        moment (the clock stood since), `answer_until` is None: the next save has to look, and writes both. One
        conditional write, or two; raises the revision."""


class LateAnswers(Protocol):
    """Answers that came after their time, one an item. Written over the revision that was read."""

    def find(self, late_id: str) -> "LateAnswer | None": ...

    def add(self, late: "LateAnswer") -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def save(self, late: "LateAnswer", *, seen: "LateAnswer") -> bool: ...

    def list_by_delivery(self, delivery_id: str) -> "Sequence[LateAnswer]": ...


class Uploads(Protocol):
    """Recordings of which a part has arrived. Writes are compare-and-set, as above."""

    def find(self, upload_id: str) -> Upload | None: ...

    def add(self, upload: Upload) -> bool:
        """Adds it if there is none with its id; says whether it did."""

    def save(self, upload: Upload, *, seen: Upload) -> bool: ...

    def list_by_attempt(self, attempt_id: str) -> Sequence[Upload]: ...

    def list_by_attempts(self, attempt_ids: Sequence[str]) -> Sequence[Upload]:
        """Of all of them, in one query; in no order."""

    def remove(self, upload_id: str) -> None:
        """Safe to repeat."""


class GrantedConditions(Protocol):
    """What staff granted a student, told by the feature that has it (accommodations)."""

    def find(self, student_id: str) -> Conditions:
        """The usual conditions where nothing was granted."""

    def list_by_campus(self, campus_id: str) -> Mapping[str, Conditions]:
        """By student, of those to whom something was granted that is in force."""


class ReleasedAttempts(Protocol):
    """Whose results are out, told by the feature that has them (results)."""

    def is_released(self, attempt_id: str) -> bool:
        """Whether the student may see a result of this attempt."""


class Papers(Protocol):
    """Forms as papers, told by the feature that has them (items)."""

    def get(self, form_id: str) -> Paper:
        """Raises NotFound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message to a candidate who has not said yet that it was seen."""

    id: str
    text: str
    is_urgent: bool
    sent_at: datetime


class Oversight(Protocol):
    """Those who oversee an exam, told by the feature that has them (invigilation)."""

    def list_notices(self, delivery_id: str, student_id: str, *, now: datetime) -> Sequence[Notice]:
        """The oldest first. Asked at every heartbeat: may be a second old."""

    def is_identity_checked(self, delivery_id: str, student_id: str) -> bool: ...

    def note_refusal(self, delivery: Delivery, student_id: str, code: str, *, now: datetime) -> None:
        """A candidate was turned away by the delivery's conditions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """As much of a student as an exam needs."""

    student_id: str
    campus_id: str
    batch_id: str | None
    name: str
    roll_number: str


class Candidates(Protocol):
    """Students as candidates, told by the feature that has them (students)."""

    def find(self, student_id: str) -> Candidate | None: ...

    def list_by_batch(self, batch_id: str) -> Sequence[Candidate]:
        """By roll number."""
