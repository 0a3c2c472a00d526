"""Logs and error reports of a process. Neither carries a voice, an answer, a name or an address."""

import logging

import sentry_sdk
import structlog
from sentry_sdk.types import Event, Hint

from config.settings import Settings

_PRIVATE_PARTS = ("request", "user", "breadcrumbs", "extra")


def without_private_parts(event: Event, hint: Hint) -> Event:  # noqa: ARG001 - Sentry passes the hint
    """The event with what might hold somebody's data taken out: request, user, breadcrumbs, exception texts."""
    kept: Event = {**event}
    for part in _PRIVATE_PARTS:
        kept.pop(part, None)  # type: ignore[misc]  # the names are Event's own keys
    for entry in (kept.get("exception") or {}).get("values", []):
        entry["value"] = ""
    return kept


def init_telemetry(settings: Settings) -> None:
    """JSON lines with a constant event and ids on standard output; Sentry where a DSN is set."""
    logging.basicConfig(level=settings.log_level, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level]),
        cache_logger_on_first_use=True,
    )
    if settings.sentry_dsn:
        sentry_sdk.init(
            dsn=settings.sentry_dsn,
            environment=settings.viva_env,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            before_send=without_private_parts,
        )
