"""One answer's verdict: listened to or read, scored, its evidence kept. Failing to score is never zero."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from backend.core.errors import PermanentFailure, TemporaryFailure
from backend.features.attempts import responses as rules
from backend.features.attempts.responses import Response
from backend.features.ratings.hearing import EngineIsDown, hear, postponed
from backend.features.ratings.repository import Desk, Judges
from backend.scoring.evidence import Evidence, SpokenLanguage
from backend.scoring.keys import AnswerKey, OpenQuestionKey, WritingKey
from backend.scoring.score import ItemScore, ScoreStatus
from backend.scoring.scorers import SCORERS, TEXT_SCORERS
from backend.scoring.writing import TextEvidence


def judge(claimed: Response, desk: Desk, judges: Judges, clock: Callable[[], datetime]) -> Response:
    """The response with its verdict; never raises an AdapterError."""
    try:
        key = judges.answer_keys.get(claimed.item_id, claimed.item_version)
        if claimed.task in SCORERS:
            heard = _read_as_text(_as_ended(claimed, hear(claimed, key, desk, judges, clock())), key, judges)
            score, evidence, heard_by = SCORERS[claimed.task](heard, key), heard.to_dict(), heard.heard_by
            if claimed.has_rival_takes:
                score = _distrusted(score, "two_takes")
            elif _is_zero_by_silence(score, heard, claimed, desk):
                score = _distrusted(score, "long_silence")
        elif claimed.task in TEXT_SCORERS:
            read = judges.reader.read(_typed(claimed, desk), key)
            score, evidence, heard_by = TEXT_SCORERS[claimed.task](read, key), read.to_dict(), ""
        else:
            raise PermanentFailure("unknown_task")
        evidence_key = _keep_evidence(claimed, evidence, desk)
    except EngineIsDown as failure:
        return postponed(claimed, reason=failure.reason, at=clock())
    except TemporaryFailure as failure:
        wait = rules.backoff(claimed.tries)
        return rules.put_back(claimed, reason=failure.reason, wait=wait, at=clock())
    except PermanentFailure as failure:
        return rules.failed(claimed, reason=failure.reason)
    return _with_verdict(replace(claimed, heard_by=heard_by), score, evidence_key)


def _distrusted(score: ItemScore, reason: str) -> ItemScore:
    """A person decides. `two_takes`: two of one segment are heard one after another, and may be of the same moment."""
    if score.status is not ScoreStatus.SCORED:
        return score
    explanation = {**score.explanation, "suspected": score.reason}
    return replace(
        score, status=ScoreStatus.NEEDS_HUMAN, points={}, confidence=0.0, reason=reason, explanation=explanation
    )


def _is_zero_by_silence(score: ItemScore, heard: Evidence, claimed: Response, desk: Desk) -> bool:
    """A zero to a candidate whose answers silence does not end, for an answer that it would have ended for others."""
    if score.status is not ScoreStatus.SCORED or all(points.value > 0 for points in score.points.values()):
        return False
    attempt = desk.attempts.find(claimed.attempt_id)
    if attempt is None or not attempt.conditions.no_silence_end:
        return False
    item = desk.papers.get(attempt.form_id).get_item(claimed.position)
    return heard.voice.leading_ms >= item.begin_within_ms or heard.voice.longest_silence_ms >= item.silence_end_ms


def _as_ended(claimed: Response, heard: Evidence) -> Evidence:
    """With what the sound alone may not show: that a fault ended it. What was not said is then no zero."""
    problems = heard.quality.problems
    if not claimed.is_cut_off or "truncated" in problems:
        return heard
    return replace(heard, quality=replace(heard.quality, problems=(*problems, "truncated")))


def _read_as_text(heard: Evidence, key: AnswerKey, judges: Judges) -> Evidence:
    """An open answer with what its transcript shows as a text, for the hints; any other evidence as it is."""
    if not isinstance(key, OpenQuestionKey) or not heard.words:
        return heard
    asked = WritingKey(prompt=key.question, key_points=(), register="neutral", least_words=0, most_words=0)
    read = judges.reader.read(TextEvidence(task=heard.task, text=heard.transcript), asked)
    language = SpokenLanguage(
        flaws=tuple(flaw.kind for flaw in read.flaws),
        levels=read.levels,
        nearness=read.meaning.story if read.meaning is not None and key.question else None,
        versions=read.versions,
    )
    return replace(heard, language=language)


def _typed(response: Response, desk: Desk) -> TextEvidence:
    """A typed or chosen answer as evidence, before anybody has read it."""
    answer = response.answer
    if answer is None:
        raise PermanentFailure("no_answer")
    return TextEvidence(
        task=response.task,
        text=answer.text or "",
        texts=answer.texts,
        choices=answer.choices,
        elapsed_ms=_elapsed_ms(response, desk),
    )


def _elapsed_ms(response: Response, desk: Desk) -> int:
    """From the window's start to the last save; the whole window, as this candidate has it, where that is not known."""
    attempt = desk.attempts.find(response.attempt_id)
    if attempt is None:
        raise PermanentFailure("attempt_missing")
    item = desk.papers.get(attempt.form_id).get_item(response.position)
    window_ms = attempt.conditions.stretched(item.window_ms)
    began_at = response.window_began_at
    if began_at is None and response.window_ends_at is not None:  # stored before the beginning was kept
        began_at = response.window_ends_at - timedelta(milliseconds=window_ms)
    if began_at is None or response.answered_at is None:
        return window_ms
    elapsed_ms = round((response.answered_at - began_at).total_seconds() * 1000)
    return min(max(elapsed_ms, 0), window_ms)


def _keep_evidence(response: Response, evidence: Mapping[str, Any], desk: Desk) -> str:
    """Stores what the score was taken from under its content hash; the key."""
    data = json.dumps(evidence, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    key = f"evidence/{response.campus_id}/{hashlib.sha256(data).hexdigest()}"
    desk.blobs.put(key, data, content_type="application/json")
    return key


def _with_verdict(claimed: Response, score: ItemScore, evidence_key: str) -> Response:
    """Needs a human is no score: it goes to the list with its reason, and with the explanation as a help."""
    kept = score.to_dict()
    if score.status is ScoreStatus.SCORED:
        return rules.scored(claimed, score=kept, evidence_key=evidence_key)
    if score.status is ScoreStatus.NEEDS_RATER:
        return rules.left_to_rater(claimed, score=kept, evidence_key=evidence_key, reason=score.reason)
    return rules.failed(claimed, reason=score.reason or "unusual", score=kept, evidence_key=evidence_key)
