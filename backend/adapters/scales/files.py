"""`config/scales/*.yaml` as scales and descriptors.

A scale that was used is never edited: a changed one is a further file with a higher version. Read once a process.
"""

from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from backend.core.errors import PermanentFailure
from backend.scoring.descriptors import Descriptors, descriptors_from_dict
from backend.scoring.scales import Scale, scale_from_dict

CONFIG = Path(__file__).resolve().parents[3] / "config"


class FileScales:
    def __init__(self, config: Path = CONFIG) -> None:
        self._config = config

    @cached_property
    def _scales(self) -> Mapping[tuple[str, str], Scale]:
        read = [scale_from_dict(data) for data in _read_all(self._config / "scales") if "cut_table" in data]
        return {(scale.id, scale.version): scale for scale in read}

    def get_newest(self, scale_id: str) -> Scale:
        known = [scale for (known_id, _), scale in self._scales.items() if known_id == scale_id]
        if not known:
            raise PermanentFailure("scale_missing")
        return max(known, key=lambda scale: _number(scale.version))

    def get(self, scale_id: str, version: str) -> Scale:
        if (scale_id, version) not in self._scales:
            raise PermanentFailure("scale_missing")
        return self._scales[scale_id, version]


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _read_all(folder: Path) -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))]


@cache
def load_descriptors(name: str = "descriptors_en", config: Path = CONFIG) -> Descriptors:
    """The words that a scale's bands are told in; KeyError or ValueError when the file is wrong."""
    text = (config / "scales" / f"{name}.yaml").read_text(encoding="utf-8")
    return descriptors_from_dict(yaml.safe_load(text))
