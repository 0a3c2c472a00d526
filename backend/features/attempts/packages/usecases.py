"""Packages: one for each delivery, form and part, sealed with a key that is told when the part begins.

A package is ``4 bytes: length of the head || head as JSON || sounds, one after another``, the head
``{letter, items: [ItemView without its clock], sounds: [{name, size}]}``; an item's prompt names its sound instead of
an address. The client's side is in src/exam/packages.ts.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence

import structlog

from backend.core.errors import NotFound
from backend.core.ports import Blobs
from backend.core.sealing import NONCE_BYTES, derive_key, key_text, seal
from backend.features.attempts.model import Attempt
from backend.features.attempts.packages.shelf import Shelf
from backend.features.attempts.paper import Paper, PaperItem

# One higher with every change to what a package holds: kept ones of before are not used any more.
VERSION = 1

log = structlog.get_logger()

# What the client gets of an item, given how the sound of a key is named.
Describe = Callable[[PaperItem, Callable[[str], str]], Mapping[str, object]]


def section_key_of(attempt: Attempt, paper: Paper, *, secret: str) -> str | None:
    """Opens the package of the part that is on; None before its first item was opened, and when nothing is on."""
    if not attempt.is_running or attempt.position >= paper.total_items:
        return None
    letter = paper.section_letter_at(attempt.position)
    section = next(each for each in paper.sections if each.letter == letter)
    if not attempt.was_opened(section.first_position):
        return None
    return key_text(_key(attempt, letter, secret))


def provide_package(
    *, attempt: Attempt, letter: str, paper: Paper, describe: Describe, blobs: Blobs, shelf: Shelf, secret: str
) -> str:
    """The blob's key of that part's package, made on first use. NotFound for a part that the form does not have."""
    items = [item for item in paper.items if item.section_letter == letter]
    if not items:
        raise NotFound()
    key = _key(attempt, letter, secret)
    blob_key = (
        f"packages/{attempt.delivery_id}/{attempt.form_id}/{letter}-{VERSION}-{hashlib.sha256(key).hexdigest()[:12]}"
    )

    def make() -> bytes:
        data = pack(letter, items, describe, blobs)
        # The same content always gets the same nonce, so that making it twice at once makes the same object.
        sealed = seal(key, data, label=f"package:{letter}", nonce=hashlib.sha256(data).digest()[:NONCE_BYTES])
        log.info("package_made", delivery_id=attempt.delivery_id, form_id=attempt.form_id, size=len(sealed))
        return sealed

    shelf.ensure(blob_key, make)
    return blob_key


def pack(letter: str, items: Sequence[PaperItem], describe: Describe, blobs: Blobs) -> bytes:
    """The package's bytes, not sealed yet."""
    names: dict[str, str] = {}

    def name_of(sound_key: str) -> str:
        return names.setdefault(sound_key, f"package:{letter}/{len(names)}")

    described = [describe(item, name_of) for item in items]
    sounds = [(name, blobs.get(sound_key)) for sound_key, name in names.items()]
    head = {
        "letter": letter,
        "items": described,
        "sounds": [{"name": name, "size": len(data)} for name, data in sounds],
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    return b"".join([len(text).to_bytes(4, "big"), text, *(data for _, data in sounds)])


def _key(attempt: Attempt, letter: str, secret: str) -> bytes:
    return derive_key(secret, "package", attempt.delivery_id, attempt.form_id, letter)
