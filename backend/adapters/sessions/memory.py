"""Sessions in this process: for tests."""

import threading
from dataclasses import replace
from datetime import datetime

from backend.core.ports import Session, Sessions


class MemorySessions(Sessions):
    """Keeps sessions until they are revoked; nothing expires by itself."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

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
            self._sessions.pop(session_id, None)

    def revoke_account(self, account_id: str, *, but: str | None = None) -> None:
        with self._lock:
            for session_id, session in list(self._sessions.items()):
                if session.account_id == account_id and session_id != but:
                    del self._sessions[session_id]
