"""The app over a module's own `services`, with a feed that speaks to this process's sockets."""

import pytest
from flask import request

from backend.app import create_app
from backend.web import live
from tests.support.exam import CAST, sign_in_by_header


@pytest.fixture
def app(services, monkeypatch):
    app = create_app(services=services)
    sign_in_by_header(app)
    services.feed.socketio = app.extensions["socketio"]
    monkeypatch.setattr(live, "actor_from_request", lambda: CAST.get(request.headers.get("X-Actor")))
    return app
