"""A response: what one candidate said, typed or chose at one item, and how its scoring stands.

    draft -> queued                a typed or chosen answer whose item was closed, or whose attempt ended (answers.py)
    queued -> claimed -> scored | needs_rater | failed
    claimed -> queued              a temporary failure, or a worker that died (its lease ran out)
    failed -> queued               "score again"
    failed -> scored               people rated it
    scored, failed -> queued       contested, after the result was settled: a new result then takes its place; also one
                                   that was missing, whose recording came after that
    scored <-> failed              contested where people gave the score: they look at it again, and if it is settled
                                   without that (`waived`), what they gave first counts again
    scored, failed, claimed        its test goes to another speech engine as a whole (ratings/moving.py)
              -> queued
    missing                        no recording came before the upload grace ended; a late one makes it queued;
                                   no typed answer came at all; one that came late makes it queued if staff accept it
    practice                       stored, never scored
    any -> draft                   an answer of a reopened attempt that is made anew; the one handed in before is kept

The first stored recording writes the document: *stored and queued are one write*. A later recording (the rest after a
reload) queues it again. A failed or missing response blocks its attempt's result until it is scored after all, or until
somebody decides to settle without it (`waived_by`). Failing to score is never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backend.core.errors import Conflict, RuleViolation
from backend.scoring.score import ScoreStatus

MAX_TRIES = 4
# Renewed while a worker scores (ratings/lease.py); a dead worker's answer waits this long and a sweep, no more.
LEASE = timedelta(seconds=30)
# What is true of the services and not of the answer: such a try is not counted, and the next one comes soon.
OUTAGES = frozenset(
    {"blob_store_failed", "blob_store_unreachable", "database_unreachable", "database_busy", "queue_unreachable"}
)
OUTAGE_WAIT = timedelta(seconds=10)
MAX_SEGMENTS = 20
MAX_RECORDING_BYTES = 10_000_000
WINDOW_SLACK_MS = 10_000
CONTENT_TYPES = frozenset(
    {"audio/webm", "audio/ogg", "audio/mp4", "audio/mpeg", "audio/aac", "audio/wav", "audio/x-m4a"}
)


# People gave its score, and are asked to look again.
SECOND_LOOK = "second_look"


class ResponseState(StrEnum):
    DRAFT = "draft"
    QUEUED = "queued"
    CLAIMED = "claimed"
    SCORED = "scored"
    NEEDS_RATER = "needs_rater"
    FAILED = "failed"
    MISSING = "missing"
    PRACTICE = "practice"


WAITING = frozenset({ResponseState.DRAFT, ResponseState.QUEUED, ResponseState.CLAIMED})
BLOCKING = frozenset({ResponseState.FAILED, ResponseState.MISSING})
ENDINGS = ("window", "silence", "never_began", "candidate", "aborted", "microphone", "interrupted")
FAULTS = frozenset({"microphone", "interrupted"})  # the microphone went; the page or the device died
JUDGED = frozenset({ResponseState.SCORED, ResponseState.FAILED})  # by the machine, for a result
_CONTESTABLE = JUDGED | {ResponseState.MISSING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A stored, immutable recording under its content hash. `ended_by`: what ended it as the device says, or ""."""

    recording_id: str
    segment: int
    blob_key: str
    sha256: str
    size: int
    content_type: str
    duration_ms: int
    stored_at: datetime
    ended_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was typed or chosen: one text, the text of each gap, or the numbers of options in the item's order.

    Options count from 0; -1 stands for a place that was left empty. See `items.model.AnswerKind` for which is used.
    """

    text: str | None = None
    texts: tuple[str, ...] = ()
    choices: tuple[int, ...] = ()

    @property
    def is_blank(self) -> bool:
        return not (
            (self.text or "").strip()
            or any(text.strip() for text in self.texts)
            or any(choice >= 0 for choice in self.choices)
        )

    @property
    def as_line(self) -> str:
        """As a line of text; options are counted from 1, as candidates see them."""
        chosen = ", ".join(str(choice + 1) if choice >= 0 else "–" for choice in self.choices)
        return self.text or " / ".join(self.texts) or chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What stood in a response until something newer took its place: kept, and never scored again.

    `answer` is None where only the score was taken again: recordings stay in the response anyway.
    """

    replaced_at: datetime
    answer: Answer | None = None
    answered_at: datetime | None = None
    score: Mapping[str, object] | None = None
    evidence_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """`score` is what the scorer gave (see backend.scoring), `evidence_key` the blob with what it was taken from.

    Of typed and chosen answers only: `answer` with its `answer_rank` (the client's sequence as one number) and the
    moment it came; `answer_until`: until when a newer one is written without looking at anything else;
    `window_began_at`: when the item's window began, by the clock under which the answer came (None: not known, or
    stored before it was kept); `window_ends_at`: when it ends; `behind_ms`: how long after that the answer came
    (off-line).
    `judged_at`: when the machine last ended with it, whatever came out.
    `heard_by`: the whole version of what listened, where the machine scored speech (see backend.scoring.evidence).
    `earlier`: what stood here before, the oldest first.
    `student_id` lets that one write check whose answer it is; "" in responses of recordings.
    """

    id: str
    attempt_id: str
    campus_id: str
    delivery_id: str
    position: int
    task: str
    item_id: str
    item_version: int
    state: ResponseState
    recordings: tuple[Recording, ...] = ()
    tries: int = 0
    not_before: datetime | None = None
    lease_until: datetime | None = None
    reason: str | None = None
    score: Mapping[str, object] | None = None
    evidence_key: str | None = None
    waived_by: str | None = None
    waived_at: datetime | None = None
    student_id: str = ""
    answer: Answer | None = None
    answer_rank: int = 0
    answered_at: datetime | None = None
    answer_until: datetime | None = None
    window_began_at: datetime | None = None
    window_ends_at: datetime | None = None
    behind_ms: int = 0
    judged_at: datetime | None = None
    heard_by: str = ""
    earlier: tuple[Earlier, ...] = ()
    revision: int = 0

    def has_recording(self, recording_id: str) -> bool:
        return any(recording.recording_id == recording_id for recording in self.recordings)

    @property
    def is_waiting(self) -> bool:
        return self.state in WAITING

    @property
    def arrived_at(self) -> datetime | None:
        """When the last of it came in."""
        moments = [recording.stored_at for recording in self.recordings]
        return max([*moments, *([self.answered_at] if self.answered_at else [])], default=None)

    @property
    def has_content(self) -> bool:
        """Whether there is something that could be scored: a recording, or a typed or chosen answer."""
        return bool(self.recordings) or self.answer is not None

    @property
    def is_blocking(self) -> bool:
        return self.state in BLOCKING and self.waived_by is None

    @property
    def is_looked_at_again(self) -> bool:
        """Whether it waits for people, who gave its score before: no machine takes their place."""
        return self.state is ResponseState.FAILED and self.reason == SECOND_LOOK

    @property
    def is_cut_off(self) -> bool:
        """Whether the last of what was said ended by a fault, so that nobody knows what would have come."""
        said = self.spoken_segments()
        return bool(said) and said[-1].ended_by in FAULTS

    def spoken_segments(self) -> tuple[Recording, ...]:
        """All recordings as they are heard and played: in the order of segments, several of one as they came."""
        return tuple(sorted(self.recordings, key=lambda recording: recording.segment))

    @property
    def has_rival_takes(self) -> bool:
        """Whether two recordings say that they are the same segment: two pages that did not know of each other."""
        return len({recording.segment for recording in self.recordings}) < len(self.recordings)


def response_id(attempt_id: str, position: int) -> str:
    return f"{attempt_id}:{position}"


def is_rated_by_people(score: Mapping[str, object] | None) -> bool:
    """Whether people gave a score that a response holds, or held."""
    explanation = score.get("explanation") if score is not None else None
    return isinstance(explanation, Mapping) and "rated_by_people" in explanation


def is_recorded_type(content_type: str) -> bool:
    """Whether it is one of the kinds of sound that browsers record."""
    return base_type(content_type) in CONTENT_TYPES


def base_type(content_type: str) -> str:
    """ "audio/webm;codecs=opus" -> "audio/webm"."""
    return content_type.split(";", 1)[0].strip().lower()


def refused(code: str, field: str, text: str) -> RuleViolation:
    """A refusal that names one field."""
    return RuleViolation(code, text, errors={field: [text]})


_OTHER_FILES = (
    b"<",
    b"{",
    b"%PDF",
    b"PK\x03\x04",
    b"#EXTM3U",
    b"#!",
    b"\x7fELF",
    b"MZ",
    b"GIF8",
    b"\x89PNG",
    b"\xff\xd8\xff",
)


def check_sniffed(data: bytes) -> None:
    """Refuses what clearly is another kind of file. The decoder, in its own process, judges the rest."""
    if not data:
        raise refused(
            "empty_recording", "Upload-Length", "The recording is empty. Check the microphone and record again."
        )
    if data[:64].lstrip().startswith(_OTHER_FILES):
        raise refused("not_audio", "Content-Type", "This is not a recording.")


def with_recording(
    response: Response | None, recording: Recording, *, fresh: Response, is_settled: bool, at: datetime
) -> Response:
    """The response with one more recording, queued to be scored; stored already: the same response.

    `fresh` is the response to begin with when there is none. A practice item's is only kept. After the result was
    settled a recording is kept as well, and nothing else moves.
    """
    before = response or fresh
    if before.has_recording(recording.recording_id):
        return before
    after = replace(before, recordings=(*before.recordings, recording), revision=before.revision + 1)
    if is_settled or before.state is ResponseState.PRACTICE:
        return after
    return queued(after, at=at)


def set_aside(response: Response, *, with_answer: bool = False, at: datetime) -> Response:
    """Without its score, and with `with_answer` free for another answer: both are kept as `earlier`. Nothing to keep:
    the same response. The caller raises the revision."""
    answer = response.answer if with_answer else None
    if response.score is None and answer is None:
        return response
    kept = Earlier(
        replaced_at=at,
        answer=answer,
        answered_at=response.answered_at if answer is not None else None,
        score=response.score,
        evidence_key=response.evidence_key,
    )
    return replace(response, score=None, evidence_key=None, earlier=(*response.earlier, kept))


def as_of(response: Response, moment: datetime) -> Response:
    """With the answer and the score that stood then: what a result that was settled at that moment is made of."""
    later = [each for each in response.earlier if each.replaced_at > moment]
    if not later:
        return response
    return replace(
        response,
        answer=next((each.answer for each in later if each.answer is not None), response.answer),
        score=later[0].score,
        evidence_key=later[0].evidence_key,
        earlier=response.earlier[: len(response.earlier) - len(later)],
    )


def queued(response: Response, *, at: datetime) -> Response:
    """To be scored, from the first try on, whatever was decided before; an earlier score is kept. The caller raises
    the revision."""
    return replace(
        set_aside(response, at=at),
        state=ResponseState.QUEUED,
        tries=0,
        not_before=at,
        lease_until=None,
        reason=None,
        waived_by=None,
        waived_at=None,
        heard_by="",
    )


def claimed(response: Response, *, at: datetime) -> Response | None:
    """Claimed by a worker until its lease ends; None when there is nothing to claim now."""
    if response.state is not ResponseState.QUEUED or (response.not_before is not None and at < response.not_before):
        return None
    return _changed(
        response, state=ResponseState.CLAIMED, tries=response.tries + 1, lease_until=at + LEASE, not_before=None
    )


def scored(response: Response, *, score: Mapping[str, object], evidence_key: str) -> Response:
    return _changed(
        response, state=ResponseState.SCORED, score=score, evidence_key=evidence_key, lease_until=None, reason=None
    )


def left_to_rater(
    response: Response, *, score: Mapping[str, object], evidence_key: str, reason: str | None
) -> Response:
    """Recorded for people; `score` has no points, only what may help them."""
    return _changed(
        response,
        state=ResponseState.NEEDS_RATER,
        score=score,
        evidence_key=evidence_key,
        lease_until=None,
        reason=reason,
    )


def rated(response: Response, *, score: Mapping[str, object]) -> Response:
    """Scored by people, where the machine did not trust itself: nothing is held back, and no waiver is needed."""
    if response.state is not ResponseState.FAILED:
        raise Conflict("not_ratable", "This answer needs no rater any more.")
    return _changed(
        response,
        state=ResponseState.SCORED,
        score=score,
        reason=None,
        waived_by=None,
        waived_at=None,
        not_before=None,
        heard_by="",
    )


def failed(
    response: Response, *, reason: str, score: Mapping[str, object] | None = None, evidence_key: str | None = None
) -> Response:
    """Another try would end the same way: a person decides. Never a zero: a `score` here has no points."""
    return _changed(
        response,
        state=ResponseState.FAILED,
        score=score,
        evidence_key=evidence_key,
        reason=reason,
        lease_until=None,
        not_before=None,
    )


def put_back(response: Response, *, reason: str, wait: timedelta, at: datetime) -> Response:
    """Queued again after a temporary failure; failed for good after MAX_TRIES. An outage is no failure of the answer:
    it is waited out, however long it takes."""
    if reason in OUTAGES:
        tries, wait = max(0, response.tries - 1), min(wait, OUTAGE_WAIT)
        return _changed(
            response,
            state=ResponseState.QUEUED,
            tries=tries,
            not_before=at + wait,
            lease_until=None,
            reason=reason,
        )
    if response.tries >= MAX_TRIES:
        return failed(response, reason=reason)
    return _changed(response, state=ResponseState.QUEUED, not_before=at + wait, lease_until=None, reason=reason)


def backoff(tries: int) -> timedelta:
    """How long to wait after the n-th try: 10 s, 40 s, 160 s ..."""
    return timedelta(seconds=10 * 4 ** max(0, tries - 1))


def asked_again(response: Response, *, at: datetime) -> Response:
    """Queued by a person after a failure. On its way already: the same response. Refused where nothing failed, and
    where people look again."""
    if response.is_waiting:
        return response
    if response.is_looked_at_again:
        raise Conflict("left_to_people", "People judge this answer: it is among the answers for raters.")
    if not response.has_content or response.state is not ResponseState.FAILED:
        raise Conflict("nothing_to_score", "There is no failed answer to score again.")
    return requeued(response, at=at)


def contested(response: Response, *, at: datetime) -> Response:
    """Queued by a person who doubts its score, or its failure, after the result was settled, or who has what came after
    that counted; what people scored goes to people again instead. On its way already: the same response. Refused where
    there is nothing to score."""
    if response.is_waiting or response.is_looked_at_again:
        return response
    if not response.has_content or response.state not in _CONTESTABLE:
        raise Conflict("nothing_to_score", "There is no answer that could be scored again.")
    if is_rated_by_people(response.score):
        return _left_to_people(response, at=at)
    return requeued(response, at=at)


def _left_to_people(response: Response, *, at: datetime) -> Response:
    """Without points until they look again. What helps raters stays; the score that counted is kept as `earlier`."""
    held = {**(response.score or {}), "status": ScoreStatus.NEEDS_HUMAN.value, "points": {}, "reason": SECOND_LOOK}
    return failed(set_aside(response, at=at), reason=SECOND_LOOK, score=held, evidence_key=response.evidence_key)


def _as_rated_first(response: Response) -> Response:
    *before, first = response.earlier
    return _changed(
        response,
        state=ResponseState.SCORED,
        score=first.score,
        evidence_key=first.evidence_key,
        earlier=tuple(before),
        reason=None,
    )


def requeued(response: Response, *, at: datetime) -> Response:
    """Queued, whatever its state: what a worker that has it in hand finds is not saved."""
    return replace(queued(response, at=at), revision=response.revision + 1)


def waived(response: Response, *, by: str, at: datetime) -> Response:
    """The result is to be settled without this response, or without a second look at it: a person's decision. Safe to
    repeat."""
    if response.state not in BLOCKING:
        raise Conflict("not_blocking", "This answer does not hold the result back.")
    if response.is_looked_at_again:
        return _as_rated_first(response)
    if response.waived_by is not None:
        return response
    return _changed(response, waived_by=by, waived_at=at)


def missing(fresh: Response, *, reason: str = "no_recording") -> Response:
    return replace(fresh, state=ResponseState.MISSING, reason=reason)


def _changed(response: Response, **changes: object) -> Response:
    return replace(response, revision=response.revision + 1, **changes)  # type: ignore[arg-type] # as in model.py
