"""/healthz: this process is alive. /readyz: it can do its work, with the state of every part."""

from collections.abc import Callable, Mapping

import structlog
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from backend.core.errors import AdapterError
from backend.web.gates import public

log = structlog.get_logger()


def health_blueprint(checks: Mapping[str, Callable[[], None]]) -> Blueprint:
    """Both addresses. A check returns when its part can be used, and raises AdapterError when it cannot.

    The answers name parts and constant reasons, nothing of the installation: anyone may ask.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    @public
    def show_health() -> ResponseReturnValue:
        return jsonify(status="alive")

    @blueprint.get("/readyz")
    @public
    def show_readiness() -> ResponseReturnValue:
        parts = {name: _state_of(name, check) for name, check in checks.items()}
        is_ready = all(state == "ready" for state in parts.values())
        reply = jsonify(status="ready" if is_ready else "not_ready", parts=parts)
        reply.headers["Cache-Control"] = "no-store"
        return reply, 200 if is_ready else 503

    return blueprint


def _state_of(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except AdapterError as error:
        log.warning("readiness_check_failed", part=name, reason=error.reason)
        return error.reason
    return "ready"
