"""Sessions in this process: for tests."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from backend.core.ports import Session, Sessions


class MemorySessions(Sessions):
    """Keeps sessions until they are revoked; nothing expires by itself."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Condition()
        self._ended: list[str] = []

    def add(self, session: Session) -> None:
        with self._lock:
            self._sessions[session.id] = session

    def find(self, session_id: str) -> Session | None:
        return self._sessions.get(session_id)

    def confirm(self, session_id: str, refresh_id: str) -> None:
        with self._lock:
            session = self._sessions.get(session_id)
            if session is not None and session.refresh_id == refresh_id:
                self._sessions[session_id] = replace(session, is_confirmed=True)

    def rotate(self, session_id: str, *, seen: str, successor: str, now: datetime) -> bool:
        with self._lock:
            session = self._sessions.get(session_id)
            if session is None:
                return False
            unconfirmed = seen == session.previous_refresh_id and not session.is_confirmed
            if seen != session.refresh_id and not unconfirmed:
                return False
            self._sessions[session_id] = replace(
                session, refresh_id=successor, previous_refresh_id=seen, is_confirmed=False, rotated_at=now
            )
            return True

    def revoke(self, session_id: str) -> None:
        with self._lock:
            if self._sessions.pop(session_id, None) is not None:
                self._tell([session_id])

    def revoke_account(self, account_id: str, *, but: str | None = None) -> None:
        with self._lock:
            ended = [session_id for session_id in self._of(account_id) if session_id != but]
            for session_id in ended:
                del self._sessions[session_id]
            self._tell(ended)

    def revoke_campus(self, campus_id: str) -> None:
        with self._lock:
            ended = [session.id for session in self._sessions.values() if session.campus_id == campus_id]
            for session_id in ended:
                del self._sessions[session_id]
            self._tell(ended)

    def hang_up(self, account_id: str) -> None:
        with self._lock:
            self._tell(self._of(account_id))

    def list_gone(self, session_ids: Sequence[str]) -> Sequence[str]:
        return [session_id for session_id in session_ids if session_id not in self._sessions]

    def hear_endings(self, *, wait_s: float) -> Sequence[str]:
        with self._lock:
            if not self._ended:
                self._lock.wait(wait_s)
            ended, self._ended = self._ended, []
            return ended

    def _of(self, account_id: str) -> list[str]:
        return [session_id for session_id, session in self._sessions.items() if session.account_id == account_id]

    def _tell(self, session_ids: list[str]) -> None:
        self._ended += session_ids
        self._lock.notify_all()
