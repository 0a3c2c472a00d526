"""A voice that remembers in folders what it has said: rendering a bank again costs reading files."""

import json
import secrets
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from backend.core.ports import Script, SpokenAudio, Voice


class CachedVoice(Voice):
    """Reads from every folder, writes to the first. A file that is damaged counts as missing."""

    def __init__(self, voice: Voice, folders: Sequence[Path]) -> None:
        self._voice = voice
        self._folders = tuple(dict.fromkeys(folders))

    @property
    def version(self) -> str:
        return self._voice.version

    def speak(self, scripts: Sequence[Script]) -> Iterator[SpokenAudio]:
        found = {script: self._find(script) for script in scripts}
        rendered = self._voice.speak([script for script in scripts if found[script] is None])
        for script in scripts:
            spoken = found[script]
            if spoken is None:
                spoken = next(rendered)
                self._keep(script, spoken)
            yield spoken

    def _name(self, script: Script) -> str:
        content = [self.version, script.phrases, script.pause_ms, script.lead_in_ms]
        return sha256(json.dumps(content).encode()).hexdigest()

    def _find(self, script: Script) -> SpokenAudio | None:
        for folder in self._folders:
            about, sound = folder / f"{self._name(script)}.json", folder / f"{self._name(script)}.sound"
            if about.is_file() and sound.is_file():
                spoken = _read(about, sound)
                if spoken is not None:
                    return spoken
        return None

    def _keep(self, script: Script, spoken: SpokenAudio) -> None:
        folder = self._folders[0]
        folder.mkdir(parents=True, exist_ok=True)
        about = {
            "content_type": spoken.content_type,
            "extension": spoken.extension,
            "duration_ms": spoken.duration_ms,
            "sha256": sha256(spoken.data).hexdigest(),
        }
        _write_whole(folder / f"{self._name(script)}.sound", spoken.data)
        _write_whole(folder / f"{self._name(script)}.json", json.dumps(about).encode())


def _read(about: Path, sound: Path) -> SpokenAudio | None:
    try:
        facts = json.loads(about.read_text(encoding="utf-8"))
        data = sound.read_bytes()
        if sha256(data).hexdigest() != facts["sha256"]:
            return None
        return SpokenAudio(
            data=data,
            content_type=str(facts["content_type"]),
            extension=str(facts["extension"]),
            duration_ms=int(facts["duration_ms"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_whole(path: Path, data: bytes) -> None:
    """A reader sees the whole file or none."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    draft.write_bytes(data)
    draft.replace(path)
