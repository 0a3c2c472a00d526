"""Tests of the demonstration: one that has just ended and is scored, one that is going on, some that are coming.

A sitting is played through the use cases with the times that it would have had. All ends lie before now and all
deadlines after it, so that the sweep of the running product does not meet a sitting in the middle.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.core.ports import PresenceMark
from backend.features.assessments import usecases as assessment_usecases
from backend.features.assessments.model import Delivery, Window
from backend.features.assessments.usecases import Particulars
from backend.features.attempts import answers
from backend.features.attempts import usecases as attempt_usecases
from backend.features.attempts.engine.moves import Move, MoveKind
from backend.features.attempts.model import Attempt
from backend.features.attempts.paper import Paper, PaperItem
from backend.features.attempts.recordings import usecases as recordings
from backend.features.attempts.recordings.model import Upload
from backend.features.students.model import Student
from backend.scoring.keys import AnswerKey
from backend.wiring import Services
from scripts.demo.campus import DemoBatch
from scripts.demo.choosing import chosen_answer
from scripts.demo.speaking import Speaker, Speaking, all_texts, duration_ms, speaker_of

BETWEEN_ITEMS = timedelta(seconds=1.5)
CONTENT_TYPE = "audio/webm;codecs=opus"
CHECKS = dict.fromkeys(("browser", "microphone", "speaker", "connection"), "passed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When a test is open, against now, and how many of its batch have sat it or are inside."""

    title: str
    format_id: str
    opens_in: timedelta
    closes_in: timedelta
    finished: int = 0
    inside: int = 0


class Stage:
    """Plays sittings of deliveries."""

    def __init__(self, services: Services, speaking: Speaking) -> None:
        self._services, self._speaking = services, speaking

    def schedule(self, batch: DemoBatch, plan: Plan) -> tuple[Delivery, bool]:
        """The delivery of this title, and whether it is new."""
        services = self._services
        for delivery in services.deliveries.list_by_batch(batch.batch.id):
            if delivery.title == plan.title:
                return delivery, False
        now = services.now()
        window = Window(
            opens_at=_whole_minutes(now + plan.opens_in),
            closes_at=_whole_minutes(now + plan.closes_in),
            time_zone=batch.campus.time_zone,
        )
        delivery = assessment_usecases.schedule_delivery(
            actor=batch.admin,
            campus_id=batch.campus.id,
            batch_id=batch.batch.id,
            format_id=plan.format_id,
            particulars=Particulars(title=plan.title, window=window, attempts_allowed=1),
            deliveries=services.deliveries,
            formats=services.offered_formats,
            audit_log=services.audit_log,
            now=min(now, window.opens_at - timedelta(hours=20)),
            new_id=services.new_id,
        )
        return delivery, True

    def answer_keys(self, papers: Sequence[Paper]) -> dict[str, AnswerKey]:
        """Of every item, by item id; also renders what will be said."""
        items = [item for paper in papers for item in paper.items]
        keys = {item.item_id: self._services.scoring_keys.get(item.item_id, item.item_version) for item in items}
        self._speaking.prepare(all_texts([keys[item.item_id] for item in items if item.is_spoken]))
        return keys

    def sit_all(self, delivery: Delivery, student: Student, keys: dict[str, AnswerKey]) -> Attempt:
        """The whole test, from check to submission, ending a moment ago."""
        paper_length = self._length(delivery, student)
        began_at = self._services.now() - paper_length - timedelta(seconds=20)
        attempt, paper = self._begin(delivery, student, began_at)
        return self._answer(attempt, paper, keys, until=paper.total_items, student=student)

    def sit_until(self, delivery: Delivery, student: Student, keys: dict[str, AnswerKey], *, share: float) -> Attempt:
        """A sitting that is at `share` of its items now, and there."""
        began_at = self._services.now() - self._length(delivery, student) * share - timedelta(seconds=5)
        attempt, paper = self._begin(delivery, student, began_at)
        until = max(1, int(paper.total_items * share))
        attempt = self._answer(attempt, paper, keys, until=until, student=student)
        attempt_usecases.note_presence(
            attempt=attempt,
            mark=PresenceMark(seen_at=self._services.now(), position=until, uploads_pending=0, microphone="ok"),
            presence=self._services.presence,
            feed=self._services.feed,
            now=self._services.now(),
        )
        return attempt

    def enter(self, delivery: Delivery, student: Student) -> Attempt:
        """At the device check."""
        services = self._services
        return attempt_usecases.enter_attempt(
            delivery=delivery,
            student_id=student.id,
            attempts=services.attempts,
            now=services.now(),
            new_id=services.new_id,
            conditions=services.granted_conditions.find(student.id),
        )

    def _length(self, delivery: Delivery, student: Student) -> timedelta:
        paper = self._services.papers.get(attempt_usecases.choose_form(delivery, student.id, number=1))
        return sum((_item_length(item, paper) + BETWEEN_ITEMS for item in paper.items), timedelta())

    def _begin(self, delivery: Delivery, student: Student, at: datetime) -> tuple[Attempt, Paper]:
        services = self._services
        attempt = attempt_usecases.enter_attempt(
            delivery=delivery,
            student_id=student.id,
            attempts=services.attempts,
            now=at - timedelta(minutes=3),
            new_id=services.new_id,
            conditions=services.granted_conditions.find(student.id),
        )
        paper = services.papers.get(attempt.form_id)
        attempt = attempt_usecases.store_check(attempt=attempt, outcomes=CHECKS, attempts=services.attempts, now=at)
        attempt = attempt_usecases.begin_attempt(
            attempt=attempt,
            delivery=delivery,
            paper=paper,
            deliveries=services.deliveries,
            attempts=services.attempts,
            now=at,
        )
        return attempt, paper

    def _answer(
        self, attempt: Attempt, paper: Paper, keys: dict[str, AnswerKey], *, until: int, student: Student
    ) -> Attempt:
        services, speaker = self._services, speaker_of(student.id)
        at = (attempt.started_at or services.now()) + BETWEEN_ITEMS
        for item in paper.items[:until]:
            opened = paper.window_of(item.position)
            if item.position == opened[0]:
                attempt = self._move(attempt, paper, MoveKind.OPEN, item.position, at)
            at += _item_length(item, paper)
            if item.is_spoken:
                self._record(attempt, paper, item, keys[item.item_id], speaker, at)
            else:
                self._choose(attempt, paper, item, keys[item.item_id], speaker, at)
            if item.position == opened[-1]:
                attempt = self._move(attempt, paper, MoveKind.CLOSE, item.position, at)
            at += BETWEEN_ITEMS
        return attempt

    def _move(self, attempt: Attempt, paper: Paper, kind: MoveKind, position: int, at: datetime) -> Attempt:
        moves, services = [Move(kind=kind, position=position, at=at)], self._services
        return answers.move_on(
            attempt=attempt,
            moves=moves,
            paper=paper,
            attempts=services.attempts,
            responses=services.responses,
            jobs=services.jobs,
            now=at,
        )

    def _choose(
        self, attempt: Attempt, paper: Paper, item: PaperItem, key: AnswerKey, speaker: Speaker, at: datetime
    ) -> None:
        services = self._services
        answers.save_answer(
            attempt=attempt,
            position=item.position,
            answer=chosen_answer(item, key, ability=speaker.ability, seed=f"{attempt.student_id}:{item.item_id}"),
            rank=answers.rank_of(attempt.epoch, item.position + 1),
            paper=paper,
            responses=services.responses,
            late_answers=services.late_answers,
            jobs=services.jobs,
            now=at,
        )

    def _record(
        self, attempt: Attempt, paper: Paper, item: PaperItem, key: AnswerKey, speaker: Speaker, at: datetime
    ) -> None:
        """One request, as a browser sends it."""
        services = self._services
        data = self._speaking.answer(key, speaker, seed=f"{attempt.student_id}:{item.item_id}")
        announced = Upload(
            attempt_id=attempt.id,
            campus_id=attempt.campus_id,
            recording_id=f"demo-{attempt.id[:12]}-{item.position:03d}",
            position=item.position,
            segment=0,
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            content_type=CONTENT_TYPE,
            duration_ms=min(duration_ms(data), item.window_ms),
            registered_at=at,
        )
        recordings.receive(
            attempt=attempt,
            announced=announced,
            offset=0,
            data=data,
            paper=paper,
            shelves=recordings.Shelves(
                responses=services.responses,
                late_answers=services.late_answers,
                uploads=services.uploads,
                blobs=services.blobs,
                jobs=services.jobs,
            ),
            now=at,
        )


def _item_length(item: PaperItem, paper: Paper) -> timedelta:
    """People rarely use the whole window; items of a part with one time share it."""
    return timedelta(milliseconds=item.prompt_ms + item.window_ms * 0.6 / len(paper.window_of(item.position)))


def _whole_minutes(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
