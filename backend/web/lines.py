"""Live connections end with the session that opened them, in every process, within a second.

Signing out, disabling an account or taking a right back is told by the port `Sessions`; one listener a process cuts
the connections that it holds. What a broken channel did not bring is found by asking for all of them now and then.
"""

import threading
import time
from collections.abc import Sequence

import structlog
from flask_socketio import SocketIO

from backend.core.errors import AdapterError
from backend.core.ports import Sessions

WAIT_S = 5.0
ASK_EVERY_S = 30.0
PAUSE_S = 1.0

log = structlog.get_logger()


class Lines:
    """Which connection belongs to which session, in this process. The listener runs while there is one."""

    def __init__(self, socketio: SocketIO, sessions: Sessions) -> None:
        self._socketio = socketio
        self._sessions = sessions
        self._lines: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()
        self._is_listening = False
        self._asked_at = 0.0

    def keep(self, session_id: str, sid: str, namespace: str) -> None:
        with self._lock:
            self._lines[sid] = (session_id, namespace)
            if self._is_listening:
                return
            self._is_listening = True
        self._socketio.start_background_task(self._listen)

    def forget(self, sid: str) -> None:
        with self._lock:
            self._lines.pop(sid, None)

    def _listen(self) -> None:
        self._asked_at = time.monotonic()
        while self._goes_on():
            try:
                self._cut(self._sessions.hear_endings(wait_s=WAIT_S))
                self._ask()
            except AdapterError as failure:
                log.warning("session_endings_not_heard", reason=failure.reason)
                self._asked_at = 0.0  # something may have been missed
                self._socketio.sleep(PAUSE_S)

    def _goes_on(self) -> bool:
        with self._lock:
            self._is_listening = bool(self._lines)
            return self._is_listening

    def _ask(self) -> None:
        if time.monotonic() - self._asked_at < ASK_EVERY_S:
            return
        with self._lock:
            session_ids = sorted({session_id for session_id, _ in self._lines.values()})
        self._cut(self._sessions.list_gone(session_ids))
        self._asked_at = time.monotonic()

    def _cut(self, session_ids: Sequence[str]) -> None:
        ended = set(session_ids)
        with self._lock:
            cut = [(sid, line[1]) for sid, line in self._lines.items() if line[0] in ended]
            for sid, _ in cut:
                del self._lines[sid]
        for sid, namespace in cut:
            self._socketio.server.disconnect(sid, namespace=namespace)
        if cut:
            log.info("live_connections_cut", connections=len(cut))
