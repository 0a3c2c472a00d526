"""Engines beside the default one: a local Whisper, and the vendors' real SDKs against fakes of their services."""

import hashlib
import importlib
import os
import sys
import traceback
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
import structlog

from backend.adapters.speech import ENGINES
from backend.adapters.speech.listener import EngineListener
from backend.adapters.speech.offline.adaptation import SHIPPED
from backend.adapters.speech.offline.models import WHISPERS, whisper_folder
from backend.adapters.speech.setup import SpeechSetup
from backend.core.errors import EngineFailure, PermanentFailure, TemporaryFailure
from backend.features.ratings.model import ENGINE_REASONS, REASONS
from backend.scoring.evidence import Hints
from backend.scoring.keys import key_from_dict
from backend.scoring.score import ScoreStatus, Trait
from backend.scoring.scorers import score_answer
from tests.support.speech import encode, read
from tests.support.speech_services import fake_azure, fake_google

MODELS = Path(os.environ.get("VIVA_DATA", ".viva")) / "models"
READER = "He might even have been made amiable himself"
KEY = key_from_dict("read_aloud", {"text": READER})
SERVICES = {"azure": fake_azure, "google": fake_google}


@pytest.fixture(params=sorted(SERVICES))
def service(request):
    with SERVICES[request.param]() as running:
        running.name = request.param
        yield running


@pytest.fixture
def setup(service):
    return SpeechSetup(
        models_dir=MODELS, azure_key="k" * 32, azure_host=service.address, google_endpoint=service.address
    )


@pytest.fixture
def engine(service, setup):
    return ENGINES[service.name](setup)


@pytest.fixture(scope="module")
def pcm():
    from backend.adapters.speech.decode import decode

    return decode(read("native_reader.wav")).pcm


def test_words_come_with_times_and_confidences(engine, service, pcm):
    words = engine.transcribe(pcm, Hints(task="read_aloud")).words
    assert [word.text for word in words] == service.says.split()
    assert (words[1].start_ms, words[1].end_ms) == (500, 780)
    assert all(word.confidence == pytest.approx(0.9, abs=0.02) for word in words)


def test_the_expected_words_are_never_told_to_the_recogniser(engine, service, pcm):
    """A recogniser that is told them hears them."""
    engine.transcribe(pcm, Hints(task="read_aloud"))
    assert "amiable" not in str(service.asked)


def test_an_answer_becomes_evidence_and_a_score(service, setup):
    listener = EngineListener([service.name], setup)
    evidence = listener.gather([read("native_reader.wav")], task="read_aloud", key=KEY, engine=service.name)
    assert evidence.engine == service.name
    assert evidence.engine_version
    assert evidence.aspects is not None
    scored = score_answer(evidence, KEY)
    assert scored.status is ScoreStatus.SCORED
    assert scored.explanation["engine"]["name"] == service.name
    assert scored.points[Trait.FLUENCY].value > 0.5


@pytest.mark.parametrize(
    ("status", "reason", "is_permanent"), [(401, "engine_refused", True), (503, "engine_unreachable", False)]
)
def test_what_a_service_refuses_is_told_from_what_passes(service, setup, status, reason, is_permanent):
    service.fails = status
    listener = EngineListener([service.name], setup)
    with pytest.raises(EngineFailure) as failure:
        listener.gather([read("native_reader.wav")], task="read_aloud", key=KEY, engine=service.name)
    assert (failure.value.reason, failure.value.is_permanent) == (reason, is_permanent)
    assert "127.0.0.1" not in str(failure.value)


def test_a_service_that_is_gone_is_worth_another_try(setup, service, pcm):
    away = SpeechSetup(
        models_dir=MODELS, azure_key="k" * 32, azure_host="ws://127.0.0.1:9", google_endpoint="http://127.0.0.1:9"
    )
    with pytest.raises(TemporaryFailure, match="engine_unreachable"):
        ENGINES[service.name](away).transcribe(pcm, Hints(task="repeat"))


def test_no_words_are_no_failure(engine, service, pcm):
    service.says = ""
    assert engine.transcribe(pcm, Hints(task="repeat")).words == ()


@pytest.mark.parametrize("name", ["azure", "google", "local_whisper"])
def test_an_engine_without_its_keys_says_so_and_asks_nobody(name):
    with pytest.raises(PermanentFailure, match="engine_not_set_up"):
        ENGINES[name](SpeechSetup(models_dir=MODELS)).prepare()


PACKAGES = {
    "azure": "azure-cognitiveservices-speech",
    "google": "google-cloud-speech",
    "local_whisper": "faster-whisper",
}


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_an_engine_whose_package_is_not_installed_leaves_the_answer_to_the_next(name, tmp_path, monkeypatch):
    """The services' SDKs are in requirements-cloud.txt only."""
    installed = metadata.version

    def version(distribution):
        if distribution == PACKAGES[name]:
            raise metadata.PackageNotFoundError(distribution)
        return installed(distribution)

    monkeypatch.setattr(metadata, "version", version)
    setup = SpeechSetup(
        models_dir=MODELS, azure_key="k" * 32, azure_region="x", google_endpoint="http://127.0.0.1:9",
        whisper_folder=tmp_path, whisper_sha256="0" * 64,
    )  # fmt: skip
    with pytest.raises(EngineFailure, match="engine_not_installed") as failure:
        EngineListener([name], setup).gather([read("native_reader.wav")], task="read_aloud", key=KEY, engine=name)
    assert failure.value.is_permanent


# -- what the vendors' libraries raise -----------------------------------------------------------------------------

SECRET = "k-12345 at wss://example: he might even have been made amiable"
LIBRARIES = {
    "azure": "azure.cognitiveservices.speech",
    "google": "google.cloud.speech_v1",
    "local_whisper": "faster_whisper",
}
CALLS = {
    "azure": "azure.cognitiveservices.speech.SpeechRecognizer",
    "google": "google.cloud.speech_v1.SpeechClient.recognize",
    "local_whisper": "faster_whisper.WhisperModel.transcribe",
}


@pytest.fixture
def everything(local):
    """Set up, and nobody is there."""
    return replace(local, azure_key="k" * 32, azure_host="ws://127.0.0.1:9", google_endpoint="http://127.0.0.1:9")


def failure_of(setup, name):
    """How gathering an answer fails, and what was logged: nothing of what the library said."""
    with structlog.testing.capture_logs() as logs, pytest.raises(EngineFailure) as failure:
        EngineListener([name], setup).gather([read("native_reader.wav")], task="read_aloud", key=KEY, engine=name)
    told = "".join(traceback.format_exception(failure.value)) + str(logs)
    assert not any(word in told for word in ("k-12345", "wss:", "amiable"))
    assert failure.value.reason in ENGINE_REASONS
    assert failure.value.reason in REASONS
    return failure.value, logs


def raises(error):
    def call(*_, **__):
        raise error

    return call


@pytest.mark.parametrize(
    ("name", "error"),
    [("azure", OSError(SECRET)), ("google", ImportError(SECRET)), ("local_whisper", OSError(SECRET))],
    ids=sorted(LIBRARIES),
)
def test_a_library_that_cannot_be_loaded_is_the_engines_failure(name, error, everything, monkeypatch):
    class Broken:
        find_spec = staticmethod(lambda module, *_: raises(error)() if module == LIBRARIES[name] else None)

    monkeypatch.delitem(sys.modules, LIBRARIES[name], raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken, *sys.meta_path])
    failure, logs = failure_of(everything, name)
    assert failure.reason == "engine_not_loaded"
    assert [(each["engine"], each["kind"]) for each in logs] == [(name, type(error).__name__)]


@pytest.mark.parametrize(
    ("name", "error"),
    [("azure", RuntimeError(SECRET)), ("google", KeyError(SECRET)), ("local_whisper", OSError(SECRET))],
    ids=sorted(CALLS),
)
def test_whatever_a_library_raises_is_the_engines_failure(name, error, everything, monkeypatch):
    importlib.import_module(LIBRARIES[name])
    monkeypatch.setattr(CALLS[name], raises(error))
    failure, logs = failure_of(everything, name)
    assert (failure.reason, failure.is_permanent) == ("engine_failed", False)
    assert logs[0]["kind"] == type(error).__name__
    assert logs[0]["place"].startswith("test_speech_services.py:"), "where it was raised"


def test_a_model_that_ctranslate2_cannot_load_is_the_engines_failure(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"no model")
    (tmp_path / "tokenizer.json").write_text("{}")
    digest = hashlib.sha256(b"no model").hexdigest()
    broken = SpeechSetup(models_dir=MODELS, whisper_folder=tmp_path, whisper_sha256=digest)
    failure, _ = failure_of(broken, "local_whisper")
    assert failure.reason == "engine_not_loaded"


@pytest.mark.parametrize("member", ["FluencyScore", "Offset", "Word"])
def test_a_reply_of_azure_that_lacks_something_is_no_score_and_no_silence(member):
    with fake_azure() as service:
        service.lacks = member
        failure, logs = failure_of(
            SpeechSetup(models_dir=MODELS, azure_key="k" * 32, azure_host=service.address), "azure"
        )
    assert failure.reason == "engine_reply_unreadable"
    assert (logs[0]["kind"], logs[0]["place"].split(":")[0]) == ("KeyError", "azure.py")


def test_a_reply_that_is_none_of_googles_is_no_score_and_no_silence():
    """As a proxy sends it that wants somebody to sign in."""
    with fake_google() as service:
        service.garbles = True
        failure, _ = failure_of(SpeechSetup(models_dir=MODELS, google_endpoint=service.address), "google")
    assert failure.reason == "engine_failed"


def test_azure_marks_words_and_sounds(pcm):
    with fake_azure() as service:
        setup = SpeechSetup(models_dir=MODELS, azure_key="k" * 32, azure_host=service.address)
        found = ENGINES["azure"](setup).assess(pcm, READER)
    assert [word.text for word in found.words if word.doubtful] == ["amiable"]
    weak = min(found.phones, key=lambda phone: phone.goodness)
    assert (weak.heard, found.words[weak.word_index].text) == ("ɛ", "amiable")
    assert (found.aspects.accuracy, found.aspects.fluency, found.aspects.prosodic) == (0.82, 0.74, 0.66)
    assert found.aspects.confidence < 0.6, "nobody compared its marks with experts here"


# -- a local Whisper ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def local():
    return SpeechSetup(models_dir=MODELS, whisper_folder=whisper_folder(MODELS), whisper_sha256=WHISPERS[SHIPPED])


def test_a_local_whisper_hears_and_the_default_engine_judges(local):
    listener = EngineListener(["local_whisper"], local)
    evidence = listener.gather([read("native_reader.wav")], task="read_aloud", key=KEY, engine="local_whisper")
    assert "amiable" in evidence.transcript.lower()
    assert all(word.end_ms <= evidence.duration_ms for word in evidence.words)
    assert evidence.aspects.calibration.startswith("speechocean762")
    assert {"local_whisper", "offline"} <= set(evidence.versions)
    assert WHISPERS[SHIPPED][:12] in evidence.engine_version


def test_a_model_that_is_not_what_its_hash_says_is_not_used(local, tmp_path):
    (tmp_path / "model.bin").write_bytes(b"something else")
    (tmp_path / "tokenizer.json").write_text("{}")
    altered = SpeechSetup(models_dir=MODELS, whisper_folder=tmp_path, whisper_sha256=local.whisper_sha256)
    with pytest.raises(PermanentFailure, match="model_altered"):
        ENGINES["local_whisper"](altered).prepare()
    missing = SpeechSetup(models_dir=MODELS, whisper_folder=tmp_path / "no", whisper_sha256="0" * 64)
    with pytest.raises(PermanentFailure, match="model_missing"):
        ENGINES["local_whisper"](missing).prepare()


def test_a_recording_that_cannot_be_decoded_is_no_engines_fault(local):
    listener = EngineListener(["local_whisper"], local)
    with pytest.raises(PermanentFailure) as failure:
        listener.gather([b"not a sound"], task="read_aloud", key=KEY, engine="local_whisper")
    assert not isinstance(failure.value, EngineFailure)


def test_silence_asks_no_service():
    import numpy as np

    with fake_azure() as service:
        setup = SpeechSetup(models_dir=MODELS, azure_key="k" * 32, azure_host=service.address)
        quiet = encode(np.zeros(32_000, dtype=np.float32) + 1e-4, "wav")
        evidence = EngineListener(["azure"], setup).gather([quiet], task="repeat", key=KEY, engine="azure")
    assert evidence.words == ()
    assert service.asked == []
