"""What the list of answers that hold a result back says, and where an attempt stands on the way to its result. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backend.features.attempts.answers import ANSWER_GRACE, follow_until
from backend.features.attempts.engine.moves import catches_up_until
from backend.features.attempts.model import REVIEW_PAUSE, Attempt
from backend.features.attempts.paper import Paper
from backend.features.attempts.recordings.model import Upload
from backend.features.attempts.responses import SECOND_LOOK, Response, ResponseState

# The rest of an answer stored in part is waited for this long; an answer of which nothing came, the whole grace.
REST_GRACE = timedelta(hours=1)


class Outlook(StrEnum):
    """What an attempt that is over waits for. `moves`: the candidate may have gone on off-line before the deadline."""

    MOVES = "moves"
    UPLOADS = "uploads"
    SCORING = "scoring"
    PERSON = "person"
    RESULT = "result"


# What comes from the candidate's device, if it comes.
DEVICE = frozenset({Outlook.MOVES, Outlook.UPLOADS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """`next_at`: when to look again; None: only a person can move it. `absent`: opened items with no recording."""

    outlook: Outlook
    next_at: datetime | None
    absent: tuple[int, ...] = ()


def review(
    attempt: Attempt, paper: Paper, responses: Sequence[Response], uploads: Sequence[Upload], *, at: datetime
) -> Review:
    """How an attempt that is over stands. Items that were never opened have no response and hold nothing back, once no
    moves can come any more that open them.

    Only recordings are waited for: of a typed answer that did not come in time, nothing comes that would be scored.
    """
    by_position = {response.position: response for response in responses}
    absent = tuple(
        item.position
        for item in paper.items
        if not item.practice and attempt.was_opened(item.position) and item.position not in by_position
    )
    waits_until = _waits_until(attempt, absent, by_position, uploads, paper)
    if waits_until is not None and at < waits_until:
        return Review(outlook=Outlook.UPLOADS, next_at=waits_until, absent=absent)
    reached_by = moves_until(attempt, paper)
    if reached_by is not None and at < reached_by:
        return Review(outlook=Outlook.MOVES, next_at=reached_by)
    typed_until = _typed_until(attempt, paper)
    if typed_until is not None and at < typed_until:
        return Review(outlook=Outlook.SCORING, next_at=typed_until)
    if any(response.is_waiting for response in responses):
        return Review(outlook=Outlook.SCORING, next_at=at + REVIEW_PAUSE, absent=absent)
    if absent or any(response.is_blocking for response in responses):
        return Review(outlook=Outlook.PERSON, next_at=None, absent=absent)
    return Review(outlook=Outlook.RESULT, next_at=at + REVIEW_PAUSE)


def moves_until(attempt: Attempt, paper: Paper) -> datetime | None:
    """Until when its result waits for moves, and a little longer, for those on their way; None when all was opened."""
    until = catches_up_until(attempt, paper)
    return None if until is None or attempt.was_opened(paper.total_items - 1) else until + ANSWER_GRACE


def _typed_until(attempt: Attempt, paper: Paper) -> datetime | None:
    """Until when typed answers are taken after the end; None in a spoken test."""
    if paper.is_spoken or attempt.submitted_at is None:
        return None
    following = follow_until(attempt) if paper.goes_on_offline else None
    return max(attempt.submitted_at, following or attempt.submitted_at) + ANSWER_GRACE


def _waits_until(
    attempt: Attempt,
    absent: Sequence[int],
    by_position: Mapping[int, Response],
    uploads: Sequence[Upload],
    paper: Paper,
) -> datetime | None:
    """Until when recordings are still waited for; None when none is."""
    if any(paper.items[position].is_spoken for position in absent):
        return attempt.upload_until
    arriving = any(
        upload.position in by_position
        and not paper.items[upload.position].practice
        and not by_position[upload.position].has_recording(upload.recording_id)
        for upload in uploads
    )
    return attempt.submitted_at + REST_GRACE if arriving and attempt.submitted_at is not None else None


class Trouble(StrEnum):
    """Why an answer has no score, in the order in which the list shows it."""

    FAILED = "failed"
    MISSING = "missing"
    NEEDS_RATER = "needs_rater"


# Reasons in plain words, for the campus admin: what happened, and what to do. Codes come from the speech adapter, the
# scorers and ourselves; one that is not here is shown by `reason_text`'s last resort.
REASONS: Mapping[str, str] = {
    "empty": "The recording is empty. Listen to it; if there is nothing, settle without it.",
    "empty_recording": "The recording is empty. Listen to it; if there is nothing, settle without it.",
    "not_audio": "The file is not a recording that can be played.",
    "decode_failed": "The recording is damaged and could not be read.",
    "too_long": "The recording is longer than any answer can be.",
    "decoder_died": "Reading the recording took too much time or memory. Score it again.",
    "microphone_silent": "The microphone delivered no sound at all: probably muted or unplugged.",
    "noise_only": "There is noise, and no voice that could be scored.",
    "prompt_played_back": "The recording holds the prompt itself, played back. Listen; a person decides.",
    "two_voices": "A second voice speaks a part of the answer. Listen; a person decides.",
    "two_takes": "Two recordings say that they are the same part of the answer. Listen to each; a person decides.",
    "long_silence": "There is a long silence, and nothing that the machine would count. Listen; a person decides.",
    "truncated": "The recording breaks off in the middle of the answer, or before it.",
    "too_short": "The recording is too short to be judged.",
    "too_quiet": "The voice is too quiet to be judged.",
    "noisy": "There is too much noise to judge the voice.",
    "nothing_recognised": "Somebody speaks, and no word could be recognised.",
    "not_aligned": "The words could not be matched to the sound.",
    "low_confidence": "The machine does not trust its own score of this answer.",
    "model_missing": "The speech models are not installed. Run make up; then score it again.",
    "model_altered": "A speech model is damaged. Run make up; then score it again.",
    "calibration_unusable": "The calibration cannot be used. SPEECH_CALIBRATION needs a look; then score it again.",
    "engine_unreachable": "The speech service does not answer. The answer waits for it.",
    "engine_timeout": "The speech service took too long. The answer waits for it.",
    "engine_refused": "The speech service refuses our key. Its settings need a look; then score it again.",
    "engine_not_set_up": "The speech service is not set up. Its settings need a look; then score it again.",
    "engine_not_installed": "The speech service’s package is not installed. Ask for support; then score it again.",
    "engine_not_loaded": "The speech engine does not start. Ask for support; then score it again.",
    "engine_failed": "The speech engine ended with an error of its own. If that goes on, ask for support.",
    "engine_reply_unreadable": "The speech service’s reply was not understood. If that goes on, ask for support.",
    "blob_missing": "The stored recording was not found. Score it again; if that fails, ask for support.",
    "blob_store_failed": "The store of recordings did not answer. Score it again.",
    "blob_store_unreachable": "The store of recordings did not answer. Score it again.",
    "blob_store_refused": "The store of recordings refused access. Its settings need a look; then score it again.",
    "database_unreachable": "The database did not answer. Score it again.",
    "database_busy": "The database was busy. Score it again.",
    "answer_key_missing": "This item has no answer key. Add it to the item bank; then score it again.",
    "unknown_task": "No scorer knows this kind of item.",
    "worker_lost": "Scoring was interrupted several times. Score it again.",
    SECOND_LOOK: "People judge this answer once more. Settled without that, what they gave first counts.",
    "no_recording": "No recording arrived before the time for uploads was over.",
    "no_answer": "Nothing was received for this item while it could be answered.",
    "no_speech": "No speech was found.",
}


# What says that the speech engine failed, and not the answer.
ENGINE_REASONS = frozenset(
    {
        "model_missing",
        "model_altered",
        "calibration_unusable",
        "engine_unreachable",
        "engine_timeout",
        "engine_refused",
        "engine_not_set_up",
        "engine_not_installed",
        "engine_not_loaded",
        "engine_failed",
        "engine_reply_unreadable",
    }
)
ENGINE_NAMES: Mapping[str, str] = {
    "offline": "Viva’s own",
    "local_whisper": "Whisper on this machine",
    "azure": "Azure Pronunciation Assessment",
    "google": "Google Speech-to-Text",
}


def engine_name(engine: str) -> str:
    return ENGINE_NAMES.get(engine, engine.replace("_", " "))


def reason_text(reason: str | None, trouble: Trouble) -> str:
    """The reason in plain words."""
    if trouble is Trouble.NEEDS_RATER:
        return "Open answers are rated by people. This does not hold the result back."
    code = reason or "unknown"
    return REASONS.get(code, f"Scoring was not completed ({code.replace('_', ' ')}). Listen to it, or score it again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """One line of the list. `recordings` counts the parts that can be listened to."""

    response_id: str
    attempt_id: str
    student_id: str
    student_name: str
    roll_number: str
    section_letter: str
    number: int
    task: str
    trouble: Trouble
    reason: str
    recordings: int
    is_waived: bool
    is_looked_at_again: bool
    may_score_again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An attempt that is over, and answers of which may still arrive: recordings of items that were opened, or
    (`for_moves`) whatever the candidate did off-line before the deadline."""

    attempt_id: str
    student_name: str
    answers: int
    until: datetime
    for_moves: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    done: int
    total: int


TROUBLES: Mapping[ResponseState, Trouble] = {
    ResponseState.FAILED: Trouble.FAILED,
    ResponseState.MISSING: Trouble.MISSING,
    ResponseState.NEEDS_RATER: Trouble.NEEDS_RATER,
}
