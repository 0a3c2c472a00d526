"""What the engines are told of this installation."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSetup:
    """Keys and places. An engine that lacks its own is `engine_not_set_up`; the others never look at it.

    `calibration` is the file of an institution's own; None: the shipped one. `azure_host` and `google_endpoint` are for
    private endpoints, and for tests; empty: the vendor's own of the region.
    """

    models_dir: Path
    calibration: Path | None = None
    whisper_folder: Path | None = None
    whisper_sha256: str = ""
    azure_key: str = field(default="", repr=False)
    azure_region: str = ""
    azure_host: str = ""
    google_credentials: Path | None = None
    google_endpoint: str = ""
    language: str = "en-US"
