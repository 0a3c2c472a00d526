"""Flask without what only others need: what it does for every request, an exam pays a thousand times a second."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface


class PageNotes(SecureCookieSessionInterface):
    """Flask's session holds what a page tells after a redirect, and nothing else. The API has none: writing to it
    there is an error."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if request.path.startswith("/api/"):
            return None
        return super().open_session(app, request)


class Application(Flask):
    session_interface = PageNotes()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view or hook of ours is a coroutine (tests/conventions), so nobody looks whether one is."""
        return func
