"""One candidate's sitting with everything that may go wrong: the real use cases on memory that crashes and a clock that
only this module moves.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from backend.adapters.jobs.memory import MemoryJobs
from backend.adapters.realtime.memory import MemoryFeed
from backend.core.actor import Actor, Role
from backend.core.errors import AppError
from backend.features.assessments.memory import MemoryDeliveries
from backend.features.assessments.model import Delivery, DeliveryState, list_under_way
from backend.features.attempts import answers, model, usecases
from backend.features.attempts.engine import usecases as engine
from backend.features.attempts.engine.controls import Control, ControlKind
from backend.features.attempts.engine.moves import Move, MoveKind
from backend.features.attempts.engine.usecases import ControlRoom
from backend.features.attempts.memory import MemoryAttempts, MemoryLateAnswers, MemoryPapers, MemoryResponses
from backend.features.attempts.model import Attempt, AttemptState, Conditions
from backend.features.attempts.paper import Paper, PaperItem, PaperSection
from backend.features.attempts.repository import ReleasedAttempts
from backend.features.attempts.responses import Answer, ResponseState, response_id
from backend.features.audit.memory import MemoryAuditLog
from backend.features.items.model import AnswerKind
from scripts.histories.checker import Checker

OPENS = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
ALLOWED = timedelta(minutes=20)
PART_MS = 360_000
STAFF = Actor(account_id="meera", role=Role.CAMPUS, campus_id="north", display_name="Meera")
# Answers come this much after their window at the most, and off-line this much more: see `answers`.
ANSWERS_UNTIL = answers.ANSWER_GRACE


class Died(Exception):
    """The process is gone, before or after the write it was at."""


class CrashingAttempts(MemoryAttempts):
    """Tells the checker of every write, and dies when it was told to."""

    def __init__(self, world: "World") -> None:
        super().__init__()
        self._world = world

    def save(self, attempt: Attempt, *, seen_revision: int) -> bool:
        self._world.may_die()
        before = self.find(attempt.id)
        written = super().save(attempt, seen_revision=seen_revision)
        if written and before is not None:
            world = self._world
            world.checker.saw(before, attempt, goes_on_offline=world.paper.goes_on_offline, now=world.now)
        self._world.may_die()
        return written


class CrashingDeliveries(MemoryDeliveries):
    def __init__(self, world: "World") -> None:
        super().__init__()
        self._world = world

    def save(self, delivery: Delivery, *, seen_revision: int) -> bool:
        self._world.may_die()
        written = super().save(delivery, seen_revision=seen_revision)
        self._world.may_die()
        return written


class CrashingAuditLog(MemoryAuditLog):
    def __init__(self, world: "World") -> None:
        super().__init__()
        self._world = world

    def add_absent(self, events):  # type: ignore[no-untyped-def] # as the memory log's
        self._world.may_die()
        super().add_absent(events)
        self._world.may_die()


class Released(ReleasedAttempts):
    def __init__(self) -> None:
        self.ids: set[str] = set()

    def is_released(self, attempt_id: str) -> bool:
        return attempt_id in self.ids


@dataclass(slots=True)
class Page:
    """One of the candidate's pages: its lease, its wrong clock, what it has not been able to send."""

    client_id: str
    skew: timedelta
    epoch: int = 0
    position: int = 0
    is_open: bool = False
    is_online: bool = True
    pending: list[Move] = field(default_factory=list)
    sent: list[list[Move]] = field(default_factory=list)
    typed: int = 0


class World:
    """`random` decides everything: the same seed is the same history."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.checker = Checker()
        self.now = OPENS - timedelta(minutes=5)
        self.paper = _paper(dice, goes_on_offline=dice.random() < 0.7)
        self.conditions = _conditions(dice)
        self.attempts = CrashingAttempts(self)
        self.responses = MemoryResponses()
        self.late_answers = MemoryLateAnswers()
        self.deliveries = CrashingDeliveries(self)
        self.audit_log = CrashingAuditLog(self)
        self.released = Released()
        self.papers = MemoryPapers([self.paper])
        self.feed = MemoryFeed()
        self.jobs = MemoryJobs()
        self.delivery = _delivery()
        self.deliveries.add(self.delivery)
        self.pages = [
            Page(f"page-{n}", timedelta(seconds=dice.choice((0, 0, -400, 300, 86_400, -86_400)))) for n in (1, 2)
        ]
        self.controls: list[tuple[Control, bool]] = []
        self.counts = dict.fromkeys(("steps", "moves", "refused", "crashes", "controls", "answers"), 0)
        self._dies_in: int | None = None

    # -- time and crashes --

    def may_die(self) -> None:
        if self._dies_in is None:
            return
        self._dies_in -= 1
        if self._dies_in < 0:
            self._dies_in = None
            raise Died

    def doom(self) -> None:
        """The process that serves the next call may die at one of its next writes."""
        self._dies_in = self.dice.randrange(6)

    def wait(self) -> None:
        scale = self.dice.choice((1, 1, 5, 20, 60, 300, 900))
        self.now += timedelta(milliseconds=self.dice.randrange(scale * 1000))

    # -- the candidate --

    def some_page(self) -> Page:
        """Mostly the one that holds the lease."""
        newest = max(self.pages, key=lambda page: page.epoch)
        return newest if self.dice.random() < 0.75 else self.dice.choice(self.pages)

    @property
    def attempt(self) -> Attempt | None:
        mine = self.attempts.list_by_student("delivery", "asha")
        return mine[-1] if mine else None

    def enter(self, page: Page) -> None:
        delivery = self.deliveries.find("delivery")
        assert delivery is not None  # noqa: S101 - it was added above
        entered = usecases.enter_attempt(
            delivery=delivery,
            student_id="asha",
            attempts=self.attempts,
            now=self.now,
            new_id=lambda: f"attempt{len(self.attempts.list_by_student('delivery', 'asha'))}",
            client_id=page.client_id,
            conditions=self.conditions,
        )
        self._learn(page, entered)
        page.epoch = entered.epoch

    def begin(self, page: Page) -> None:
        attempt, delivery = self.attempt, self.deliveries.find("delivery")
        if attempt is None or delivery is None:
            return
        begun = usecases.begin_attempt(
            attempt=attempt,
            delivery=delivery,
            paper=self.paper,
            attempts=self.attempts,
            deliveries=self.deliveries,
            now=self.now,
            conditions=self.conditions,
        )
        self._learn(page, begun)

    def move(self, page: Page) -> None:
        """The candidate does the next thing on this page; what cannot be sent waits."""
        if page.position < self.paper.total_items:
            kind = MoveKind.CLOSE if page.is_open else MoveKind.OPEN
            window = self.paper.window_of(page.position)
            position = window[-1] if page.is_open else page.position
            page.pending.append(Move(kind=kind, position=position, at=self.now + page.skew))
            page.position, page.is_open = (window.stop, False) if page.is_open else (page.position, True)
        if page.is_online and page.pending:
            self.send(page, list(page.pending))

    def send(self, page: Page, batch: list[Move], *, epoch: int | None = None) -> None:
        attempt = self.attempt
        if attempt is None:
            return
        attempt = self._abreast(attempt)
        asked = page.epoch if epoch is None else epoch
        held_at = attempt.epoch
        try:
            after = answers.move_on(
                attempt=attempt,
                moves=batch,
                paper=self.paper,
                attempts=self.attempts,
                responses=self.responses,
                jobs=self.jobs,
                now=self.now,
                epoch=asked,
            )
        except AppError as refusal:
            if refusal.code in ("item_not_current", "item_not_open", "attempt_not_open"):
                self._start_over(page)
            raise
        self._check_under_way(attempt, after)
        if asked < held_at:
            self.checker.note("lease", "an older page moved the attempt")
        self.counts["moves"] += 1
        closed = [move.position for move in batch if move.kind is MoveKind.CLOSE and move.position < after.position]
        self._check_handed_in(after, closed)
        self._check_replay(batch, asked)
        if self.dice.random() < 0.15:
            return  # the reply is lost: everything stays pending, and comes again
        page.sent.append(batch)
        page.pending = page.pending[len(batch) :] if page.pending[: len(batch)] == batch else []
        if not page.pending:
            self._learn(page, after)

    def _abreast(self, attempt: Attempt) -> Attempt:
        """As every view does before it decides: with what was given for everybody, written here or not."""
        delivery = self.deliveries.find("delivery")
        assert delivery is not None  # noqa: S101 - it was added above
        return engine.keep_abreast(attempt=attempt, delivery=delivery, room=self.room, now=self.now)

    def _check_under_way(self, before: Attempt, after: Attempt) -> None:
        """A pause for everybody holds from when it was given, also if the process died that writes it."""
        delivery = self.deliveries.find("delivery")
        last = None if delivery is None else next(reversed(list_under_way(delivery)), None)
        if (
            last is None
            or last.kind != ControlKind.PAUSE
            or last.id in before.passed_over
            or _was_let_go(before, last.id)
            or (after.submitted_at is not None and after.submitted_at <= last.at)
        ):
            return  # the last: it was over before, and only brings what was done off-line
        if after.position > before.position and after.started_at is not None and after.started_at <= last.at:
            self.checker.note("clock", "a move past a pause for everybody")

    def _check_handed_in(self, attempt: Attempt, closed: list[int]) -> None:
        """Of what was closed nothing can still be changed as if it were open."""
        items = {each for position in closed for each in self.paper.window_of(position)}
        for position in items:
            response = self.responses.find(response_id(attempt.id, position))
            if response is not None and response.state is ResponseState.DRAFT:
                self.checker.note("late", f"item {position} was closed and is a draft")

    def _check_replay(self, batch: list[Move], epoch: int) -> None:
        """The same batch again must change nothing."""
        seen = self.attempt
        if seen is None:
            return
        dies_in, self._dies_in = self._dies_in, None
        try:
            again = usecases.make_moves(
                attempt=seen, moves=batch, paper=self.paper, attempts=self.attempts, now=self.now, epoch=epoch
            )
        except AppError:
            return
        finally:
            self._dies_in = dies_in
        if again.revision != seen.revision and not seen.is_due(self.now):
            made = {(move.kind, move.position) for move in batch}
            if all(_is_made(seen, kind, position) for kind, position in made):
                self.checker.note("doubled", "a batch that had been made changed something again")

    def resend(self, page: Page) -> None:
        """A copy of an old request arrives late."""
        if page.sent:
            self.send(page, self.dice.choice(page.sent))

    def forge(self, page: Page) -> None:
        """A client that is broken, or cheats."""
        at = self.now + timedelta(seconds=self.dice.choice((-90_000, -1_500, -1, 0, 1, 90_000)))
        kind = self.dice.choice((MoveKind.OPEN, MoveKind.CLOSE))
        moves = [Move(kind=kind, position=self.dice.randrange(self.paper.total_items), at=at)]
        if self.dice.random() < 0.5:
            moves = _all_moves(self.paper, at)
        self.send(page, moves, epoch=self.dice.choice((page.epoch, page.epoch - 1, page.epoch + 1)))

    def type(self, page: Page) -> None:
        """The candidate types in whatever item this page has open; some pages type on when they should not."""
        attempt = self.attempt
        if attempt is None or not page.is_online:
            return
        position = self._some_item(page)
        page.typed += 1
        rank = answers.rank_of(page.epoch, page.typed)
        answer = Answer(text=f"{page.client_id} {page.typed}")
        attempt = self._abreast(attempt)
        deadline, part_ended_at = attempt.deadline_at, attempt.part_ended_at(position)
        saved = answers.save_newer(
            attempt_id=attempt.id,
            position=position,
            student_id="asha",
            answer=answer,
            rank=rank,
            responses=self.responses,
            now=self.now,
        ) or answers.save_answer(
            attempt=attempt,
            position=position,
            answer=answer,
            rank=rank,
            paper=self.paper,
            responses=self.responses,
            late_answers=self.late_answers,
            jobs=self.jobs,
            now=self.now,
        )
        self.counts["answers"] += 1
        deadline = attempt.deadline_at
        is_new = saved.saved_at == self.now and attempt.state is AttemptState.IN_PROGRESS
        if is_new and deadline is not None and self.now >= deadline + ANSWERS_UNTIL:
            self.checker.note("late", "an answer after the deadline and its grace")
        until = answers.ANSWER_GRACE + (answers.OFFLINE if self.paper.goes_on_offline else timedelta())
        if is_new and part_ended_at is not None and self.now >= part_ended_at + until:
            self.checker.note("late", "an answer to a part that was finished")

    def _some_item(self, page: Page) -> int:
        """Mostly one that is typed of what this page has open, in a part with a time limit to and fro; or an earlier
        one, that was closed."""
        window = self.paper.window_of(min(page.position, self.paper.total_items - 1))
        typed = [item.position for item in self.paper.items if not item.is_spoken]
        here, before = [each for each in typed if each in window], [each for each in typed if each < window.start]
        if here and (not before or self.dice.random() < 0.7):
            return self.dice.choice(here)
        return self.dice.choice(before or typed)

    def rest(self, page: Page) -> None:
        attempt = self.attempt
        if attempt is not None:
            engine.take_break(attempt=attempt, paper=self.paper, attempts=self.attempts, now=self.now, epoch=page.epoch)

    def go_on(self, page: Page) -> None:
        attempt = self.attempt
        if attempt is not None:
            engine.end_break(attempt=attempt, attempts=self.attempts, now=self.now, epoch=page.epoch)

    def hear_again(self, page: Page) -> None:
        attempt = self.attempt
        if attempt is not None:
            engine.hear_again(
                attempt=attempt,
                position=attempt.position,
                number=attempt.item_replays + self.dice.randrange(2),
                paper=self.paper,
                attempts=self.attempts,
                now=self.now,
                epoch=page.epoch,
            )

    def _learn(self, page: Page, attempt: Attempt) -> None:
        page.position, page.is_open = attempt.position, attempt.is_item_open

    def _start_over(self, page: Page) -> None:
        """The page reads the attempt again."""
        page.pending = []
        if self.attempt is not None:
            self._learn(page, self._abreast(self.attempt))

    # -- staff and the system --

    def control(self) -> None:
        if self.controls and self.dice.random() < 0.3:
            control, for_all = self.dice.choice(self.controls)
        else:
            control, for_all = self._new_control(), self.dice.random() < 0.5
            self.controls.append((control, for_all))
        self.apply(control, for_all=for_all)

    def apply(self, control: Control, *, for_all: bool) -> None:
        attempt, delivery = self.attempt, self.deliveries.find("delivery")
        assert delivery is not None  # noqa: S101 - it was added above
        self.counts["controls"] += 1
        if for_all:
            engine.control_all(delivery=delivery, control=control, room=self.room, now=self.now)
        elif attempt is not None:
            engine.control_attempts(
                delivery=delivery,
                control=control,
                attempt_ids=[attempt.id],
                room=self.room,
                now=self.now,
            )

    def _new_control(self) -> Control:
        kinds = (ControlKind.PAUSE, ControlKind.RESUME, ControlKind.EXTEND, ControlKind.REOPEN)
        kind = ControlKind.VOID if self.dice.random() < 0.04 else self.dice.choice(kinds)
        takes_minutes = kind in (ControlKind.EXTEND, ControlKind.REOPEN)
        return Control(
            id=f"control-{len(self.controls)}",
            kind=kind,
            by=STAFF.account_id,
            reason="a reason",
            minutes=self.dice.randrange(1, 12) if takes_minutes else None,
        )

    @property
    def room(self) -> ControlRoom:
        return ControlRoom(
            deliveries=self.deliveries,
            attempts=self.attempts,
            responses=self.responses,
            papers=self.papers,
            released=self.released,
            audit_log=self.audit_log,
            feed=self.feed,
        )

    def sweep(self) -> None:
        for state in (AttemptState.IN_PROGRESS, AttemptState.PAUSED):
            for attempt in self.attempts.list_due(state, at=self.now, limit=10):
                usecases.catch_up(attempt_id=attempt.id, attempts=self.attempts, now=self.now)
        engine.finish_stranded(room=self.room, now=self.now)

    def settle(self) -> None:
        attempt = self.attempt
        if attempt is not None and attempt.is_over:
            usecases.change(attempt.id, lambda seen: model.settled(seen, at=self.now), attempts=self.attempts)
            if self.dice.random() < 0.3:
                self.released.ids.add(attempt.id)

    # -- the end --

    def finish(self) -> None:
        """Every process was dead for hours; now all is well again, staff let everybody go on, and time passes."""
        self._dies_in = None
        for control, for_all in self.controls:  # what died half-way is repeated, or found by the sweep
            if not for_all or self.dice.random() < 0.5:
                self._repeat(control, for_all=for_all)
        for _ in range(2):
            self.now += timedelta(hours=9)
            self.sweep()
            attempt = self.attempt
            if attempt is not None and attempt.state is AttemptState.PAUSED:
                resume = Control(id="control-last", kind=ControlKind.RESUME, by="meera", reason="")
                self.apply(resume, for_all=False)
        self.now += timedelta(hours=9)
        self.sweep()
        for attempt in self.attempts.list_by_student("delivery", "asha"):
            self._check_end(attempt)
        self._check_audit()
        delivery = self.deliveries.find("delivery")
        if delivery is None or delivery.under_way:
            self.checker.note("stuck", "a control for everybody is under way for ever")

    def _repeat(self, control: Control, *, for_all: bool) -> None:
        try:
            self.apply(control, for_all=for_all)
        except AppError:
            self.counts["refused"] += 1

    def _check_end(self, attempt: Attempt) -> None:
        if attempt.is_running:
            self.checker.note("stuck", f"{attempt.state} hours after its deadline")
        answers.hand_in_all(attempt=attempt, paper=self.paper, responses=self.responses, jobs=self.jobs, now=self.now)
        states = {response.state for response in self.responses.list_by_attempt(attempt.id)}
        if attempt.is_over and ResponseState.DRAFT in states:
            self.checker.note("stuck", "a draft is left after the end")

    def _check_audit(self) -> None:
        ids = [event.id for event in self.audit_log.events]
        if len(set(ids)) != len(ids):
            self.checker.note("doubled", "an audit entry twice")
        for attempt in self.attempts.list_by_student("delivery", "asha"):
            for mark in attempt.controls:
                if f"{mark.id}:{attempt.id}" not in ids:
                    self.checker.note("unaudited", f"{mark.kind} is not in the log")


def _was_let_go(attempt: Attempt, control_id: str) -> bool:
    """Staff let this one go on after that control had reached it."""
    ids = [mark.id for mark in attempt.controls]
    return control_id in ids and ids[-1] != control_id


def _is_made(attempt: Attempt, kind: MoveKind, position: int) -> bool:
    return position < attempt.position if kind is MoveKind.CLOSE else attempt.was_opened(position)


def _all_moves(paper: Paper, at: datetime) -> list[Move]:
    return [
        Move(kind=kind, position=position, at=at)
        for position in range(paper.total_items)
        for kind in (MoveKind.OPEN, MoveKind.CLOSE)
    ]


def _conditions(dice: random.Random) -> Conditions:
    if dice.random() < 0.5:
        return Conditions()
    return Conditions(
        extra_time=dice.choice((1.0, 1.25, 2.0)), break_ms=dice.choice((0, 300_000)), replays=dice.choice((0, 2))
    )


def _paper(dice: random.Random, *, goes_on_offline: bool) -> Paper:
    """Items with a clock each, or a part of three with one time limit, between others or at the end."""
    spoken, typed = AnswerKind.RECORDING, AnswerKind.TEXT
    pair, part = _section(2), _section(3, time_limit_ms=PART_MS)
    shapes = {"pairs": (pair, pair), "within": (pair, part, _section(1)), "last": (pair, part)}
    sections: list[PaperSection] = []
    items: list[PaperItem] = []
    for letter, shape in zip("ABC", shapes[dice.choice(tuple(shapes))], strict=False):
        sections.append(replace(shape, letter=letter, title=letter, first_position=len(items)))
        for number in range(shape.item_count):
            kind = typed if shape.time_limit_ms is not None or number % 2 else spoken
            items.append(_item(len(items), kind, section=sections[-1], number=number + 1))
    return Paper(
        form_id="form",
        sections=tuple(sections),
        items=tuple(items),
        demonstration=None,
        allowed=ALLOWED,
        goes_on_offline=goes_on_offline,
    )


def _section(item_count: int, *, time_limit_ms: int | None = None) -> PaperSection:
    return PaperSection(
        letter="",
        title="",
        task="repeat",
        instructions="",
        example="",
        instructions_audio_key=None,
        first_position=0,
        item_count=item_count,
        practice_count=0,
        time_limit_ms=time_limit_ms,
    )


def _item(position: int, kind: AnswerKind, *, section: PaperSection, number: int) -> PaperItem:
    return PaperItem(
        position=position,
        section_letter=section.letter,
        number=number,
        of=section.item_count,
        task="repeat" if kind is AnswerKind.RECORDING else "essay",
        practice=False,
        text=None,
        prompt_key=None,
        prompt_content_type=None,
        prompt_ms=2_000 if section.time_limit_ms is None else 0,
        window_ms=section.time_limit_ms or 240_000,
        begin_within_ms=5_000,
        silence_end_ms=2_000,
        item_id=f"item{position}",
        item_version=1,
        answer_kind=kind,
    )


def _delivery() -> Delivery:
    return Delivery(
        id="delivery",
        campus_id="north",
        batch_id="batch",
        title="Test",
        format_id="format",
        format_version="1",
        form_ids=("form",),
        opens_at=OPENS,
        closes_at=OPENS + timedelta(hours=1),
        time_zone="Asia/Kolkata",
        attempts_allowed=1,
        state=DeliveryState.SCHEDULED,
        created_by="meera",
        created_at=OPENS - timedelta(days=1),
    )
