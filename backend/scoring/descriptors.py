"""What a band means in words: overall, and for each trait what it is, what can be done now, what would improve it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    now: str
    improve: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitWords:
    """`by_band`: every band of the scale has its advice."""

    name: str
    meaning: str
    by_band: Mapping[str, Advice]


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptors:
    id: str
    version: str
    language: str
    overall: Mapping[str, str]
    traits: Mapping[str, TraitWords]


def descriptors_from_dict(data: Mapping[str, Any]) -> Descriptors:
    """As `config/scales/descriptors_*.yaml` writes it. ValueError when a trait lacks a band that `overall` has."""
    overall = {str(band): " ".join(str(text).split()) for band, text in data["overall"].items()}
    traits = {str(name): _trait(each) for name, each in data["traits"].items()}
    for name, words in traits.items():
        if set(words.by_band) != set(overall):
            raise ValueError(f"traits.{name}: other bands than overall")
    return Descriptors(
        id=str(data["id"]), version=str(data["version"]), language=str(data["language"]), overall=overall, traits=traits
    )


def _trait(data: Mapping[str, Any]) -> TraitWords:
    by_band = {
        str(band): Advice(now=str(level["now"]), improve=str(level["improve"]))
        for level in data["levels"]
        for band in level["bands"]
    }
    return TraitWords(name=str(data["name"]), meaning=str(data["meaning"]), by_band=by_band)
