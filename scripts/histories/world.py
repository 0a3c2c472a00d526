"""One candidate's sitting with everything that may go wrong: the real use cases on memory that crashes and a clock that
only this module moves.
"""

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from backend.adapters.blobs.memory import MemoryBlobs
from backend.adapters.jobs.memory import MemoryJobs
from backend.adapters.realtime.memory import MemoryFeed
from backend.core.actor import Actor, Role
from backend.core.errors import AppError
from backend.features.assessments.memory import MemoryDeliveries
from backend.features.assessments.model import Delivery, DeliveryState, list_under_way
from backend.features.attempts import answers, model, usecases
from backend.features.attempts import responses as rules
from backend.features.attempts.engine import usecases as engine
from backend.features.attempts.engine.controls import Control, ControlKind
from backend.features.attempts.engine.moves import BELIEVED, Move, MoveKind
from backend.features.attempts.engine.pauses import up_to_now
from backend.features.attempts.engine.usecases import ControlRoom
from backend.features.attempts.late.model import LateAnswer
from backend.features.attempts.memory import (
    MemoryAttempts,
    MemoryLateAnswers,
    MemoryPapers,
    MemoryResponses,
    MemoryUploads,
)
from backend.features.attempts.model import HEAR_AGAIN_MS, UPLOAD_GRACE, Attempt, AttemptState, Conditions
from backend.features.attempts.paper import Paper, PaperItem, PaperSection
from backend.features.attempts.recordings import usecases as recordings
from backend.features.attempts.recordings.model import Upload
from backend.features.attempts.recordings.usecases import Shelves
from backend.features.attempts.repository import ReleasedAttempts
from backend.features.attempts.responses import Answer, Response, ResponseState, response_id
from backend.features.audit.memory import MemoryAuditLog
from backend.features.items.model import AnswerKind
from backend.features.ratings import usecases as ratings
from backend.features.ratings.memory import MemoryCohorts
from backend.features.ratings.model import Outlook
from backend.features.ratings.repository import Desk
from scripts.histories.checker import Checker

OPENS = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
ALLOWED = timedelta(minutes=20)
PART_MS = 360_000
STAFF = Actor(account_id="meera", role=Role.CAMPUS, campus_id="north", display_name="Meera")


class Died(Exception):
    """The process is gone, before or after the write it was at."""


class CrashingAttempts(MemoryAttempts):
    """Tells the checker of every write, and dies when it was told to."""

    def __init__(self, world: "World") -> None:
        super().__init__()
        self._world = world

    def save(self, attempt: Attempt, *, seen: Attempt) -> bool:
        self._world.may_die()
        before = self.find(attempt.id)
        written = super().save(attempt, seen=seen)
        if written and before is not None:
            world = self._world
            world.checker.saw(before, attempt, goes_on_offline=world.paper.goes_on_offline, now=world.now)
        self._world.may_die()
        return written


class CrashingDeliveries(MemoryDeliveries):
    def __init__(self, world: "World") -> None:
        super().__init__()
        self._world = world

    def save(self, delivery: Delivery, *, seen: Delivery) -> bool:
        self._world.may_die()
        written = super().save(delivery, seen=seen)
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


class CrashingResponses(MemoryResponses):
    def __init__(self, world: "World") -> None:
        super().__init__()
        self._world = world

    def add(self, response: Response) -> bool:
        with self._world.crashing():
            return super().add(response)

    def save(self, response: Response, *, seen: Response) -> bool:
        with self._world.crashing():
            return super().save(response, seen=seen)

    def save_answer(self, response_id: str, *, student_id: str, answer: Answer, rank: int, now: datetime) -> bool:
        with self._world.crashing():
            return super().save_answer(response_id, student_id=student_id, answer=answer, rank=rank, now=now)

    def hand_in(self, response_id: str, *, now: datetime) -> bool:
        with self._world.crashing():
            return super().hand_in(response_id, now=now)

    def move_answer_limit(
        self, response_id: str, *, window_began_at: datetime, window_ends_at: datetime, answer_until: datetime
    ) -> bool:
        with self._world.crashing():
            return super().move_answer_limit(
                response_id,
                window_began_at=window_began_at,
                window_ends_at=window_ends_at,
                answer_until=answer_until,
            )


class CrashingLateAnswers(MemoryLateAnswers):
    def __init__(self, world: "World") -> None:
        super().__init__()
        self._world = world

    def add(self, late: LateAnswer) -> bool:
        with self._world.crashing():
            return super().add(late)

    def save(self, late: LateAnswer, *, seen: LateAnswer) -> bool:
        with self._world.crashing():
            return super().save(late, seen=seen)


class Released(ReleasedAttempts):
    def __init__(self) -> None:
        self.ids: set[str] = set()

    def is_released(self, attempt_id: str) -> bool:
        return attempt_id in self.ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An answer that the candidate made on a page: typed, or a recording. The device keeps it until it is taken, or
    kept apart."""

    attempt_id: str
    position: int
    rank: int
    text: str
    is_spoken: bool

    @property
    def sound(self) -> bytes:
        return b"\x1a\x45\xdf\xa3" + self.text.encode()

    @property
    def recording_id(self) -> str:
        return f"recording-{self.rank}"


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
    made: list[Made] = field(default_factory=list)
    answers: int = 0


class World:
    """`random` decides everything: the same seed is the same history."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.now = OPENS - timedelta(minutes=5)
        self.paper = _paper(dice, goes_on_offline=dice.random() < 0.7)
        self.conditions = _conditions(dice)
        self.checker = Checker([_longest(item, self.conditions) for item in self.paper.items])
        self.attempts = CrashingAttempts(self)
        self.responses = CrashingResponses(self)
        self.late_answers = CrashingLateAnswers(self)
        self.blobs = MemoryBlobs()
        self.uploads = MemoryUploads()
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
        counted = ("steps", "moves", "refused", "crashes", "controls", "answers", "recordings", "kept_late", "settled")
        self.counts = dict.fromkeys(counted, 0)
        self.kept: list[Made] = []
        self._dies_in: int | None = None
        self._ids = count()

    # -- time and crashes --

    def may_die(self) -> None:
        if self._dies_in is None:
            return
        self._dies_in -= 1
        if self._dies_in < 0:
            self._dies_in = None
            raise Died

    @contextmanager
    def crashing(self) -> Iterator[None]:
        """Around one write."""
        self.may_die()
        yield
        self.may_die()

    def doom(self) -> None:
        """The process that serves the next call may die at one of its next writes."""
        self._dies_in = self.dice.randrange(6)

    def wait(self) -> None:
        scale = self.dice.choice((1, 1, 5, 20, 60, 300, 900))
        self.now += timedelta(milliseconds=self.dice.randrange(scale * 1000))

    def pass_deadline(self) -> None:
        """Up to forty minutes past it or 25 hours, seconds past it, or just before."""
        attempt = self.attempt
        if attempt is not None and attempt.deadline_at is not None and attempt.is_running:
            seconds = self.dice.choice((-20, 5, 15, 300, 1_500, 1_790, 1_805, 2_400, 90_000))
            self.now = max(self.now, attempt.deadline_at + timedelta(seconds=seconds))

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
            if self._is_promised(page, batch, attempt, asked):
                self.checker.note("lost", f"moves from before the deadline were refused: {refusal.code}")
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

    def _is_promised(self, page: Page, batch: list[Move], attempt: Attempt, asked: int) -> bool:
        """Whether these moves must be taken though the time is over: made off-line before, by the page that holds the
        lease and knows the time, and brought within half an hour; there are items that they may open."""
        now = up_to_now(attempt, now=self.now)
        ended_at, first = now.submitted_at, batch[0]
        if now.state is not AttemptState.EXPIRED or ended_at is None or not self.paper.goes_on_offline:
            return False
        is_opening = first.kind is MoveKind.OPEN
        is_next = is_opening is not now.is_item_open and first.position == (
            now.position if is_opening else now.last_open
        )
        return (
            is_next
            and not now.was_opened(self.paper.total_items - 1)
            and batch == page.pending
            and page.skew == timedelta()
            and page.epoch == asked == now.epoch
            and first.at < ended_at
            and self.now < ended_at + BELIEVED
        )

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

    def answer(self, page: Page) -> None:
        """The candidate speaks or types at whatever item this page has open; some pages go on when they should not. It
        is kept on the device and sent when the network is there, mostly after the moves."""
        attempt = self.attempt
        if attempt is None:
            return
        position = self._some_item(page)
        page.answers += 1
        page.made.append(
            Made(
                attempt_id=attempt.id,
                position=position,
                rank=answers.rank_of(page.epoch, 2 * page.answers + (page is self.pages[0])),
                text=f"{page.client_id} {page.answers}",
                is_spoken=self.paper.get_item(position).is_spoken,
            )
        )
        if page.is_online:
            self.deliver(page)

    def come_back(self, page: Page) -> None:
        """The network is back: the moves first, then the answers."""
        page.is_online = True
        if page.pending:
            self._try(lambda: self.send(page, list(page.pending)))
        self.deliver(page)

    def be_cut_off(self, page: Page) -> None:
        """The network goes before the time ends, and is back after it: the candidate goes on meanwhile."""
        page.is_online = False
        for _ in range(self.dice.randrange(1, 5)):
            self.move(page)
            self.now += timedelta(seconds=self.dice.randrange(30))
            self.answer(page)
        self.pass_deadline()
        self.sweep()
        self.settle()
        self.wait()
        self.come_back(page)

    def deliver(self, page: Page) -> None:
        """Sends what this device keeps. What is refused may be refused only for a reason that does not lose it."""
        for made in list(page.made):
            attempt = self.attempts.find(made.attempt_id)
            if attempt is None:
                continue
            attempt = self._abreast(attempt)
            try:
                (self._record if made.is_spoken else self._type)(attempt, made)
            except AppError as refusal:
                self.counts["refused"] += 1
                if refusal.code != "answer_late":
                    self._check_may_wait(made, attempt, refusal.code)
                    continue
                self.counts["kept_late"] += 1
                self._check_kept_late(made, attempt)
            self.kept.append(made)
            page.made.remove(made)

    def _type(self, attempt: Attempt, made: Made) -> None:
        before = self.responses.find(response_id(attempt.id, made.position))
        answers.save_newer(
            attempt_id=attempt.id,
            position=made.position,
            student_id="asha",
            answer=Answer(text=made.text),
            rank=made.rank,
            responses=self.responses,
            now=self.now,
        ) or answers.save_answer(
            attempt=attempt,
            position=made.position,
            answer=Answer(text=made.text),
            rank=made.rank,
            paper=self.paper,
            responses=self.responses,
            late_answers=self.late_answers,
            jobs=self.jobs,
            now=self.now,
        )
        self.counts["answers"] += 1
        if before is None or before.answer_rank < made.rank:
            self.checker.took(attempt, made.position, goes_on_offline=self.paper.goes_on_offline, now=self.now)

    def _record(self, attempt: Attempt, made: Made) -> None:
        recordings.receive(
            attempt=attempt,
            announced=Upload(
                attempt_id=attempt.id,
                recording_id=made.recording_id,
                campus_id=attempt.campus_id,
                position=made.position,
                segment=made.rank % 20,
                sha256=hashlib.sha256(made.sound).hexdigest(),
                size=len(made.sound),
                content_type="audio/webm",
                duration_ms=900,
                registered_at=self.now,
            ),
            offset=0,
            data=made.sound,
            paper=self.paper,
            shelves=self.shelves,
            now=self.now,
        )
        self.counts["recordings"] += 1

    def _check_may_wait(self, made: Made, attempt: Attempt, code: str) -> None:
        """Refused, and nothing kept: only as long as its moves may come, or where nothing is taken at all."""
        now = up_to_now(attempt, now=self.now)
        ended_at = now.submitted_at
        if code == "attempt_not_open":
            is_fair = now.state in (AttemptState.CHECKING, AttemptState.VOIDED) or (
                made.is_spoken and ended_at is not None and self.now >= ended_at + UPLOAD_GRACE
            )
        else:
            grace = BELIEVED if made.is_spoken else answers.ANSWER_GRACE
            is_moving = ended_at is not None and self.paper.goes_on_offline and self.now < ended_at + grace
            is_fair = code == "item_not_open" and (not now.is_over or (is_moving and now.settled_at is None))
        if not is_fair:
            self.checker.note("lost", f"an answer was refused with {code} and not kept, {now.state}")

    def _check_kept_late(self, made: Made, attempt: Attempt) -> None:
        """Kept apart, and not while its time was running."""
        if not self._is_kept(made):
            self.checker.note("lost", "an answer was called late and not kept")
        now = up_to_now(attempt, now=self.now)
        if now.state is not AttemptState.IN_PROGRESS or made.position not in now.open_positions:
            return
        if now.deadline_at is None or now.open_until is None or self.now >= now.deadline_at + answers.ANSWER_GRACE:
            return
        until = now.open_until + answers.ANSWER_GRACE
        if self.now < until + (answers.OFFLINE if self.paper.goes_on_offline else timedelta()):
            self.checker.note("lost", "an answer came in its time and was called late")

    def _is_kept(self, made: Made) -> bool:
        key = response_id(made.attempt_id, made.position)
        response, late = self.responses.find(key), self.late_answers.find(key)
        if made.is_spoken:
            kept = (*(response.recordings if response else ()), *(late.recordings if late else ()))
            return any(each.recording_id == made.recording_id for each in kept)
        return max(response.answer_rank if response else 0, late.answer_rank if late else 0) >= made.rank

    def _some_item(self, page: Page) -> int:
        """Mostly one of what this page has open, in a part with a time limit to and fro; or an earlier one, that was
        closed."""
        window = self.paper.window_of(min(page.position, self.paper.total_items - 1))
        if window.start == 0 or self.dice.random() < 0.8:
            return self.dice.choice(window)
        return self.dice.randrange(window.start)

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
        """The workers score and review; staff do not wait for recordings for ever. It ends as the review says."""
        attempt = self.attempt
        if attempt is None or not attempt.is_over or attempt.settled_at is not None:
            return
        outlook = self._review(attempt)
        if outlook is Outlook.UPLOADS and self.dice.random() < 0.5:
            ratings.stop_waiting(
                actor=STAFF, attempt=attempt, desk=self.desk, audit_log=self.audit_log, now=self.now, new_id=self.new_id
            )
            outlook = self._review(attempt)
        if outlook is Outlook.PERSON:
            ratings.settle_without_all(
                actor=STAFF,
                delivery_id="delivery",
                desk=self.desk,
                audit_log=self.audit_log,
                now=self.now,
                new_id=self.new_id,
            )
            outlook = self._review(attempt)
        if outlook is Outlook.RESULT:
            usecases.change(attempt.id, lambda seen: model.settled(seen, at=self.now), attempts=self.attempts)
            self.counts["settled"] += 1
            if self.dice.random() < 0.3:
                self.released.ids.add(attempt.id)

    def _review(self, attempt: Attempt) -> Outlook | None:
        for response in self.responses.list_by_attempt(attempt.id):
            claimed = rules.claimed(response, at=self.now)
            if claimed is not None:
                scored = rules.scored(claimed, score={}, evidence_key="")
                self.responses.save(replace(scored, revision=response.revision + 1), seen=response)
        return ratings.review_attempt(attempt_id=attempt.id, desk=self.desk, now=self.now)

    def new_id(self) -> str:
        return f"id-{next(self._ids)}"

    @property
    def shelves(self) -> Shelves:
        return Shelves(
            responses=self.responses,
            late_answers=self.late_answers,
            uploads=self.uploads,
            blobs=self.blobs,
            jobs=self.jobs,
        )

    @property
    def desk(self) -> Desk:
        return Desk(
            attempts=self.attempts,
            responses=self.responses,
            uploads=self.uploads,
            late_answers=self.late_answers,
            papers=self.papers,
            cohorts=MemoryCohorts(),
            blobs=self.blobs,
            jobs=self.jobs,
            feed=self.feed,
        )

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
            self._come_back_all()
            attempt = self.attempt
            if attempt is not None and attempt.state is AttemptState.PAUSED:
                resume = Control(id="control-last", kind=ControlKind.RESUME, by="meera", reason="")
                self.apply(resume, for_all=False)
        self.now += timedelta(hours=9)
        self.sweep()
        self._come_back_all()
        self._check_answers()
        for attempt in self.attempts.list_by_student("delivery", "asha"):
            self._check_end(attempt)
        self._check_audit()
        delivery = self.deliveries.find("delivery")
        if delivery is None or delivery.under_way:
            self.checker.note("stuck", "a control for everybody is under way for ever")

    def _repeat(self, control: Control, *, for_all: bool) -> None:
        self._try(lambda: self.apply(control, for_all=for_all))

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except AppError:
            self.counts["refused"] += 1

    def _come_back_all(self) -> None:
        for page in self.pages:
            self.come_back(page)

    def _check_answers(self) -> None:
        """Whatever was taken or called late is there; nothing of an attempt that is over waits on a device for ever."""
        for made in self.kept:
            if not self._is_kept(made):
                self.checker.note("lost", "an answer that was acknowledged is gone")
        for made in [each for page in self.pages for each in page.made]:
            attempt = self.attempts.find(made.attempt_id)
            if attempt is not None and attempt.is_over and not made.is_spoken:
                self.checker.note("lost", "a typed answer never left its device")

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


def _longest(item: PaperItem, conditions: Conditions) -> timedelta:
    return timedelta(milliseconds=item.prompt_ms + HEAR_AGAIN_MS + conditions.stretched(item.window_ms))


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
