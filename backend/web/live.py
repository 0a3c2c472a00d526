"""The socket edge: who connects, and one way to join a room. Features say which rooms there are (their JOINS).

A browser emits ``join_<thing> {<thing>_id}``; the acknowledgement is ``{room, snapshot}`` or ``{problem}``: a code, a
text. The room is joined before the snapshot is taken: what happens in between comes as an event too. Sockets only
carry news; nothing is ever changed through them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from flask import Flask, current_app, request
from flask_socketio import SocketIO, join_room, leave_room

from backend.core.actor import Actor
from backend.core.errors import AdapterError, AppError, NotAuthenticated, RuleViolation
from backend.web.auth import actor_from_request, session_id_from_request
from backend.web.lines import Lines

NAMESPACE = "/live"
_LONGEST = 128

log = structlog.get_logger()

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What joining answers with: `enter` returns the room's name, or raises an AppError for whom it is not."""

    id_field: str
    namespace: str = NAMESPACE
    enter: Callable[[Actor, str], str]
    snapshot: Callable[[Actor, str], Json]


def init_live(app: Flask, socketio: SocketIO, joins: Mapping[str, Room]) -> None:
    """Handlers for connecting, for each of `joins` by event name, and for leaving."""
    app.extensions["viva_lines"] = Lines(socketio, app.extensions["viva"].sessions)
    for namespace in sorted({room.namespace for room in joins.values()}):
        socketio.on_event("connect", _connect, namespace=namespace)
        socketio.on_event("disconnect", _disconnect, namespace=namespace)
        socketio.on_event("leave", _leave, namespace=namespace)
    for event, room in joins.items():
        socketio.on_event(event, _joiner(event, room), namespace=room.namespace)
    socketio.init_app(app, cors_allowed_origins=lambda origin, environ: is_own_origin(app, origin, environ))


def is_own_origin(app: Flask, origin: str | None, environ: Mapping[str, Any]) -> bool:
    """Whether a page of ours asks: of the public address, or, where none is set, of the address it was loaded from."""
    settings = app.extensions["viva"].settings
    if origin is None:
        return False
    if origin == settings.public_url:
        return True
    if settings.viva_public_url:
        return False
    asked = urlsplit(origin)
    return asked.scheme in ("http", "https") and asked.netloc == environ.get("HTTP_HOST")


def _connect(_auth: object = None) -> bool | None:
    """Only those who are signed in; everybody else is turned away, and asks again in a moment if it is our page."""
    try:
        if actor_from_request() is None:
            return False
    except AdapterError as failure:
        log.warning("live_connect_failed", reason=failure.reason)
        return False
    keep_line(str(getattr(request, "namespace", NAMESPACE)))
    return None


def _disconnect(_reason: object = None) -> None:
    forget_line()


def keep_line(namespace: str) -> None:
    """In a connect handler: this connection ends with its session."""
    session_id = session_id_from_request()
    if session_id is not None:
        _lines().keep(session_id, str(_request_sid()), namespace)


def forget_line() -> None:
    """In a disconnect handler."""
    _lines().forget(str(_request_sid()))


def _request_sid() -> object:
    return getattr(request, "sid", "")  # Flask-SocketIO puts it there


def _lines() -> Lines:
    return cast("Lines", current_app.extensions["viva_lines"])


def _joiner(event: str, room: Room) -> Callable[[object], Json]:
    def join(message: object = None) -> Json:
        try:
            return _join(room, message)
        except AppError as refusal:
            return {"problem": {"code": refusal.code, "detail": refusal.detail}}
        except AdapterError as failure:
            log.warning("live_join_failed", live_event=event, reason=failure.reason)
            return {"problem": {"code": "unavailable", "detail": "This does not answer now. Try again in a moment."}}
        except Exception as error:
            log.exception("live_join_broke", live_event=event, kind=type(error).__name__)
            return {"problem": {"code": "internal_error", "detail": "Something went wrong on our side."}}

    return join


def _join(room: Room, message: object) -> Json:
    actor = actor_from_request()
    if actor is None:
        raise NotAuthenticated
    thing_id = _read_field(message, room.id_field)
    name = room.enter(actor, thing_id)
    join_room(name)
    return {"room": name, "snapshot": room.snapshot(actor, thing_id)}


def _read_field(message: object, field: str) -> str:
    """The one field that a message has; anything else is refused."""
    values = cast("dict[str, object]", message) if isinstance(message, dict) else {}
    value = values.get(field)
    if set(values) != {field} or not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        raise RuleViolation("invalid_input", f"Send an object with {field} only.")
    return value


def _leave(message: object = None) -> Json:
    """Leaves a room that this connection is in; any other name changes nothing."""
    try:
        leave_room(_read_field(message, "room"))
    except RuleViolation as refusal:
        return {"problem": {"code": refusal.code, "detail": refusal.detail}}
    return {"left": True}
