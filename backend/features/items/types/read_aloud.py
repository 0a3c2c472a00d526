"""Read aloud: a printed sentence, read when asked for by its number, or a passage. The text itself is never heard."""

from backend.core.ports import Script
from backend.features.items.model import ItemBody
from backend.features.items.types.base import Fields, ItemType, Place, check_word_count, read_text

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
LONGEST_SENTENCE = 18
PASSAGE = "Please read the passage."


def _read(fields: Fields) -> ItemBody:
    text = read_text(fields, "text")
    check_word_count("text", text, least=4, most=75)
    heard = (PASSAGE,) if len(text.split()) > LONGEST_SENTENCE else ()
    return ItemBody(shown_text=text, heard=heard, headline=text, answer_key={"text": text})


def _script(heard: tuple[str, ...], place: Place, lead_in_ms: int) -> Script:
    number = NUMBERS[place.number - 1] if place.number <= len(NUMBERS) else str(place.number)
    request = "Please read the practice sentence." if place.practice else f"Please read sentence {number}."
    return Script(phrases=heard or (request,), lead_in_ms=lead_in_ms)


TYPE = ItemType(task="read_aloud", title="Read aloud", fields=frozenset({"text"}), read=_read, script=_script)
