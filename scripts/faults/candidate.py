"""A recorded candidate: sits one attempt after another as fast as the server acknowledges, and never gives up.

Whatever is not acknowledged is sent again under the same identity, as the exam's own client does. Habits make clients
worse than any browser: they send everything twice, from two connections at once, out of order, with wrong clocks.
"""

import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.faults.exam_calls import OPUS_IN_WEBM, ExamCalls, Reply, now_text
from scripts.faults.records import Phase, Recorder
from scripts.load.campus import Pass

OVER = frozenset({"submitted", "expired", "voided"})
SPOKEN_TASKS = frozenset(
    {"read_aloud", "repeat", "short_answer", "sentence_build", "retelling", "open_question", "conversation"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """`pace_s` lies between two calls; `twins`: everything is sent again from a second connection at the same time;
    `shuffles`: recordings are kept back and sent later, in any order; `skew_s`: how wrong the client's clock is;
    `retry_s`: how long it waits after a call that failed."""

    pace_s: float = 0.08
    retry_s: float = 0.2
    twins: bool = False
    shuffles: bool = False
    skew_s: float = 0.0
    parts: int = 1
    reload_every: int = 5
    answers_an_item: int = 3


class Candidate(threading.Thread):
    """Sits `deliveries` one after the other until `stop`; then finishes nothing, or the attempt that it is in."""

    def __init__(
        self, who: Pass, deliveries: Sequence[str], *, address: tuple[str, int], folder: Path, habits: Habits
    ) -> None:
        super().__init__(name=who.account_id, daemon=True)
        self.path = folder / f"{who.account_id}.jsonl"
        self._recorder = Recorder(who.account_id, self.path)
        self._line = ExamCalls(who, address=address, recorder=self._recorder)
        self._twin = ExamCalls(who, address=address, recorder=self._recorder) if habits.twins else None
        self._deliveries, self._habits = deliveries, habits
        self._random = random.Random(who.account_id)  # noqa: S311 - a drill, not a secret
        self._stopping, self._leaving = threading.Event(), threading.Event()
        self._kept_back: list[Callable[[ExamCalls], Reply]] = []
        self.acknowledged = 0
        self.first_ok_after: float | None = None
        self._watch_from: float | None = None
        self.trouble = ""

    # -- from outside --------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """No new attempt; the one it is in is finished."""
        self._stopping.set()

    def leave(self) -> None:
        """Nothing more, wherever it is."""
        self._stopping.set()
        self._leaving.set()

    def watch(self, from_s: float) -> None:
        """Notes when the first call that began after `from_s` (monotonic) was acknowledged."""
        self.first_ok_after, self._watch_from = None, from_s

    # -- sitting -------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        try:
            for delivery in self._deliveries:
                if self._stopping.is_set():
                    return
                self._sit(delivery)
        except _Left:
            pass
        except Exception as problem:  # noqa: BLE001 - told by the drill, which fails
            self.trouble = repr(problem)
        finally:
            self._line.hang_up()
            self._recorder.close()

    def _sit(self, delivery: str) -> None:
        client_id = str(uuid.uuid4())
        shown = self._insist(lambda line: line.enter(delivery, client_id))
        if not shown.is_ok:
            return
        for step in (ExamCalls.check, ExamCalls.begin):
            shown = self._insist(step)
            if not shown.is_ok:
                return
        while shown.is_ok and shown.body["state"] not in OVER:
            shown = self._answer_and_move(shown)
        self._send_what_was_kept_back()

    def _answer_and_move(self, shown: Reply) -> Reply:
        """Opens the current item if need be, answers it, closes it and opens the next; the state afterwards."""
        position = int(shown.body["position"])
        item = shown.body.get("item")
        if item is None:
            return self._move([("open", position)])
        if item["task"] in SPOKEN_TASKS:
            self._speak(position)
        else:
            self._type(position)
        if position % self._habits.reload_every == 0:
            shown = self._reload(position)
            if not shown.is_ok or shown.body["state"] in OVER or int(shown.body["position"]) != position:
                return shown
        moves = [("close", position)]
        if position + 1 < int(shown.body["total_items"]):
            moves.append(("open", position + 1))
        return self._move(moves)

    def _reload(self, position: int) -> Reply:
        self._line.hang_up()
        self._insist(lambda line: line.heartbeat(position))
        return self._insist(ExamCalls.show)

    def _move(self, moves: list[tuple[str, int]]) -> Reply:
        at = now_text(self._habits.skew_s)
        batch = [{"kind": kind, "position": position, "at": at} for kind, position in moves]
        moved = self._insist(lambda line: line.moves(batch))
        if moved.is_ok:
            return moved
        return self._insist(ExamCalls.show)

    def _speak(self, position: int) -> None:
        data = OPUS_IN_WEBM + self._random.randbytes(self._random.randrange(1_500, 6_000))
        recording_id = str(uuid.UUID(bytes=self._random.randbytes(16), version=4))

        def send(line: ExamCalls) -> Reply:
            return self._upload(line, position, recording_id, data)

        if self._habits.shuffles and self._random.random() < 0.5:
            self._kept_back.append(send)
        else:
            self._insist(send)
        if len(self._kept_back) >= 4:
            self._send_what_was_kept_back()

    def _upload(self, line: ExamCalls, position: int, recording_id: str, data: bytes) -> Reply:
        """Whole, or in parts that go on where the server says."""
        size = -(-len(data) // self._habits.parts)
        offset = 0
        reply = line.record(position, 0, recording_id, data, offset=0, until=size if self._habits.parts > 1 else None)
        while not (reply.is_ok and reply.body.get("stored")):
            if reply.is_ok or reply.code == "upload_offset":
                offset = int(reply.body["offset"])
            else:
                return reply
            reply = line.record(position, 0, recording_id, data, offset=offset, until=offset + size)
        return reply

    def _send_what_was_kept_back(self) -> None:
        self._random.shuffle(self._kept_back)
        while self._kept_back:
            self._insist(self._kept_back.pop())

    def _type(self, position: int) -> None:
        epoch = self._line.epoch or 1
        numbers = list(range(1, self._habits.answers_an_item + 1))
        if self._habits.shuffles:
            self._random.shuffle(numbers)
        for number in numbers:
            text = f"{self.name} {position} {number} " + "word " * self._random.randrange(3, 30)
            self._insist(lambda line, number=number, text=text: line.answer(position, (epoch, number), text))  # type: ignore[misc]

    # -- insisting -----------------------------------------------------------------------------------------------------

    def _insist(self, call: Callable[[ExamCalls], Reply]) -> Reply:
        """Again and again until it is acknowledged or refused for good."""
        while True:
            if self._leaving.is_set():
                raise _Left
            time.sleep(self._habits.pace_s)
            twin = self._start_twin(call)
            began = time.monotonic()
            reply = call(self._line)
            if twin is not None:
                twin.join()
            if reply.is_ok:
                self._note_ok(began)
            if reply.is_ok or (reply.phase is Phase.FAIL and reply.status not in (0, 401, 408, 429)):
                return reply
            time.sleep(self._habits.retry_s)

    def _start_twin(self, call: Callable[[ExamCalls], Reply]) -> threading.Thread | None:
        if self._twin is None:
            return None
        self._twin.attempt, self._twin.epoch = self._line.attempt, self._line.epoch
        thread = threading.Thread(target=call, args=(self._twin,), daemon=True)
        thread.start()
        return thread

    def _note_ok(self, began: float) -> None:
        self.acknowledged += 1
        if self._watch_from is not None and self.first_ok_after is None and began >= self._watch_from:
            self.first_ok_after = time.monotonic()


class _Left(Exception):
    """The candidate was told to leave."""
