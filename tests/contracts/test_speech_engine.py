"""Every engine on real voices and on what is no voice: nothing earns credit it should not, nothing crashes."""

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hama import ASRModel

from backend.adapters.speech import ENGINES
from backend.adapters.speech.offline import models
from backend.adapters.speech.offline.acoustics import Conformer
from backend.adapters.speech.offline.adaptation import HALVES, SHIPPED, read_adaptation
from backend.adapters.speech.offline.whisper import WhisperBase, read_tokenizer, without_loops
from backend.adapters.speech.pipeline import gather_evidence
from backend.adapters.speech.setup import SpeechSetup
from backend.core.errors import PermanentFailure
from backend.scoring.evidence import Evidence, SpeechEngine
from backend.scoring.keys import AnswerKey, key_from_dict
from backend.scoring.score import ItemScore, ScoreStatus, Trait
from backend.scoring.scorers import score_answer
from tests.support.speech import encode, read, room, silence, tone

SPEECH = "And so my fellow Americans ask not what your country can do for you ask what you can do for your country"
READER = "He might even have been made amiable himself"
MODELS = Path(os.environ.get("VIVA_DATA", ".viva")) / "models"


@pytest.fixture(scope="module")
def engine() -> SpeechEngine:
    """The default one. The others, on fakes of their services: test_speech_services.py."""
    return ENGINES["offline"](SpeechSetup(models_dir=MODELS))


def read_key(text: str) -> AnswerKey:
    return key_from_dict("read_aloud", {"text": text})


def hear(data: bytes, engine: SpeechEngine, text: str = SPEECH) -> tuple[Evidence, ItemScore]:
    key = read_key(text)
    evidence = gather_evidence([data], "read_aloud", key, engine)
    return evidence, score_answer(evidence, key)


def jfk() -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    from backend.adapters.speech.decode import decode

    return decode(read("speech_jfk.ogg")).pcm


def test_a_native_reader_scores_high_and_the_evidence_survives_storage(engine: SpeechEngine) -> None:
    evidence, scored = hear(read("native_reader.wav"), engine, READER)
    assert scored.status is ScoreStatus.SCORED
    assert scored.points[Trait.PRONUNCIATION].value > 0.7
    assert scored.points[Trait.FLUENCY].value > 0.7
    assert [word.text.strip(".").lower() for word in evidence.words] == READER.lower().split()
    assert all(a.start_ms <= b.start_ms for a, b in zip(evidence.words, evidence.words[1:], strict=False))
    assert all(0 <= word.start_ms <= word.end_ms <= evidence.duration_ms for word in evidence.words)
    stored = Evidence.from_dict(evidence.to_dict())
    assert (
        score_answer(stored, read_key(READER)).points
        == score_answer(Evidence.from_dict(stored.to_dict()), read_key(READER)).points
    )


def test_the_same_recording_gives_the_same_score(engine: SpeechEngine) -> None:
    first, second = (hear(read("learner_adult.opus"), engine, "This happened to me in college")[0] for _ in range(2))
    assert first.to_dict() == second.to_dict()


def test_a_learner_scores_below_a_native_reader(engine: SpeechEngine) -> None:
    _, learner = hear(read("learner_adult.opus"), engine, "This happened to me in college")
    _, native = hear(read("native_reader.wav"), engine, READER)
    assert 0.3 < learner.points[Trait.PRONUNCIATION].value < native.points[Trait.PRONUNCIATION].value


def test_a_child_is_scored_without_failing(engine: SpeechEngine) -> None:
    _, scored = hear(read("learner_child.opus"), engine, "We call it bear")
    assert scored.status in (ScoreStatus.SCORED, ScoreStatus.NEEDS_HUMAN)


def test_the_wrong_text_well_read_earns_nothing(engine: SpeechEngine) -> None:
    _, scored = hear(read("native_reader.wav"), engine, "The old man walked slowly down the hill to the river")
    assert scored.reason == "other_text"
    assert all(points.value < 0.05 for points in scored.points.values())


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("nothing at all", ScoreStatus.NEEDS_HUMAN),
        ("a quiet room", ScoreStatus.SCORED),
        ("white noise", ScoreStatus.NEEDS_HUMAN),
        ("a tone", ScoreStatus.NEEDS_HUMAN),
    ],
)
def test_no_voice_earns_nothing(engine: SpeechEngine, name: str, status: ScoreStatus) -> None:
    sounds = {
        "nothing at all": silence(4),
        "a quiet room": room(4),
        "white noise": room(4, level=0.1),
        "a tone": tone(4),
    }
    evidence, scored = hear(encode(sounds[name], "wav"), engine)
    assert evidence.transcript == ""
    assert scored.status is status
    assert all(points.value == 0 for points in scored.points.values())


def test_clipped_speech_is_scored_named_and_doubted(engine: SpeechEngine) -> None:
    clean, trusted = hear(encode(jfk(), "wav"), engine)
    clipped, doubted = hear(encode(np.clip(jfk() * 10, -1, 1), "wav"), engine)
    assert "clipped" not in clean.quality.problems
    assert "clipped" in clipped.quality.problems
    assert doubted.confidence < trusted.confidence


def test_a_faint_voice_is_still_heard_and_named(engine: SpeechEngine) -> None:
    evidence, scored = hear(encode(jfk() * np.float32(0.003), "flac"), engine)
    assert "too_quiet" in evidence.quality.problems
    assert "country" in evidence.transcript
    assert scored.reason != "no_speech"


def test_a_webm_cut_while_speaking_goes_to_a_person(engine: SpeechEngine) -> None:
    whole = encode(jfk(), "webm")
    evidence, scored = hear(whole[: len(whole) * 45 // 100], engine)
    assert "truncated" in evidence.quality.problems
    assert evidence.words
    assert scored.status is ScoreStatus.NEEDS_HUMAN or scored.confidence < 0.6


def test_segments_of_one_answer_are_joined(engine: SpeechEngine) -> None:
    pcm = jfk()
    half = len(pcm) * 52 // 100
    key = key_from_dict("repeat", {"text": SPEECH})
    pieces = [encode(pcm[:half], "webm"), encode(pcm[half:], "webm")]
    evidence = gather_evidence(pieces, "repeat", key, engine)
    assert evidence.segments == 2
    assert evidence.duration_ms == pytest.approx(11_000, abs=150)
    assert score_answer(evidence, key).points[Trait.SENTENCE_MASTERY].value > 0.85


def test_a_broken_segment_among_good_ones_is_flagged_not_fatal(engine: SpeechEngine) -> None:
    evidence = gather_evidence([b"broken", read("native_reader.wav")], "read_aloud", read_key(READER), engine)
    assert "truncated" in evidence.quality.problems
    assert evidence.words


@pytest.mark.parametrize(("recordings", "reason"), [([b""], "empty"), ([], "empty"), ([b"not a sound"], "not_audio")])
def test_what_cannot_be_decoded_is_a_failure_and_never_a_score(
    engine: SpeechEngine, recordings: list[bytes], reason: str
) -> None:
    with pytest.raises(PermanentFailure) as refused:
        gather_evidence(recordings, "read_aloud", read_key(SPEECH), engine)
    assert refused.value.reason == reason


@pytest.mark.parametrize(("accepted", "right"), [("amiable", True), ("umbrella", False), ("himself", True)])
def test_a_short_answer_is_found_among_the_words_or_by_its_sound(
    engine: SpeechEngine, accepted: str, right: bool
) -> None:
    key = key_from_dict("short_answer", {"accepted": [accepted]})
    evidence = gather_evidence([read("native_reader.wav")], "short_answer", key, engine)
    assert bool(evidence.offers) is not right
    assert score_answer(evidence, key).points[Trait.VOCABULARY].value == (1 if right else 0)


def test_a_retelling_carries_meaning_and_plausibility(engine: SpeechEngine) -> None:
    key = key_from_dict(
        "retelling",
        {
            "story": SPEECH,
            "key_points": [{"text": "do not ask what your country can do for you"}, {"text": "a dog ate the cake"}],
        },
    )
    evidence = gather_evidence([read("speech_jfk.ogg")], "retelling", key, engine)
    assert evidence.meaning is not None
    assert evidence.meaning.key_points[0] > 0.6 > evidence.meaning.key_points[1]
    assert evidence.plausibility is not None
    scored = score_answer(evidence, key)
    assert [point["covered"] for point in scored.explanation["key_points"]] == [True, False]


@pytest.mark.parametrize(
    ("text", "makes_sentences"),
    [
        ("There was a boy who found a wallet in the park and he took it to the police.", True),
        ("boy he find wallet in park and then he go police and the man give him ten dollar he very happy", True),
        ("wallet park boy found police took owner dollars ten thanked boy park wallet police ten him", False),
        ("the in and boy found a wallet police took to park it dollars ten the him gave owner", False),
    ],
)
def test_words_in_an_order_are_more_plausible_than_shuffled_words(text: str, makes_sentences: bool) -> None:
    gain = recogniser().plausibility(text)
    assert gain is not None
    assert (gain > 0.7) is makes_sentences
    assert (gain < 0.6) is not makes_sentences


@cache
def recogniser() -> WhisperBase:
    return WhisperBase(models.whisper_folder(MODELS, models.PLAIN))


def test_words_that_begin_with_t_are_forced_as_the_recogniser_writes_them() -> None:
    tokens = read_tokenizer(models.whisper_folder(MODELS) / "tokenizer.json")
    pieces = tokens.encode(" to tell the truth that night", add_special_tokens=False)
    assert len(pieces.ids) == 6
    assert tokens.decode(pieces.ids) == " to tell the truth that night"


def test_phones_in_numpy_are_the_packages_own() -> None:
    pcm = jfk()[: 3 * 16_000 + 77]
    raw, _ = ASRModel().session.run(["log_probs", "out_lengths"], {"waveform": pcm[None], "waveform_lengths": None})
    ours = Conformer(models.checked_file("hama", "assets/asr_waveform.hama")).log_probabilities(pcm)
    assert ours.shape == raw[0].shape
    assert np.abs(ours - raw[0]).max() < 0.05
    assert (ours.argmax(axis=1) == raw[0].argmax(axis=1)).all()


def test_a_recogniser_that_is_stuck_is_cut() -> None:
    assert without_loops([1, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 9]) == [1, 2, 3, 2, 3, 9]
    assert without_loops([1, 1, 1, 2, 3, 2, 3]) == [1, 1, 1, 2, 3, 2, 3]


def test_versions_name_every_model(engine: SpeechEngine) -> None:
    evidence, _ = hear(encode(room(1), "wav"), engine)
    assert evidence.engine_version == engine.versions()[engine.name]
    assert {"whisper-base", "hama", "pipeline", "calibration"} <= set(evidence.versions)
    assert evidence.heard_by.startswith(f"{engine.name} {evidence.engine_version}, pipeline ")


def test_an_altered_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(models.PACKAGED, ("hama", "assets/encoder.hama"), "0" * 64)
    with pytest.raises(PermanentFailure) as refused:
        models.checked_file("hama", "assets/encoder.hama")
    assert refused.value.reason == "model_altered"


def test_a_damaged_model_file_is_made_again(tmp_path: Path) -> None:
    folder = models.whisper_folder(tmp_path)
    (folder / "model.bin").write_bytes(b"half")
    assert models.sha256_of(models.whisper_folder(tmp_path) / "model.bin") == models.WHISPERS[SHIPPED]


@pytest.mark.parametrize("adaptation", HALVES)
def test_every_adaptation_makes_the_file_that_its_hash_names(adaptation: str, tmp_path: Path) -> None:
    folder = models.whisper_folder(tmp_path, adaptation)
    assert models.sha256_of(folder / "model.bin") == models.WHISPERS[adaptation]


def test_an_altered_adaptation_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = read_adaptation(SHIPPED)
    name = next(each for each in sorted(arrays) if each.endswith(".outward"))
    arrays[name] = arrays[name] + np.int8(1)
    monkeypatch.setattr(models, "read_adaptation", lambda name: arrays)
    with pytest.raises(PermanentFailure) as refused:
        models.whisper_folder(tmp_path)
    assert refused.value.reason == "model_altered"
