"""Brings the item bank in step with its files: items, answer keys, the prompts' sound, the published forms.

Safe to repeat and to break off: what is there already is not done again. Ends with 2 when a file is wrong, naming every
mistake, and with 1 when a service or the voice fails.

At a start this comes twice: first for the formats without which nobody could sit anything, then, with `--rest` and
beside the running product, for the others; by hand (`make prompts`) for all. A format is offered once all of its sound
is there, never before.
"""

import os
import sys
import time
from pathlib import Path

from backend.adapters.voices import find_voice
from backend.core.errors import AdapterError
from backend.core.ports import Script
from backend.features.items import usecases
from backend.features.items.files import load_bank, load_formats
from backend.features.items.formats import Format
from backend.features.items.model import PromptAudio
from backend.features.items.problems import ConfigProblems
from backend.politeness import give_way
from backend.wiring import Services, build_services
from config.settings import PROJECT_ROOT, Settings, load_settings

BANK = PROJECT_ROOT / "config" / "bank"
CACHE = Path("cache") / "prompts"
SHOWN_EVERY_S = 1.0
# Spoken before anybody is let in. Where none of these is configured, all are.
FIRST = frozenset({"versant_style_full", "versant_style_short"})
REST = "--rest"
IS_START = "VIVA_SUPERVISED" in os.environ
_WAITING = "import signal; signal.pause()"


def main() -> int:
    settings, is_rest = load_settings(), REST in sys.argv[1:]
    if is_rest:
        give_way()
        print("Prompts of further tests", flush=True)
    try:
        prepare(build_services(settings), rest=is_rest)
    except ConfigProblems as problems:
        print("Please correct the item bank and the formats:", file=sys.stderr)
        print("\n".join(f"  - {line}" for line in problems.lines), file=sys.stderr)
        return 2
    except AdapterError as error:
        print(f"The prompts could not be prepared: {error.reason}. Start again to go on.", file=sys.stderr)
        return 1
    if is_rest:
        # A process that the process manager keeps must not end: what stays is as small as a process can be.
        os.execv(sys.executable, (sys.executable, "-S", "-c", _WAITING))  # noqa: S606 - ourselves, nothing of others'
    return 0


def prepare(services: Services, *, rest: bool = False) -> None:
    """Everything, in the order in which it depends on each other; of the rest only what the bank's sync came before."""
    formats = load_formats(services.settings.viva_formats)
    now = _first(formats) if rest or IS_START else {format_.id for format_ in formats}
    wanted = tuple(format_ for format_ in formats if (format_.id in now) is not rest)
    if not rest:
        _sync(services)
    audio = _render(services, usecases.list_scripts(formats=wanted, items=services.items))
    _publish(services, wanted, audio, kept=[format_.id for format_ in formats])


def _first(formats: tuple[Format, ...]) -> frozenset[str]:
    every = frozenset(format_.id for format_ in formats)
    return every & FIRST or every


def _sync(services: Services) -> None:
    bank = load_bank(BANK)
    synced = usecases.sync_bank(bank=bank, items=services.items, now=services.now())
    print(
        f"Items: {synced.added} new, {synced.changed} changed, {synced.unchanged} unchanged, {synced.retired} retired",
        flush=True,
    )


def _render(services: Services, scripts: list[Script]) -> dict[Script, PromptAudio]:
    return usecases.prepare_sounds(
        scripts=scripts,
        voice=find_voice(caches=_caches(services.settings)),
        blobs=services.blobs,
        sounds=services.prompt_sounds,
        now=services.now(),
        progress=Progress(),
    )


def _caches(settings: Settings) -> tuple[Path, ...]:
    """This copy's cache first; then the usual one, so that a second copy need not render again."""
    return settings.viva_data / CACHE, PROJECT_ROOT / ".viva" / CACHE


def _publish(
    services: Services, formats: tuple[Format, ...], audio: dict[Script, PromptAudio], *, kept: list[str]
) -> None:
    shortages = usecases.publish_forms(
        formats=formats, audio=audio, items=services.items, forms=services.forms, now=services.now(), kept=kept
    )
    for shortage in shortages:
        print(f"Earlier forms stay in use. {shortage.detail}", file=sys.stderr)
    for offered in services.forms.list_published():
        print(f"{offered.title}: {', '.join(offered.form_ids)}", flush=True)


class Progress:
    """A line now and then: at the start, at the end, and once a second between."""

    def __init__(self) -> None:
        self._shown_at = 0.0

    def __call__(self, done: int, total: int) -> None:
        if done == total or time.monotonic() - self._shown_at >= SHOWN_EVERY_S:
            self._shown_at = time.monotonic()
            print(f"Prompts spoken: {done} of {total}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
