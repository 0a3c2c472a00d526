"""What pages and calls are tested with: the app over a module's own `services`, and browsers of the cast."""

import pytest

from backend.app import create_app
from tests.support.exam import Browser, sign_in_by_header
from tests.support.people import World, build_world


@pytest.fixture
def app(services):
    app = create_app(services=services)
    sign_in_by_header(app)
    return app


@pytest.fixture
def browse(app):
    return lambda actor=None: Browser(http=app.test_client(), actor=actor)


@pytest.fixture
def asha(browse):
    return browse("asha")


@pytest.fixture
def ravi(browse):
    return browse("ravi")


@pytest.fixture
def meera(browse):
    return browse("meera")


@pytest.fixture
def world() -> World:
    return build_world()
