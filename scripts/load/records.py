"""Whether what was acknowledged is stored: from the records alone, after the exam."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.core.errors import AdapterError
from backend.features.attempts.answers import rank_of
from backend.features.attempts.model import AttemptState
from backend.features.attempts.responses import Response, response_id
from backend.wiring import Services

READERS = 4
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`checked` answers were looked for (of a typed one, its last save); `problems` names what is not there."""

    checked: int
    problems: tuple[str, ...] = field(default_factory=tuple)


def check_records(services: Services, *, delivery_ids: Sequence[str], journal: Path, entered: int) -> Verdict:
    """Each line of the generator's journal against responses and object store, and that everybody handed in."""
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    attempts = [attempt for delivery_id in delivery_ids for attempt in services.attempts.list_by_delivery(delivery_id)]
    responses = {
        response.id: response for attempt in attempts for response in services.responses.list_by_attempt(attempt.id)
    }
    left = [attempt for attempt in attempts if attempt.state is not AttemptState.SUBMITTED]
    problems = [f"attempt {attempt.id} is {attempt.state}" for attempt in left]
    if len(attempts) != entered:
        problems.append(f"{entered} were let in, {len(attempts)} attempts")
    problems += _check_all(services, entries, responses)
    return Verdict(checked=len(entries), problems=tuple(problems))


def _check_all(services: Services, entries: Iterable[Entry], responses: Mapping[str, Response]) -> list[str]:
    with ThreadPoolExecutor(READERS) as pool:
        outcomes = pool.map(lambda entry: _check(services, entry, responses), entries)
        return [problem for problem in outcomes if problem]


def _check(services: Services, entry: Entry, responses: Mapping[str, Response]) -> str:
    """What is wrong with one acknowledgement; "" when nothing is."""
    place = response_id(entry["attempt"], int(entry["position"]))
    response = responses.get(place)
    if response is None:
        return f"{place}: acknowledged, not stored"
    problem = _check_recording(services, entry, response) if "recording_id" in entry else _check_text(entry, response)
    return problem and f"{place}: {problem}"


def _check_text(entry: Entry, response: Response) -> str:
    text = (response.answer.text if response.answer else None) or ""
    if response.answer_rank != rank_of(*entry["sequence"]):
        return "another save than the last one that was acknowledged is stored"
    return "" if hashlib.sha256(text.encode()).hexdigest() == entry["sha256"] else "another text is stored"


def _check_recording(services: Services, entry: Entry, response: Response) -> str:
    stored = next((one for one in response.recordings if one.recording_id == entry["recording_id"]), None)
    if stored is None:
        return "acknowledged, not stored"
    if stored.sha256 != entry["sha256"]:
        return "another hash is stored"
    try:
        data = services.blobs.get(stored.blob_key)
    except AdapterError as failure:
        return failure.reason
    return "" if hashlib.sha256(data).hexdigest() == entry["sha256"] else "other bytes are stored"
