"""What Viva needs from the outside, one Protocol a port. Adapters raise AdapterError, never a vendor's error."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobInfo:
    size: int
    content_type: str


class Blobs(Protocol):
    """Objects by key. Keys with a content hash are written once and never change."""

    def put(self, key: str, data: bytes, *, content_type: str) -> None: ...

    def get(self, key: str) -> bytes:
        """The whole object; NotFound-like absence is PermanentFailure("blob_missing")."""

    def find(self, key: str) -> BlobInfo | None: ...

    def delete(self, key: str) -> None:
        """Safe to repeat."""

    def presign_get(self, key: str, *, now: datetime) -> str:
        """An address for one object, at most 5 minutes."""

    def check(self) -> None:
        """Raises AdapterError when the store cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message to one person. `idempotency_key` is stable over retries of the same message."""

    to_address: str
    to_name: str
    subject: str
    text: str
    html: str
    idempotency_key: str
    attachments: Sequence[Attachment] = field(default_factory=tuple)


class Mailer(Protocol):
    """`key_lifetime` is for how long the provider recognises a repeated `idempotency_key`; zero: it never does."""

    key_lifetime: timedelta

    def send(self, mail: Mail, *, now: datetime) -> str:
        """The provider's message id.

        PermanentFailure: never will go. TemporaryFailure: did not go, may be tried again; of these OverQuota: the
        provider takes nothing for now, OutcomeUnknown: it may have gone.
        """


class Feed(Protocol):
    """Live events to whoever joined `room`. Best effort: a lost event costs nothing, a snapshot follows on join.

    Staff's pages are in the namespace "/live", candidates' in "/exam".
    """

    def publish(self, room: str, event: str, payload: Mapping[str, object], *, namespace: str = "/live") -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceMark:
    """What a candidate's client last said of itself."""

    seen_at: datetime
    position: int
    uploads_pending: int
    microphone: str


class Presence(Protocol):
    """Who is here now; short-lived, not a record."""

    def mark(self, attempt_id: str, mark: PresenceMark) -> None: ...

    def read(self, attempt_ids: Sequence[str]) -> Mapping[str, PresenceMark]:
        """Those that said something within the last hour."""


class Tallies(Protocol):
    """What was last counted of an attempt's responses, by state: for display only, so that nobody counts twice."""

    def keep(self, attempt_id: str, counts: Mapping[str, int]) -> None:
        """Best effort."""

    def read(self, attempt_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """Those that are known; none when they cannot be read."""


class Jobs(Protocol):
    """The task queue. A job may run twice and may be lost: the sweep finds what a crash left behind."""

    def enqueue(self, job: str, *args: str, delay_s: float = 0) -> None:
        """`job` is the task's name, e.g. "ratings.score_response"; arguments are ids."""

    def waiting(self, job: str) -> int:
        """About how many jobs wait in that one's queue: its sweep hands none over while many do."""


class Passwords(Protocol):
    """Slow, salted password hashes."""

    def hash(self, password: str) -> str: ...

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password. None, for an account that is not there, takes as long and is False."""

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in on one browser: the family of all tokens that were made from it.

    `refresh_id` names the refresh token that is valid now, `previous_refresh_id` the one before it; `is_confirmed` is
    whether the browser has shown that it received the present one. `limited_to` is "" for a full session, else the one
    thing that it may do. `csrf` is the double-submit token, the same for the whole life of the session.
    """

    id: str
    account_id: str
    role: str
    campus_id: str | None
    display_name: str
    csrf: str
    client: str
    refresh_id: str
    previous_refresh_id: str
    is_confirmed: bool
    rotated_at: datetime
    started_at: datetime
    limited_to: str = ""


class Sessions(Protocol):
    """Who is signed in. What is not here is signed out: revocation is removal, and works at once."""

    def add(self, session: Session) -> None: ...

    def find(self, session_id: str) -> Session | None: ...

    def confirm(self, session_id: str, refresh_id: str) -> None:
        """Notes that the browser has this refresh token; nothing when it is not the present one."""

    def rotate(self, session_id: str, *, seen: str, successor: str, now: datetime) -> bool:
        """Makes `successor` the present refresh token and `seen` the previous one, if `seen` is the present one, or
        is the previous one and the present one was never confirmed. Atomic; whether it did. Prolongs the session.
        """

    def revoke(self, session_id: str) -> None:
        """Signs this browser out. Safe to repeat."""

    def revoke_account(self, account_id: str, *, but: str | None = None) -> None:
        """Signs the account out everywhere, but for the session `but`. Safe to repeat."""

    def revoke_campus(self, campus_id: str) -> None:
        """Signs out everybody of the campus. Looks at every session: for what happens rarely. Safe to repeat."""

    def hang_up(self, account_id: str) -> None:
        """Cuts the account's live connections; it stays signed in and may connect again."""

    def list_gone(self, session_ids: Sequence[str]) -> Sequence[str]:
        """Those of them that are not there any more."""

    def hear_endings(self, *, wait_s: float) -> Sequence[str]:
        """The sessions that ended, or were to be cut off, since the last call; waits at most `wait_s` for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a prompt says: phrases with a pause between them, after a lead-in of silence."""

    phrases: tuple[str, ...]
    pause_ms: int = 0
    lead_in_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenAudio:
    """One script as sound; `duration_ms` is that of the sound itself."""

    data: bytes
    content_type: str
    extension: str
    duration_ms: int


class Voice(Protocol):
    """Speaks scripts. `version` names engine, model and encoding: another version is another sound."""

    @property
    def version(self) -> str: ...

    def speak(self, scripts: Sequence[Script]) -> Iterator[SpokenAudio]:
        """The sound of each script, in order, each as soon as it is ready."""


class Spreadsheets(Protocol):
    """Tables that people bring: XLSX, ODS, CSV in any of the usual encodings and separators."""

    def read_rows(self, data: bytes) -> Sequence[Sequence[str]]:
        """The first sheet, every cell as the text that a person sees, rows as in the file, empty ones too.

        RuleViolation with a code and what to do for what is no table, is too large, protected, or built to harm:
        `file_empty`, `file_unreadable`, `file_too_large`, `file_protected`, `file_hostile`, `too_many_rows`,
        `too_many_columns`, `cell_too_long`.
        """

    def roster_template(self) -> bytes:
        """An XLSX with the headings of a roster, for a college to fill in."""


class Typesetter(Protocol):
    """Tagged PDFs from the templates in frontend_templates/reports/<template>/."""

    def render(self, template: str, data: Mapping[str, object], *, made_at: datetime) -> bytes:
        """`data` is anything that JSON holds. The same template, data and date give the same bytes."""
