"""The code on a login card by which a candidate shows who they are, without any photograph."""

import hashlib
import hmac

# Nothing that is misread or misheard: no 0/O, 1/I/L, no U/V, no B/8, no S/5, no Z/2.
_LETTERS = "ACDEFGHJKMNPQRTWXY34679"
_LENGTH = 6


def identity_code(student_id: str, *, secret: str) -> str:
    """Such as "K7P-4XM": the same on every card of this student, not to be guessed from anything printed elsewhere."""
    digest = hmac.new(secret.encode(), f"identity:{student_id}".encode(), hashlib.sha256).digest()
    number = int.from_bytes(digest[:8], "big")
    letters = []
    for _ in range(_LENGTH):
        number, rest = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[rest])
    return f"{''.join(letters[:3])}-{''.join(letters[3:])}"


def normal_code(typed: str) -> str:
    """As it is compared: capitals, nothing between them."""
    return "".join(each for each in typed.upper() if each.isalnum())
