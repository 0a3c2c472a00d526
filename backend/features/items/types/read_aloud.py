"""Read aloud: a printed sentence, read when asked for by its number. The sentence itself is never heard."""

from backend.core.ports import Script
from backend.features.items.model import ItemBody
from backend.features.items.types.base import Fields, ItemType, Place, check_word_count, read_text

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def _read(fields: Fields) -> ItemBody:
    text = read_text(fields, "text")
    check_word_count("text", text, least=4, most=18)
    return ItemBody(shown_text=text, heard=(), headline=text, answer_key={"text": text})


def _script(heard: tuple[str, ...], place: Place, lead_in_ms: int) -> Script:  # noqa: ARG001 - one shape for all types
    number = NUMBERS[place.number - 1] if place.number <= len(NUMBERS) else str(place.number)
    request = "Please read the practice sentence." if place.practice else f"Please read sentence {number}."
    return Script(phrases=(request,), lead_in_ms=lead_in_ms)


TYPE = ItemType(task="read_aloud", title="Read aloud", fields=frozenset({"text"}), read=_read, script=_script)
