"""The one place where an error becomes a reply: problem+json (RFC 9457) under /api, a page elsewhere."""

from collections.abc import Mapping
from http import HTTPStatus

import structlog
from flask import Flask, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

from backend.core.errors import AppError, NotAuthenticated, PermanentFailure, TemporaryFailure

log = structlog.get_logger()

_TEXTS = {
    400: ("bad_request", "The request could not be read. Go back and try again."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that kind of request."),
    413: ("too_large", "What was sent is too large. Choose a smaller file."),
    415: ("unsupported_type", "Send JSON with the content type application/json."),
    422: ("invalid_input", "Some of the input needs another look."),
    429: ("too_many_requests", "Too many requests. Wait a moment and try again."),
    500: ("internal_error", "Something went wrong on our side. Nothing you sent was lost; try again in a moment."),
    503: ("unavailable", "A part of the service does not answer now. Try again in a moment."),
}


def is_api_request() -> bool:
    return request.path.startswith("/api/")


def problem(
    status: int,
    *,
    code: str,
    title: str,
    detail: str,
    errors: Mapping[str, object] | None = None,
    facts: Mapping[str, object] | None = None,
) -> Response:
    """A problem+json reply: type, title, status, detail, code, errors by field where there are any, and the facts."""
    body: dict[str, object] = {
        **(facts or {}),
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = errors
    reply = jsonify(body)
    reply.status_code = status
    reply.content_type = "application/problem+json"
    return reply


def _answer(
    status: int,
    *,
    code: str,
    title: str,
    detail: str,
    errors: Mapping[str, object] | None = None,
    facts: Mapping[str, object] | None = None,
) -> WerkzeugResponse:
    if is_api_request():
        return problem(status, code=code, title=title, detail=detail, errors=errors, facts=facts)
    page = render_template(
        [f"errors/{code}.html", f"errors/{status}.html", "errors/error.html"],
        status=status,
        code=code,
        title=title,
        detail=detail,
        errors=errors or {},
    )
    return Response(page, status=status)


def _on_app_error(error: AppError) -> WerkzeugResponse:
    if isinstance(error, NotAuthenticated) and not is_api_request() and request.method == "GET":
        return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))
    reply = _answer(
        error.status,
        code=error.code,
        title=error.title,
        detail=error.detail,
        errors=error.errors,
        facts=error.facts,
    )
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        reply.headers["Retry-After"] = str(retry_after_s)
    return reply


def _on_http_error(error: HTTPException) -> WerkzeugResponse:
    if error.code is None or error.code < 400:
        return error.get_response()
    code, detail = _TEXTS.get(error.code, ("refused", "The request was refused."))
    messages = getattr(error, "data", {}).get("messages") if hasattr(error, "data") else None
    reply = _answer(error.code, code=code, title=HTTPStatus(error.code).phrase, detail=detail, errors=messages)
    for name, value in error.get_headers():
        if name.lower() in ("retry-after", "allow"):
            reply.headers[name] = value
    return reply


def _on_temporary_failure(error: TemporaryFailure) -> WerkzeugResponse:
    log.warning("request_met_temporary_failure", reason=error.reason, endpoint=request.endpoint)
    code, detail = _TEXTS[503]
    reply = _answer(503, code=code, title="Please try again", detail=detail)
    reply.headers["Retry-After"] = "2"
    return reply


def _on_permanent_failure(error: PermanentFailure) -> WerkzeugResponse:
    log.error("request_met_permanent_failure", reason=error.reason, endpoint=request.endpoint)
    code, detail = _TEXTS[500]
    return _answer(500, code=code, title="Something went wrong", detail=detail)


def _on_bug(error: Exception) -> WerkzeugResponse:
    log.error("request_failed", endpoint=request.endpoint, kind=type(error).__name__, exc_info=error)
    code, detail = _TEXTS[500]
    return _answer(500, code=code, title="Something went wrong", detail=detail)


def init_errors(app: Flask) -> None:
    app.register_error_handler(AppError, _on_app_error)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(TemporaryFailure, _on_temporary_failure)
    app.register_error_handler(PermanentFailure, _on_permanent_failure)
    if not app.testing:
        app.register_error_handler(Exception, _on_bug)
