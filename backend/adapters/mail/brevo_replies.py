"""What Brevo's replies mean, for both of its clients."""

import json
from collections.abc import Mapping
from datetime import timedelta

from backend.core.errors import AdapterError, OutcomeUnknown, OverQuota, PermanentFailure

KEY_LIFETIME = timedelta(minutes=30)
TIMEOUT_S = 20
ALREADY_ACCEPTED = "already-accepted"
_PAUSES = {
    401: "provider_refused_key",
    402: "provider_out_of_credits",
    403: "provider_refused_key",
    429: "provider_busy",
}


def is_repeat(status: int | None, body: object) -> bool:
    """Whether Brevo refused the request because it has accepted this very key within the last 30 minutes."""
    return status == 400 and read_body(body).get("code") == "duplicate_parameter"


def failure_of(status: int | None, body: object, headers: Mapping[str, str] | None) -> AdapterError:
    """Our error for a refusal. What Brevo answers with 5xx it may have accepted all the same."""
    if status in _PAUSES:
        return OverQuota(_PAUSES[status], retry_after_s=_retry_after_s(headers or {}))
    if status is None or status >= 500:
        return OutcomeUnknown("provider_failed")
    about = str(read_body(body).get("message", "")).lower()
    return PermanentFailure("address_refused" if "email" in about and " to" in f" {about}" else "message_refused")


def read_body(body: object) -> Mapping[str, object]:
    if isinstance(body, Mapping):
        return body
    try:
        read = json.loads(body) if isinstance(body, str | bytes) else {}
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    lowered = {str(name).lower(): str(value) for name, value in headers.items()}
    for name in ("retry-after", "x-sib-ratelimit-reset"):
        if lowered.get(name, "").isdigit():
            return float(lowered[name])
    return None
