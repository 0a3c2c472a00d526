"""The web process: one Flask application, wired, gated, with every feature's routes."""

from pathlib import Path
from types import ModuleType
from typing import cast

from flask import Flask
from flask.typing import ResponseReturnValue
from flask_smorest import Api
from flask_smorest import Blueprint as ApiBlueprint

from backend.adapters.realtime.socketio import create_socketio
from backend.features.accommodations import views as accommodation_views
from backend.features.accounts import views as account_views
from backend.features.assessments import views as assessment_views
from backend.features.attempts import views as attempt_views
from backend.features.attempts.engine import sockets as engine_sockets
from backend.features.attempts.engine import views as engine_views
from backend.features.attempts.packages import views as package_views
from backend.features.attempts.recordings import views as recording_views
from backend.features.attempts.response_files import views as response_file_views
from backend.features.audit import views as audit_views
from backend.features.batches import views as batch_views
from backend.features.campuses import views as campus_views
from backend.features.courses import views as course_views
from backend.features.home import views as home_views
from backend.features.invigilation import api as invigilation_api
from backend.features.invigilation import sockets as invigilation_sockets
from backend.features.invigilation import staff as invigilation_staff
from backend.features.invigilation import views as invigilation_views
from backend.features.items import views as item_views
from backend.features.mailings import sockets as mailing_sockets
from backend.features.mailings import views as mailing_views
from backend.features.raters import views as rater_views
from backend.features.ratings import views as rating_views
from backend.features.reports import views as report_views
from backend.features.results import views as result_views
from backend.features.students import views as student_views
from backend.telemetry import init_telemetry
from backend.web import api_docs
from backend.web.application import Application
from backend.web.auth import init_auth
from backend.web.errors import init_errors
from backend.web.gates import init_gates, public
from backend.web.health import health_blueprint
from backend.web.limits import init_limits
from backend.web.live import init_live
from backend.web.pages import init_pages
from backend.web.security import init_security
from backend.web.static_files import init_static_files
from backend.wiring import Services, build_services
from config.settings import Settings, load_settings

# Every module with routes offers BLUEPRINTS: its pages and its API. One line here for a new one.
VIEWS: tuple[ModuleType, ...] = (
    api_docs,
    assessment_views,
    attempt_views,
    engine_views,
    recording_views,
    package_views,
    response_file_views,
    invigilation_api,
    invigilation_views,
    invigilation_staff,
    rater_views,
    rating_views,
    result_views,
    report_views,
    mailing_views,
    account_views,
    item_views,
    home_views,
    campus_views,
    course_views,
    batch_views,
    student_views,
    accommodation_views,
    audit_views,
)

# Every module with live rooms offers JOINS: events to join them by. One line here for a new one.
SOCKETS: tuple[ModuleType, ...] = (invigilation_sockets, engine_sockets, mailing_sockets)

ROOT = Path(__file__).resolve().parents[1]
MAX_BODY_BYTES = 12 * 1024 * 1024  # a roster, a form, a recording


class ProblemApi(Api):
    """flask-smorest whose errors are answered by backend.web.errors, the one place that does."""

    def _register_error_handlers(self) -> None:
        return


def create_app(settings: Settings | None = None, *, services: Services | None = None) -> Flask:
    """The application. `services` replaces the real wiring in tests."""
    wired = services or build_services(settings or load_settings())
    init_telemetry(wired.settings)
    app = Application(
        "viva",
        root_path=str(ROOT),
        template_folder="frontend_templates",
        static_folder="frontend_templates/static",
    )
    app.testing = wired.settings.viva_env == "test"
    app.extensions["viva"] = wired
    app.config.update(
        API_TITLE="Viva",
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        SECRET_KEY=wired.settings.viva_secret_key,
    )
    init_static_files(app)
    init_pages(app)
    init_errors(app)
    init_security(app)
    init_auth(app)
    init_limits(app)
    init_gates(app)
    app.register_blueprint(health_blueprint(wired.readiness))
    _register_views(app)
    _open_live_rooms(app, wired.settings)
    return app


def _open_live_rooms(app: Flask, settings: Settings) -> None:
    redis_url = settings.redis_url_for("sockets") if settings.redis_url else None
    joins = {event: room for module in SOCKETS for event, room in module.JOINS.items()}
    init_live(app, create_socketio(async_mode=_async_mode(settings), redis_url=redis_url), joins)


def _async_mode(settings: Settings) -> str:
    return "threading" if settings.viva_env == "test" else settings.viva_async_mode


def _register_views(app: Flask) -> None:
    api = ProblemApi(app)
    _publish_document(app)
    for module in VIEWS:
        for blueprint in module.BLUEPRINTS:
            if isinstance(blueprint, ApiBlueprint):
                api.register_blueprint(blueprint)
            else:
                app.register_blueprint(blueprint)


def _publish_document(app: Flask) -> None:
    """flask-smorest's own route, which knows nothing of our gates, is open to everybody."""
    document = app.view_functions["api-docs.openapi_json"]

    @public
    def openapi_json() -> ResponseReturnValue:
        return cast("ResponseReturnValue", document())

    app.view_functions["api-docs.openapi_json"] = openapi_json
