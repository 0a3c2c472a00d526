"""An entry's details as words: the log itself holds codes, counts and ids. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backend.features.audit.model import AuditEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One line. `text` in words, or an id (`is_id`)."""

    label: str
    text: str
    is_id: bool = False


def _spaced(code: str) -> str:
    return code.replace("_", " ")


def _count(one: str, many: str, none: str) -> Callable[[str], str]:
    def say(value: str) -> str:
        return none if value == "0" else f"{value} {one if value == '1' else many}"

    return say


def _extra_time(value: str) -> str:
    return "the usual time" if value == "1" else f"{value} times the usual"


def _listed(value: str) -> str:
    return ", ".join(value.split()).replace("_", " ") or "none"


_students = _count("student", "students", "no student")
_answers = _count("answer", "answers", "no answer")
_minutes = _count("minute", "minutes", "none")

# What is not named here is shown as its code, without underscores.
WORDS: dict[str, tuple[str, Callable[[str], str]]] = {
    "added": ("Added", _students),
    "answers": ("Answers", _answers),
    "break_minutes": ("Breaks", _minutes),
    "cards": ("Cards", _count("login card", "login cards", "no card")),
    "damaged": ("Damaged", _answers),
    "dispatches": ("Sent again", _count("mail", "mails", "no mail")),
    "extra_time": ("Time", _extra_time),
    "full_screen": ("Full screen", lambda value: "asked for" if value == "true" else "not asked for"),
    "finding": ("Finding", _spaced),
    "identity_check": ("Identity check", _spaced),
    "invitations": ("Invitations", _count("mail", "mails", "no mail")),
    "kind_of": ("Kind", _spaced),
    "known": ("There already", _answers),
    "larger_text": ("Larger text", lambda value: "yes" if value == "true" else "no"),
    "late": ("Came late", _answers),
    "left_out": ("Left out", _count("row with a problem", "rows with a problem", "no row")),
    "means": ("By", _spaced),
    "minutes": ("Minutes", str),
    "named": ("To", lambda value: "everybody" if value == "0" else _students(value)),
    "networks": ("Networks", _count("network", "networks", "any")),
    "no_silence_end": ("Silence ends an answer", lambda value: "no" if value == "true" else "yes"),
    "not_opened": ("Of questions never opened", _answers),
    "position": ("Question", lambda value: str(int(value) + 1) if value.isdigit() else value),
    "powers": ("May", _listed),
    "reason": ("Reason", lambda value: _spaced(value) or "none given"),
    "replays": ("Prompts heard again", _count("time", "times", "never")),
    "results": ("Results", _count("result", "results", "no result")),
    "rubric": ("Rubric", _spaced),
    "browser_keys": ("Safe Exam Browser keys", _count("key", "keys", "none")),
    "stored": ("Stored", _answers),
    "unchanged": ("Unchanged", _students),
    "updated": ("Updated", _students),
    "version": ("Version", str),
}
_IDS = {"control_id": "Control", "delivery_id": "Test"}


def details_of(event: AuditEvent) -> Sequence[Detail]:
    """In the order of the entry."""
    return [_detail(name, value) for name, value in event.details.items()]


def _detail(name: str, value: str) -> Detail:
    if name.endswith("_id"):
        label = _IDS.get(name) or _spaced(name.removesuffix("_id")).capitalize()
        return Detail(label=label, text=value, is_id=True)
    if name == "refused":  # answers of a file, or why a control did not reach its attempt
        label, say = ("Refused", _answers) if value.isdigit() else ("Because", _spaced)
        return Detail(label=label, text=say(value))
    label, say = WORDS.get(name, (_spaced(name).capitalize(), _spaced))
    return Detail(label=label, text=say(value))
