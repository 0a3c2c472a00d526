"""A claim that lives as long as the worker that scores: renewed from a thread, so that its lease may be short."""

import threading
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

from backend.core.errors import AdapterError
from backend.features.attempts.repository import Responses
from backend.features.attempts.responses import LEASE, Response

RENEWED_EVERY_S = 5.0


class LeaseRenewal:
    """Renews the claim of `claimed` until the block ends. A claim that somebody else took over is left alone, and
    saving then notices. A database that does not answer is asked again."""

    def __init__(
        self,
        claimed: Response,
        *,
        responses: Responses,
        clock: Callable[[], datetime],
        every_s: float = RENEWED_EVERY_S,
    ) -> None:
        self._claimed, self._responses, self._clock, self._every_s = claimed, responses, clock, every_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()

    def _renew(self) -> None:
        while not self._done.wait(self._every_s):
            try:
                is_ours = self._responses.renew_lease(
                    self._claimed.id, seen_revision=self._claimed.revision, lease_until=self._clock() + LEASE
                )
            except AdapterError:
                continue
            if not is_ours:
                return
