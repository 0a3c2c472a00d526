"""One web worker for the tests of live events: gevent, memory storage of its own, news through the Redis that is set.

`gunicorn -k gevent tests.support.live_worker:app`; who asks is in the header X-Actor.
"""

# ruff: noqa: E402 - the patch must come before everything that opens a socket
from gevent import monkey

monkey.patch_all()

import os

from flask import request

from backend.adapters.realtime.socketio import SocketFeed
from backend.app import create_app
from backend.web import live
from config.settings import Settings
from tests.support.exam import CAST, furnish, sign_in_by_header
from tests.support.services_memory import build_memory_services

setattr(live, "actor_from_request", lambda: CAST.get(request.headers.get("X-Actor", "")))  # noqa: B010 - a test's door
settings = Settings(viva_env="local", redis_url=os.environ["LIVE_REDIS_URL"], viva_secret_key="s" * 40)
feed = SocketFeed(settings.redis_url_for("sockets"))
services = furnish(build_memory_services(settings=settings, feed=feed))
app = create_app(services=services)
sign_in_by_header(app)
