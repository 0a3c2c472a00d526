"""Items and their immutable versions, and who may change what about them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from backend.core.errors import RuleViolation
from backend.core.ports import Script

LEVELS = ("A1", "A2", "B1", "B2", "C1")
REASON_MAX = 300


class AnswerKind(StrEnum):
    """How an item is answered: by voice, by one text, by the text of each gap, or by choosing among options."""

    RECORDING = "recording"
    TEXT = "text"
    TEXTS = "texts"
    CHOICES = "choices"


class ItemStatus(StrEnum):
    """Only active items get into new forms. A form that has the item already keeps it: forms are frozen."""

    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemBody:
    """What an item type makes of an item's fields: what is printed, what is heard, and the answer key as stored.

    `headline` is how the bank lists it; like `heard` and `answer_key` it may give the answer away. `shown` is
    what is on the screen beside the text: options, gaps, points to cover, a stimulus that several items share.
    """

    shown_text: str | None
    heard: tuple[str, ...]
    headline: str
    answer_key: Mapping[str, object]
    shown: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BankItem:
    """One item as the bank's files have it. `version` is the least number that its content gets."""

    id: str
    task: str
    level: str
    pool: str
    status: ItemStatus
    version: int
    body: ItemBody

    @property
    def content_hash(self) -> str:
        """Changes exactly when something changes that a candidate or a scorer meets."""
        content = {
            "task": self.task,
            "level": self.level,
            "pool": self.pool,
            "shown_text": self.body.shown_text,
            "heard": self.body.heard,
            "answer_key": self.body.answer_key,
        }
        if self.body.shown:
            content["shown"] = self.body.shown
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """The item's lasting part: which version is current, and whether new forms may use it."""

    id: str
    task: str
    version: int
    content_hash: str
    status: ItemStatus
    status_reason: str
    status_changed_at: datetime
    status_changed_by: str | None
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemVersion:
    """One immutable content of an item. Its answer key has the same id, in its own collection."""

    id: str
    item_id: str
    version: int
    task: str
    level: str
    pool: str
    shown_text: str | None
    heard: tuple[str, ...]
    headline: str
    created_at: datetime
    shown: Mapping[str, object] = field(default_factory=dict)

    @property
    def word_count(self) -> int:
        return len(self.headline.split())

    @property
    def stimulus_id(self) -> str | None:
        """The stimulus that this item shares with others of its set."""
        stimulus = self.shown.get("stimulus")
        return str(stimulus["id"]) if isinstance(stimulus, Mapping) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """An answer key as stored; `backend.scoring.keys.key_from_dict(task, content)` makes it typed."""

    id: str
    item_id: str
    version: int
    task: str
    content: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptAudio:
    """The sound of a script in one voice: id from `audio_id`, blob under its content hash."""

    id: str
    voice: str
    blob_key: str
    content_type: str
    duration_ms: int
    size: int
    created_at: datetime


def version_id(item_id: str, version: int) -> str:
    """The id of an item's version, and of its answer key."""
    return f"{item_id}:{version}"


def audio_id(script: Script, voice: str) -> str:
    """The id of the sound of a script in a voice."""
    content = [script.phrases, script.pause_ms, script.lead_in_ms, voice]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def check_reason(reason: str, *, needed: bool) -> str:
    """The reason without needless spaces; refused when too long, or empty where one is needed."""
    cleaned = " ".join(reason.split())
    if needed and not cleaned:
        raise RuleViolation("invalid_input", "Say why.", errors={"reason": ["Say why, in a few words."]})
    if len(cleaned) > REASON_MAX:
        raise RuleViolation("invalid_input", "Too long.", errors={"reason": [f"At most {REASON_MAX} characters."]})
    return cleaned
