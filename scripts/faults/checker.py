"""Decides, from the clients' records and the stores' final content alone, which promise was broken. Pure.

Each rule yields findings; none of them knows the product. What an *unknown* call did may be there or not; what an *ok*
call did must be; what nobody sent must not.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from scripts.faults.history import OVER, WAITING, Finding, Kind, Limits, Stored, StoredAttempt
from scripts.faults.records import Call

RANKS = {"checking": 0, "in_progress": 1, "paused": 1, "submitted": 2, "expired": 2, "voided": 3}
WRITES = frozenset({"enter", "check", "begin", "moves", "record", "answer"})
Progress = tuple[int, int, int]
K = TypeVar("K")
Rule = Callable[[Sequence[Call], Stored, Limits], Iterator[Finding]]


def check(calls: Sequence[Call], stored: Stored, limits: Limits | None = None) -> list[Finding]:
    """Every broken promise, when all is over."""
    chosen = limits or Limits()
    return [finding for rule in RULES for finding in rule(calls, stored, chosen)]


def check_now(calls: Sequence[Call], stored: Stored) -> list[Finding]:
    """What must hold at any moment at which nobody writes. A later write hides what was lost before it: so this is
    asked after each death of a store, before anybody goes on."""
    return [finding for rule in AT_ANY_MOMENT for finding in rule(calls, stored, Limits())]


def count_acknowledged(calls: Sequence[Call]) -> int:
    """Acknowledged calls that change something."""
    return sum(1 for call in calls if call.is_ok and call.op in WRITES)


# -- what was acknowledged is there ------------------------------------------------------------------------------------


def recordings_are_kept(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:  # noqa: ARG001
    for call in calls:
        if call.op != "record" or not call.is_ok or not call.told.get("stored"):
            continue
        recording_id, digest = str(call.sent["recording_id"]), call.sent["digest"]
        answer = stored.answers.get((call.attempt, _position(call)))
        kept = next((each for each in answer.recordings if each.recording_id == recording_id), None) if answer else None
        if kept is None:
            yield _finding(Kind.LOST, call.attempt, f"recording {recording_id} was acknowledged and is not stored")
        elif kept.digest != digest or kept.kept != digest:
            yield _finding(Kind.LOST, call.attempt, f"recording {recording_id} is stored with other bytes")


def answers_are_kept(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:  # noqa: ARG001
    sent = {
        (call.attempt, _position(call), _sequence(call.sent)): call.sent["digest"]
        for call in calls
        if call.op == "answer"
    }
    for call in calls:
        if call.op != "answer" or not call.is_ok:
            continue
        answer = stored.answers.get((call.attempt, _position(call)))
        told = _sequence(call.told) or _sequence(call.sent)
        if answer is None or answer.sequence is None or told is None or answer.sequence < told:
            yield _finding(
                Kind.LOST, call.attempt, f"answer {_position(call)} {told} was acknowledged and is not there"
            )
        elif answer.digest != sent.get((call.attempt, _position(call), answer.sequence), answer.digest):
            yield _finding(Kind.LOST, call.attempt, f"answer {_position(call)} is stored with other content")


def moves_are_kept(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:  # noqa: ARG001
    """The stored attempt is at least where the replies said it was."""
    for call in calls:
        told = _progress(call.told) if call.is_ok else None
        if told is None:
            continue
        attempt = stored.attempts.get(call.attempt)
        if attempt is None:
            yield _finding(Kind.LOST, call.attempt, f"{call.op} was acknowledged and the attempt is not stored")
        elif _stored_progress(attempt) < told:
            yield _finding(Kind.LOST, call.attempt, f"{call.op} told {told}, stored is {_stored_progress(attempt)}")


def scores_are_of_what_was_sent(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:  # noqa: ARG001
    for answer in stored.answers.values():
        if answer.scored_from is not None and answer.scored_from != answer.should_be_scored_from:
            yield _finding(Kind.LOST, answer.attempt_id, f"the score of answer {answer.position} is of something else")


# -- nothing is there that nobody sent ---------------------------------------------------------------------------------


def nothing_is_invented(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:  # noqa: ARG001
    recordings = {
        (call.attempt, _position(call), call.sent["recording_id"], call.sent["digest"])
        for call in calls
        if call.op == "record"
    }
    contents = {
        (call.attempt, _position(call), _sequence(call.sent), call.sent["digest"])
        for call in calls
        if call.op == "answer"
    }
    for (attempt, position), answer in stored.answers.items():
        for each in answer.recordings:
            if (attempt, position, each.recording_id, each.digest) not in recordings:
                yield _finding(Kind.PHANTOM, attempt, f"recording {each.recording_id} is stored and nobody sent it")
        if answer.sequence and (attempt, position, answer.sequence, answer.digest) not in contents:
            yield _finding(Kind.PHANTOM, attempt, f"answer {position} {answer.sequence} is stored and nobody sent it")


def nobody_moved_alone(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:  # noqa: ARG001
    entered = {(call.sent.get("delivery"), call.sent.get("student")) for call in calls if call.op == "enter"}
    closed: dict[str, int] = defaultdict(int)
    for call in calls:
        if call.op == "moves":
            moves = call.sent.get("moves") or []
            ends = [int(move["position"]) + 1 for move in moves if move["kind"] == "close"]  # type: ignore[attr-defined]
            closed[call.attempt] = max([closed[call.attempt], *ends])
    for attempt in stored.attempts.values():
        if (attempt.delivery_id, attempt.student_id) not in entered:
            yield _finding(Kind.PHANTOM, attempt.id, "nobody entered this attempt")
        if attempt.position > closed[attempt.id]:
            yield _finding(Kind.PHANTOM, attempt.id, f"at {attempt.position}, and nobody closed the item before")


# -- nothing goes back -------------------------------------------------------------------------------------------------


def replies_never_go_back(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:  # noqa: ARG001
    """A reply is never behind one that had come before its call was sent."""
    for attempt, told in _grouped((call.attempt, call) for call in calls if call.is_ok).items():
        yield from _monotonic(attempt, [(call, _progress(call.told)) for call in told], "the attempt")
        yield from _stored_sets_grow(attempt, told)
    answers = (((call.attempt, _position(call)), call) for call in calls if call.op == "answer" and call.is_ok)
    for (attempt, position), told in _grouped(answers).items():
        yield from _monotonic(attempt, [(call, _sequence(call.told)) for call in told], f"answer {position}")


def _monotonic(attempt: str, told: Sequence[tuple[Call, tuple[int, ...] | None]], what: str) -> Iterator[Finding]:
    known = sorted((call.ended_s, value) for call, value in told if value is not None and call.ended_s is not None)
    for call, value in told:
        before = [seen for ended_s, seen in known if ended_s < call.began_s]
        if value is not None and before and value < max(before):
            yield _finding(Kind.BACKWARDS, attempt, f"{what}: {call.op} told {value} after {max(before)}")


def _stored_sets_grow(attempt: str, told: Sequence[Call]) -> Iterator[Finding]:
    acknowledged = [
        (call.ended_s, str(call.sent["recording_id"]))
        for call in told
        if call.op == "record" and call.told.get("stored")
    ]
    for call in told:
        # The reply to moves names only those of the open item.
        listed = call.told.get("stored_recordings")
        if call.op == "moves" or not isinstance(listed, list):
            continue
        missing = {name for ended_s, name in acknowledged if ended_s is not None and ended_s < call.began_s} - set(
            listed
        )
        if missing:
            yield _finding(Kind.BACKWARDS, attempt, f"{call.op} no longer lists {len(missing)} acknowledged recordings")


# -- nothing is late ---------------------------------------------------------------------------------------------------


def nothing_is_late(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:
    """Neither a reply to what was sent after the end, nor anything stored with a later moment."""
    answers = {(call.client, call.number) for call in _fresh_answers(calls)}
    for call in calls:
        attempt = stored.attempts.get(call.attempt)
        if attempt is None or not call.is_ok or (call.op == "answer" and (call.client, call.number) not in answers):
            continue
        if _is_late(call, attempt, limits):
            yield _finding(Kind.LATE, call.attempt, f"{call.op} was sent after the end and accepted")
    for answer in stored.answers.values():
        attempt = stored.attempts.get(answer.attempt_id)
        if attempt is None:
            continue
        # A submission is dated as the client dates its last move; saves that came before it arrived were in time.
        deadline, end = attempt.deadline_s, attempt.ended_s or attempt.deadline_s
        if deadline is None or end is None:
            continue
        if answer.saved_s is not None and answer.saved_s > deadline + limits.answer_grace_s + limits.slack_s:
            yield _finding(Kind.LATE, attempt.id, f"answer {answer.position} is stored as of after the deadline")
        if any(each.stored_s > end + limits.upload_grace_s + limits.slack_s for each in answer.recordings):
            yield _finding(Kind.LATE, attempt.id, f"a recording of {answer.position} is stored as of after the grace")


def nothing_follows_the_end(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:
    """No typed answer is taken that was sent after a reply had said that the attempt is over; what was handed in
    off-line may follow its submission for a while."""
    over: dict[str, Call] = {}
    for call in sorted((each for each in calls if each.ended_s is not None), key=lambda each: each.ended_s or 0):
        if call.is_ok and str(call.told.get("state")) in OVER:
            over.setdefault(call.attempt, call)
    for call in _fresh_answers(calls):
        end = over.get(call.attempt)
        if end is None or end.ended_s is None:
            continue
        grace_s = limits.answer_grace_s + (limits.following_s if _is_brought(end, stored, limits) else 0)
        if call.began_s > end.ended_s + grace_s:
            yield _finding(Kind.LATE, call.attempt, f"answer {_position(call)} was sent after the end and accepted")


def _is_brought(end: Call, stored: Stored, limits: Limits) -> bool:
    """Whether the attempt had been handed in some time before the reply that said so."""
    attempt = stored.attempts.get(end.attempt)
    if attempt is None or attempt.state != "submitted" or attempt.ended_s is None or end.ended_wall_s is None:
        return False
    return end.ended_wall_s > attempt.ended_s + limits.answer_grace_s / 2


def _fresh_answers(calls: Sequence[Call]) -> Iterator[Call]:
    """Accepted saves of something that had not been sent before: to a repeat the reply says what is stored."""
    sent: set[tuple[str, int, tuple[int, int] | None]] = set()
    for call in calls:
        if call.op != "answer":
            continue
        key = (call.attempt, _position(call), _sequence(call.sent))
        if call.is_ok and key not in sent and _sequence(call.told) == key[2]:
            yield call
        sent.add(key)


def _is_late(call: Call, attempt: StoredAttempt, limits: Limits) -> bool:
    if attempt.deadline_s is None:
        return False
    past = call.began_wall_s - attempt.deadline_s - limits.slack_s
    if call.op == "answer":
        return past > limits.answer_grace_s and call.told.get("late") is not True
    if call.op == "record":
        return past > limits.upload_grace_s
    if call.op in ("begin", "moves", "check"):
        return past > 0 and RANKS.get(str(call.told.get("state")), 0) < RANKS["submitted"]
    return False


# -- nothing is double -------------------------------------------------------------------------------------------------


def nothing_is_double(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:  # noqa: ARG001
    """One attempt a student and delivery (drills allow one), one place a recording, one result an attempt, one mail."""
    per_student = Counter((each.delivery_id, each.student_id) for each in stored.attempts.values())
    for (_, student), number in per_student.items():
        if number > 1:
            yield _finding(Kind.DOUBLED, student, f"{number} attempts where one is allowed")
    places = Counter(
        (answer.attempt_id, each.recording_id) for answer in stored.answers.values() for each in answer.recordings
    )
    for (attempt, recording_id), number in places.items():
        if number > 1:
            yield _finding(Kind.DOUBLED, attempt, f"recording {recording_id} is stored {number} times")
    for attempt, number in Counter(result.attempt_id for result in stored.results).items():
        if number > 1:
            yield _finding(Kind.DOUBLED, attempt, f"{number} results")


def results_have_an_end(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:  # noqa: ARG001
    settled = {result.attempt_id for result in stored.results}
    for attempt in stored.attempts.values():
        if attempt.id in settled and attempt.state not in OVER:
            yield _finding(Kind.PHANTOM, attempt.id, f"a result of an attempt that is {attempt.state}")
        if attempt.is_settled and attempt.id not in settled:
            yield _finding(Kind.LOST, attempt.id, "settled, and its result is not there")


# -- mail --------------------------------------------------------------------------------------------------------------


def mails_go_once(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:  # noqa: ARG001
    """*unknown* may have gone or not: a person decides, and it is said so. Never twice."""
    for planned in sorted(stored.mails_planned - {mail.id for mail in stored.mails}):
        yield _finding(Kind.LOST, planned, "the mail was planned and is not there")
    for mail in stored.mails:
        if mail.accepted > 1:
            yield _finding(Kind.DOUBLED, mail.id, f"the provider took it {mail.accepted} times")
        if mail.state == "sent" and mail.accepted == 0:
            yield _finding(Kind.LOST, mail.id, "said to be sent, and the provider never took it")
        if mail.state == "failed" and mail.accepted:
            yield _finding(Kind.PHANTOM, mail.id, "said to have failed, and the provider took it")
        if mail.state in WAITING:
            yield _finding(Kind.UNDRAINED, mail.id, f"still {mail.state}")


# -- resume and drain --------------------------------------------------------------------------------------------------


def resume_is_exact(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:  # noqa: ARG001
    """Every reply tells the same deadline and, for an open item, the clock that its first opening started."""
    for attempt, told in _grouped((call.attempt, call) for call in calls if call.is_ok).items():
        deadlines = {call.told["deadline_at"] for call in told if call.told.get("deadline_at")}
        if len(deadlines) > 1:
            yield _finding(Kind.RESUME, attempt, f"{len(deadlines)} different deadlines were told")
        opened: dict[object, object] = {}
        for call in told:
            item = call.told.get("item")
            if isinstance(item, dict):
                yield from _item_clock(attempt, call, item, opened, limits)


def _item_clock(
    attempt: str, call: Call, item: dict[str, object], opened: dict[object, object], limits: Limits
) -> Iterator[Finding]:
    position, began_s = item["position"], _number(item["opened_s"])
    if abs(_number(opened.setdefault(position, began_s)) - began_s) > limits.slack_s:
        yield _finding(Kind.RESUME, attempt, f"item {position} was opened anew")
    earliest = call.began_wall_s - began_s - limits.resume_s
    latest = (call.ended_wall_s or call.began_wall_s) - began_s + limits.resume_s
    if not earliest <= _number(item["elapsed_ms"]) / 1000 <= latest:
        yield _finding(Kind.RESUME, attempt, f"item {position} resumed more than {limits.resume_s:.0f} s off")


def queues_are_empty(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:
    """Read when the time to drain is over: nothing waits any more, and what is past its deadline is over."""
    read_at = max((call.ended_wall_s or call.began_wall_s for call in calls), default=0.0)
    for answer in stored.answers.values():
        attempt = stored.attempts.get(answer.attempt_id)
        if answer.state in WAITING and not (answer.state == "draft" and attempt and attempt.state not in OVER):
            yield _finding(Kind.UNDRAINED, answer.attempt_id, f"answer {answer.position} is still {answer.state}")
    for attempt in stored.attempts.values():
        past = attempt.deadline_s is not None and read_at > attempt.deadline_s + limits.expire_within_s
        if past and attempt.state in ("in_progress", "paused"):
            yield _finding(Kind.UNDRAINED, attempt.id, "past its deadline and not over")


def audit_verifies(calls: Sequence[Call], stored: Stored, limits: Limits) -> Iterator[Finding]:  # noqa: ARG001
    for problem in stored.audit_problems:
        yield _finding(Kind.TAMPERED, "audit", problem)


AT_ANY_MOMENT: tuple[Rule, ...] = (
    recordings_are_kept,
    answers_are_kept,
    moves_are_kept,
    scores_are_of_what_was_sent,
    nothing_is_invented,
    nobody_moved_alone,
)
RULES: tuple[Rule, ...] = (
    *AT_ANY_MOMENT,
    replies_never_go_back,
    nothing_is_late,
    nothing_follows_the_end,
    nothing_is_double,
    results_have_an_end,
    mails_go_once,
    resume_is_exact,
    queues_are_empty,
    audit_verifies,
)


# -- shared ------------------------------------------------------------------------------------------------------------


def _finding(kind: Kind, subject: str, text: str) -> Finding:
    return Finding(kind=kind, subject=subject, text=text)


def _number(value: object) -> float:
    return float(value)  # type: ignore[arg-type]  # the records are ours


def _position(call: Call) -> int:
    return int(_number(call.sent["position"]))


def _sequence(data: object) -> tuple[int, int] | None:
    found = data.get("sequence") if hasattr(data, "get") else None
    return (int(found[0]), int(found[1])) if found else None


def _progress(told: object) -> Progress | None:
    """(rank of the state, position, whether its item is open) of a snapshot; None for other replies."""
    state = told.get("state") if hasattr(told, "get") else None
    if state is None or "position" not in told:  # type: ignore[operator]
        return None
    return RANKS[str(state)], int(told["position"]), int(bool(told.get("item")))  # type: ignore[index,attr-defined]


def _stored_progress(attempt: StoredAttempt) -> Progress:
    return RANKS[attempt.state], attempt.position, int(attempt.is_item_open)


def _grouped(pairs: Iterable[tuple[K, Call]]) -> Mapping[K, list[Call]]:
    groups: dict[K, list[Call]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups
