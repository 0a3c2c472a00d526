"""The real item bank and formats on memory, spoken by a voice that only counts: quick enough for every test."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from backend.core.ports import Blobs, Script, SpokenAudio, Voice
from backend.features.items import usecases
from backend.features.items.files import load_bank, load_formats
from backend.features.items.formats import Format, Order
from backend.features.items.forms import Form
from backend.features.items.model import BankItem
from backend.features.items.repository import Forms, Items, PromptSounds
from backend.wiring import Services

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)


class CountingVoice(Voice):
    """Says nothing, but takes 400 ms a word and says it the same way each time."""

    def __init__(self, version: str = "counting/1") -> None:
        self._version = version
        self.spoken: list[Script] = []

    @property
    def version(self) -> str:
        return self._version

    def speak(self, scripts: Sequence[Script]) -> Iterator[SpokenAudio]:
        for script in scripts:
            self.spoken.append(script)
            words = sum(len(phrase.split()) for phrase in script.phrases)
            yield SpokenAudio(
                data=f"{self._version}{script!r}".encode(),
                content_type="audio/mpeg",
                extension="mp3",
                duration_ms=script.lead_in_ms + 400 * words,
            )


@cache
def real_bank() -> tuple[BankItem, ...]:
    return load_bank(ROOT / "config" / "bank")


@cache
def real_formats() -> tuple[Format, ...]:
    return load_formats(ROOT / "config" / "formats")


def fill_bank(
    *,
    items: Items,
    sounds: PromptSounds,
    forms: Forms,
    blobs: Blobs,
    bank: Sequence[BankItem] = (),
    formats: Sequence[Format] = (),
    voice: Voice | None = None,
    now: datetime = NOW,
) -> None:
    """What `scripts/render_prompts.py` does, without a voice to wait for."""
    wanted = tuple(formats) or real_formats()
    usecases.sync_bank(bank=tuple(bank) or real_bank(), items=items, now=now)
    audio = usecases.prepare_sounds(
        scripts=usecases.list_scripts(formats=wanted, items=items),
        voice=voice or CountingVoice(),
        blobs=blobs,
        sounds=sounds,
        now=now,
    )
    usecases.publish_forms(formats=wanted, audio=audio, items=items, forms=forms, now=now)


def furnish_items(services: Services) -> None:
    """The whole bank, with both formats published, in `services`."""
    fill_bank(items=services.items, sounds=services.prompt_sounds, forms=services.forms, blobs=services.blobs)


def published_forms(forms: Forms, format_id: str) -> list[Form]:
    offered = forms.find_published(format_id)
    assert offered is not None
    return [form for form_id in offered.form_ids if (form := forms.find(form_id)) is not None]


def reading_format() -> Format:
    """Two texts with three questions each, in a part with one time limit of four minutes, without parallel forms."""
    short = next(format_ for format_ in real_formats() if format_.id == "versant_style_short")
    part = replace(
        short.sections[0],
        task="multiple_choice",
        title="Reading",
        pool="reading",
        items=6,
        practice_items=0,
        order=Order.SETS,
        lead_in_ms=0,
        response_ms=240_000,
        time_limit_ms=240_000,
        traits=(),
    )
    return replace(short, id="reading", forms=("A",), sections=(part,))
