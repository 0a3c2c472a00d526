"""Identifiers: 128 random bits as 26 lower-case base32 characters, URL-safe and hard to mistype."""

import base64
import secrets
from collections.abc import Callable

IdSource = Callable[[], str]


def random_id() -> str:
    """A fresh identifier, e.g. ``"k5x2mzq7..."`` (26 characters a-z2-7)."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
