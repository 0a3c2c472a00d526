"""What every reply tells the browser to refuse, and which host names we answer to."""

from urllib.parse import urlsplit

from flask import Flask, g, request
from flask.wrappers import Response
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix

from backend.web.pages import csp_nonce
from config.settings import Settings

_ANY_HOST = frozenset({"/healthz", "/readyz"})
_YEAR_S = 31_536_000
_PERMISSIONS = ("camera", "geolocation", "payment", "usb", "serial", "midi", "display-capture")
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    # Nothing leaves our origin; with "no-referrer" browsers would hide the origin of our own forms from us too.
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", ", ".join(["microphone=(self)", *(f"{name}=()" for name in _PERMISSIONS)])),
)

# A reply for programs: shown as a page, it may do nothing.
_DATA_TYPES = frozenset({"application/json", "application/problem+json"})
_DATA_POLICY = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"


# A foreign document in a frame of ours: it is shown, runs nothing, loads nothing, and counts as another origin.
_FRAMED_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox"
)


def serve_for_own_frame(reply: Response) -> Response:
    """The reply as a document for a sandboxed frame on one of our pages, such as the preview of a mail."""
    g.for_own_frame = True
    return reply


def init_security(app: Flask) -> None:
    settings: Settings = app.extensions["viva"].settings
    if settings.viva_trusted_proxies:
        hops = settings.viva_trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.before_request(lambda: _check_host(settings))

    def protect(reply: Response) -> Response:
        return _protect(reply, settings)

    app.after_request(protect)


def _check_host(settings: Settings) -> None:
    """With a public address, no other name reaches us: links, cookies and origins are made of it."""
    if not settings.viva_public_url or request.path in _ANY_HOST:
        return
    if request.host.lower() != urlsplit(settings.public_url).netloc.lower():
        raise BadRequest()


def _protect(reply: Response, settings: Settings) -> Response:
    headers = reply.headers
    headers.extend(_ALWAYS)
    headers["X-Frame-Options"] = "SAMEORIGIN" if g.get("for_own_frame") else "DENY"
    headers["Content-Security-Policy"] = _policy(reply, settings)
    if settings.is_secure:
        headers["Strict-Transport-Security"] = f"max-age={_YEAR_S}; includeSubDomains"
    if request.endpoint == "static":
        _cache_built(reply)
    elif "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store"
    return reply


def _policy(reply: Response, settings: Settings) -> str:
    if g.get("for_own_frame"):
        return _FRAMED_POLICY
    if reply.mimetype in _DATA_TYPES:
        return _DATA_POLICY
    return content_security_policy(settings, host=request.host, nonce=csp_nonce())


def _cache_built(reply: Response) -> None:
    """Built files have their hash in their name and never change; others are asked for again."""
    if request.path.startswith("/static/dist/assets/") and reply.status_code == 200:
        reply.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
    else:
        reply.headers["Cache-Control"] = "no-cache"


def content_security_policy(settings: Settings, *, host: str, nonce: str) -> str:
    """Scripts and styles are our own files or carry the nonce; recordings and prompts may go to the object store."""
    store = _origin(settings.s3_browser_endpoint)
    socket = f"{'wss' if settings.is_secure else 'ws'}://{host}"
    directives = {
        "default-src": "'none'",
        "script-src": f"'self' 'nonce-{nonce}'",
        "style-src": f"'self' 'nonce-{nonce}'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self' {socket} {store}",
        "media-src": f"'self' blob: {store}",
        "worker-src": "'self' blob:",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "object-src": "'none'",
        "frame-src": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value.strip()}" for name, value in directives.items())


def _origin(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
