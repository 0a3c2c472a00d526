"""An institution's own calibration: trained from its rated recordings, chosen by a setting, named in every score."""

import hashlib
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.adapters.speech import ENGINES
from backend.adapters.speech.calibrations import FOLDER, SHIPPED
from backend.adapters.speech.listener import EngineListener
from backend.adapters.speech.offline import OfflineEngine
from backend.core.errors import EngineFailure
from backend.scoring.evidence import Evidence
from backend.scoring.keys import key_from_dict
from backend.scoring.scorers import score_answer
from backend.wiring import speech_setup
from config.settings import load_settings
from scripts import attention_fit, calibration_fit, speech_features, train_calibration
from scripts.rated_corpus import Utterance
from tests.support.speech import AUDIO, read

MODELS = Path(os.environ.get("VIVA_DATA", ".viva")).resolve() / "models"
TEXT = "THIS HAPPENED TO ME IN COLLEGE"
SPEAKERS, OF_EACH = 6, 4


@pytest.fixture(scope="module")
def engine() -> OfflineEngine:
    return OfflineEngine(models_dir=MODELS)


@pytest.fixture
def rated(tmp_path: Path, engine: OfflineEngine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of rated recordings, whose features are those of one real voice, better or worse said by marks."""
    monkeypatch.setattr(speech_features, "_engine", lambda models, adaptation: engine)
    heard = speech_features.extract(_voice(), str(MODELS), free=True)
    random = np.random.default_rng(5)
    folder, scores, features = tmp_path / "rated", {}, {}
    folder.mkdir()
    for number in range(SPEAKERS * OF_EACH):
        name, mark = f"{number:03}", float(random.integers(2, 11))
        (folder / f"{name}.opus").symlink_to(AUDIO / "learner_adult.opus")
        experts = dict.fromkeys(("accuracy", "fluency", "prosodic"), [mark] * 5)
        words = [{"text": word, "accuracy": [mark] * 5} for word in TEXT.split()]
        scores[name] = {"text": TEXT, "speaker": f"s{number // OF_EACH}", "experts": experts, "words": words}
        features[name] = {**heard, **{mode: _said(heard[mode], mark, random) for mode in ("read", "open")}}
    (folder / "our_scores.json").write_text(json.dumps(scores))
    monkeypatch.setattr(train_calibration, "extract_all", lambda corpus, **places: features)
    for module, name, value in (
        (calibration_fit, "NETS", 1),
        (calibration_fit, "ATTENTIONS", 1),
        (attention_fit, "EPOCHS", 2),
    ):
        monkeypatch.setattr(module, name, value)
    for trees in (calibration_fit.TREES, calibration_fit.WORD_TREES):
        monkeypatch.setitem(trees, "max_iter", 5)
    return folder


def _voice() -> Utterance:
    return Utterance(
        id="v", text=TEXT, speaker="v", age=20, median={}, experts={}, words=[], audio=AUDIO / "learner_adult.opus"
    )


def _said(features: dict[str, float], mark: float, random: np.random.Generator) -> dict[str, float]:
    moved = {name: value * (1 + 0.05 * random.normal()) for name, value in features.items()}
    return {**moved, "phone_margin": features["phone_margin"] + (mark - 6) / 4, "phones_aligned": 1.0}


def _train(monkeypatch: pytest.MonkeyPatch, folder: Path, out: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["train_calibration", "--data", str(folder), "--out", str(out)])
    train_calibration.main()


def _listener(tmp_path: Path, **environ: Any) -> EngineListener:
    values = {"VIVA_DATA": str(tmp_path), **{name: str(value) for name, value in environ.items()}}
    settings = load_settings(env_file=None, environ=values, fill_embedded=False)
    return EngineListener(settings.engines, replace(speech_setup(settings), models_dir=MODELS))


def _gather(listener: EngineListener, task: str) -> Evidence:
    key = key_from_dict(task, {"text": TEXT})
    return listener.gather([read("learner_adult.opus")], task=task, key=key, engine="offline")


def test_an_own_calibration_is_trained_chosen_and_named(
    tmp_path: Path,
    rated: Path,
    engine: OfflineEngine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = tmp_path / "made" / "college-1.npz"
    _train(monkeypatch, rated, own)
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert told["cross_validated"]["read"]["n"] == SPEAKERS * OF_EACH
    with pytest.raises(SystemExit, match="is there already"):
        _train(monkeypatch, rated, own)

    monkeypatch.setitem(ENGINES, "offline", lambda setup: engine)
    shipped, chosen = _listener(tmp_path), _listener(tmp_path, SPEECH_CALIBRATION=own)
    for task in ("read_aloud", "repeat"):
        one, other = _gather(shipped, task), _gather(chosen, task)
        assert one.aspects.total != other.aspects.total
        for found, name, file in ((one, SHIPPED, FOLDER / f"{SHIPPED}.npz"), (other, "college-1", own)):
            version = f"{name} {hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
            scored = score_answer(found, key_from_dict(task, {"text": TEXT}))
            assert found.aspects.calibration == scored.explanation["calibration"] == version


def test_the_shipped_calibration_is_never_written_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = (FOLDER / f"{SHIPPED}.npz").read_bytes()
    for name in (SHIPPED, f"{SHIPPED}.npz"):
        with pytest.raises(SystemExit, match="is there already"):
            _train(monkeypatch, tmp_path, FOLDER / name)
    assert (FOLDER / f"{SHIPPED}.npz").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no arrays", b"PK\x05\x06" + bytes(18), b"PK\x03\x04 cut"])
def test_what_is_no_calibration_is_the_installations_mistake_not_the_answers(tmp_path: Path, content: bytes) -> None:
    broken = tmp_path / "broken.npz"
    broken.write_bytes(content)
    with pytest.raises(EngineFailure) as refused:
        _gather(_listener(tmp_path, SPEECH_CALIBRATION=broken), "read_aloud")
    assert (refused.value.reason, refused.value.is_permanent) == ("calibration_unusable", True)
