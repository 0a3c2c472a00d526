"""Keys by HKDF and sealing by AES-GCM."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backend.core.sealing import Unreadable, derive_key, key_text, seal, unseal

SECRET = "a secret of more than thirty-two letters"


def test_the_key_derivation_is_hkdf_as_published():
    """RFC 5869, test case 1: the library does what the name says."""
    okm = HKDF(
        algorithm=SHA256(),
        length=42,
        salt=bytes.fromhex("000102030405060708090a0b0c"),
        info=bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"),
    ).derive(bytes.fromhex("0b" * 22))
    assert okm.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"


def test_each_purpose_and_thing_has_a_key_of_its_own():
    keys = [
        derive_key(SECRET, "storage", "a"),
        derive_key(SECRET, "storage", "b"),
        derive_key(SECRET, "package", "a"),
        derive_key(SECRET, "storage", "a", "b"),
        derive_key(SECRET, "storage", "ab"),
        derive_key(SECRET + "!", "storage", "a"),
    ]
    assert len(set(keys)) == len(keys)
    assert {len(key) for key in keys} == {32}
    assert derive_key(SECRET, "storage", "a") == keys[0], "it is not stored, so it has to come out the same"
    assert len(key_text(keys[0])) == 44


def test_what_is_sealed_opens_with_its_key_and_label_only():
    key = derive_key(SECRET, "storage", "a")
    sealed = seal(key, b"voice", label="rec:0", nonce=bytes(12))
    assert b"voice" not in sealed
    assert unseal(key, sealed, label="rec:0") == b"voice"
    for other, label, data in (
        (derive_key(SECRET, "storage", "b"), "rec:0", sealed),
        (key, "rec:1", sealed),
        (key, "rec:0", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (key, "rec:0", b""),
    ):
        with pytest.raises(Unreadable):
            unseal(other, data, label=label)
