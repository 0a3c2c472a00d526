"""One-time codes: how they look, and how they are kept."""

import hashlib
import hmac
import secrets

# Without 0 O, 1 I L, 5 S, 2 Z, 8 B, U V: what is read from paper is typed right.
CARD_ALPHABET = "ACDEFGHJKMNPQRTWXY34679"
CARD_LENGTH = 10
CARD_GROUP = 5


def link_token() -> str:
    """For links: 256 random bits."""
    return secrets.token_urlsafe(32)


def card_code() -> str:
    """For paper: ten characters in two groups, e.g. "K7MCP-9XQ4T". 45 random bits, and it opens one login only."""
    letters = "".join(secrets.choice(CARD_ALPHABET) for _ in range(CARD_LENGTH))
    return f"{letters[:CARD_GROUP]}-{letters[CARD_GROUP:]}"


def looks_like_card_code(text: str) -> bool:
    letters = normal_card_code(text)
    return len(letters) == CARD_LENGTH and all(letter in CARD_ALPHABET for letter in letters)


def normal_card_code(text: str) -> str:
    """However it was typed: without hyphen and spaces, upper case."""
    return "".join(letter for letter in text.upper() if letter.isalnum())


def hash_code(code: str, *, account_id: str, secret: str) -> str:
    """The keyed hash under which a code is kept. Card codes are bound to their account by it."""
    return hmac.new(secret.encode(), f"{account_id}\n{code}".encode(), hashlib.sha256).hexdigest()
