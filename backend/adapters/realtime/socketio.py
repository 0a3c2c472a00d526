"""Socket.IO: the server's object for web processes, and a feed that speaks to all of them through Redis.

JSON only on the message queue: nothing is ever unpickled. Events are best effort: a Redis that is down costs live news,
never an answer.
"""

from collections.abc import Mapping

import socketio
import structlog
from flask_socketio import SocketIO

from backend.core.ports import Feed

CHANNEL = "viva-live"
MAX_MESSAGE_BYTES = 64 * 1024

log = structlog.get_logger()


def create_socketio(*, async_mode: str, redis_url: str | None) -> SocketIO:
    """The web process's Socket.IO, not yet attached: `init_app` must be given `cors_allowed_origins`.

    WebSocket only: with several workers, polling loses its session. Without `redis_url` it reaches this process only.
    """
    return SocketIO(
        async_mode=async_mode,
        client_manager=None if redis_url is None else _manager(redis_url, write_only=False),
        max_http_buffer_size=MAX_MESSAGE_BYTES,
        transports=["websocket"],
        ping_interval=20,
        ping_timeout=20,
        manage_session=False,
        cookie=None,
        logger=False,
        engineio_logger=False,
    )


def _manager(redis_url: str, *, write_only: bool) -> socketio.RedisManager:
    options = {"socket_timeout": 5, "socket_connect_timeout": 3} if write_only else {"socket_connect_timeout": 3}
    return socketio.RedisManager(redis_url, channel=CHANNEL, write_only=write_only, redis_options=options)


class SocketFeed(Feed):
    """Publishes through Redis from any process: web, worker or script."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._sender: socketio.RedisManager | None = None

    def publish(self, room: str, event: str, payload: Mapping[str, object], *, namespace: str = "/live") -> None:
        if self._sender is None:
            self._sender = _manager(self._redis_url, write_only=True)
        try:
            self._sender.emit(event, dict(payload), namespace=namespace, room=room)
        except (OSError, RuntimeError, ValueError) as error:
            log.warning("live_event_lost", live_event=event, kind=type(error).__name__)
