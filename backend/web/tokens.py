"""Tokens as they come back: read once, then known until they end."""

import time
from dataclasses import dataclass

from flask import Flask, current_app
from flask_jwt_extended import decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import ExpiredSignatureError, PyJWTError

_MOST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What we read from a token of ours. `ends_at` is in seconds since the epoch."""

    kind: str
    session_id: str
    refresh_id: str
    ends_at: float


def init_tokens(app: Flask) -> None:
    app.extensions["viva_tokens"] = {}


def read_token(encoded: str, kind: str) -> tuple[Token | None, bool]:
    """The token, if it is ours, of that kind and in time; and whether it only was too late.

    A signature that was good stays good: a token is verified when this process sees it first. Whether its session still
    is there is asked for each request.
    """
    if not encoded:
        return None, False
    known: dict[str, Token] = current_app.extensions["viva_tokens"]
    token = known.get(encoded)
    if token is None or token.ends_at <= time.time():
        known.pop(encoded, None)
        token, is_late = _decode(encoded)
        if token is None:
            return None, is_late
        if len(known) >= _MOST:
            known.clear()
        known[encoded] = token
    return (token, False) if token.kind == kind else (None, False)


def _decode(encoded: str) -> tuple[Token | None, bool]:
    try:
        claims = decode_token(encoded)
    except ExpiredSignatureError:
        return None, True
    except (PyJWTError, JWTExtendedException):
        return None, False
    kind, session_id, refresh_id = (claims.get(name) for name in ("type", "session", "refresh"))
    if not isinstance(kind, str) or not isinstance(session_id, str) or not isinstance(refresh_id, str):
        return None, False
    return Token(kind=kind, session_id=session_id, refresh_id=refresh_id, ends_at=float(claims["exp"])), False
