"""Keys that are derived from the one secret, and sealing with them: the browser's WebCrypto does the same.

HKDF with SHA-256 (RFC 5869) makes a key for each purpose and thing, so that nothing has to be stored; AES-256-GCM (NIST
SP 800-38D) seals. What is sealed is ``12 bytes of nonce || ciphertext and tag``; the label is authenticated with it.
"""

import base64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12
KEY_BYTES = 32


class Unreadable(ValueError):
    """Sealed with another key or under another label, or changed since."""


def derive_key(secret: str, purpose: str, *names: str) -> bytes:
    """The 32 bytes of that purpose for the thing of these names, e.g. ``derive_key(secret, "storage", attempt_id)``."""
    info = "\0".join((purpose, *names)).encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=b"viva", info=info).derive(secret.encode())


def key_text(key: bytes) -> str:
    """The key as clients get it: base64url."""
    return base64.urlsafe_b64encode(key).decode()


def seal(key: bytes, data: bytes, *, label: str, nonce: bytes) -> bytes:
    """`nonce` must never be used twice with one key for different data."""
    return nonce + AESGCM(key).encrypt(nonce, data, label.encode())


def unseal(key: bytes, sealed: bytes, *, label: str) -> bytes:
    """Raises Unreadable."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], label.encode())
    except (InvalidTag, ValueError):
        raise Unreadable from None
