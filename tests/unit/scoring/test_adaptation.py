"""Small matrices that are added to the recogniser's weights, and what they are trained on."""

import random
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.adapters.speech.offline import adaptation
from backend.adapters.speech.offline.adaptation import (
    HALVES,
    SHIPPED,
    adapted,
    find_weights,
    packed,
    read_adaptation,
    speakers_of,
    unpacked,
)
from backend.core.errors import PermanentFailure
from scripts.adapt_recogniser import Lesson, as_written, batches, halves, is_taught, sounds_of
from scripts.rated_corpus import Utterance
from scripts.speech_features import adaptation_for
from scripts.train_calibration import DATA, is_trained_on

LAYER = "decoder/layer_0/attention/linear_1"


def _named(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def _model(tensors: dict[str, np.ndarray], version: int = 6) -> bytes:
    """A file as CTranslate2 writes it."""
    written = struct.pack("<I", version) + _named("WhisperSpec") + struct.pack("<II", 3, len(tensors))
    for name, tensor in tensors.items():
        kind = {np.dtype(np.float16): 4, np.dtype(np.int8): 1}[tensor.dtype]
        shape = struct.pack(f"<B{tensor.ndim}I", tensor.ndim, *tensor.shape)
        written += _named(name) + shape + struct.pack("<BI", kind, tensor.nbytes) + tensor.tobytes()
    return written + struct.pack("<I", 0)


def _tiny() -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    chance = np.random.default_rng(3)
    tensors: dict[str, np.ndarray] = {
        "decoder/scale": np.array(1, dtype=np.int8),
        f"{LAYER}/weight": chance.normal(0, 0.1, (12, 8)).astype(np.float16),
        f"{LAYER}/bias": chance.normal(0, 0.1, 12).astype(np.float16),
        "encoder/other/weight": chance.normal(0, 0.1, (4, 4)).astype(np.float16),
    }
    return tensors, chance.normal(0, 0.02, (12, 3)), chance.normal(0, 0.4, (3, 8))


def test_only_the_layers_weights_change_and_by_the_product() -> None:
    tensors, outward, inward = _tiny()
    before, change = _model(tensors), packed(LAYER, outward, inward)
    after = adapted(before, change)
    place = find_weights(before)[f"{LAYER}/weight"]
    assert len(after) == len(before)
    assert after[: place.offset] == before[: place.offset]
    assert after[place.offset + 12 * 8 * 2 :] == before[place.offset + 12 * 8 * 2 :]
    found = np.frombuffer(after, np.float16, 12 * 8, place.offset).reshape(12, 8)
    wanted = tensors[f"{LAYER}/weight"].astype(float) + unpacked(change, LAYER)
    assert (found == wanted.astype(np.float16)).all()
    assert (found != tensors[f"{LAYER}/weight"]).mean() > 0.9


def test_eight_bits_keep_the_change_within_a_hundredth() -> None:
    _, outward, inward = _tiny()
    exact = outward @ inward
    assert np.abs(unpacked(packed(LAYER, outward, inward), LAYER) - exact).max() < 0.02 * np.abs(exact).max()
    nothing = packed(LAYER, np.zeros((12, 3)), inward)
    assert (unpacked(nothing, LAYER) == 0).all()


def test_the_sum_is_exact_so_every_machine_makes_the_same_file() -> None:
    tensors, outward, inward = _tiny()
    order = [2, 0, 1]
    one, other = (
        packed(LAYER, outward, inward),
        packed(LAYER, outward[:, order], inward[order]),
    )
    assert (unpacked(one, LAYER) == unpacked(other, LAYER)).all()
    assert adapted(_model(tensors), one) == adapted(_model(tensors), other)


@pytest.mark.parametrize("model", [b"", b"no model", _model({}, version=5), _model(_tiny()[0])[:60]])
def test_what_is_no_model_file_is_refused(model: bytes) -> None:
    with pytest.raises(ValueError):
        adapted(model, packed(LAYER, *_tiny()[1:]))


def test_a_change_that_does_not_fit_is_refused() -> None:
    tensors, outward, inward = _tiny()
    for change in (packed("encoder/nowhere", outward, inward), packed(LAYER, outward[:6], inward)):
        with pytest.raises(ValueError, match="no such weights"):
            adapted(_model(tensors), change)


def test_a_damaged_or_missing_adaptation_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = (adaptation.FOLDER / f"{SHIPPED}.npz").read_bytes()
    monkeypatch.setattr(adaptation, "FOLDER", tmp_path)
    for data in (b"", b"junk", whole[:90_000], whole[:300] + bytes(60) + whole[360:]):
        (tmp_path / f"{SHIPPED}.npz").write_bytes(data)
        with pytest.raises(PermanentFailure) as refused:
            read_adaptation(SHIPPED)
        assert refused.value.reason == "model_altered"
    with pytest.raises(PermanentFailure) as refused:
        read_adaptation("none")
    assert refused.value.reason == "model_missing"


def test_nobody_of_the_training_split_is_judged_by_ears_that_learned_from_them() -> None:
    one, other = (speakers_of(name) for name in HALVES)
    assert not one & other
    assert one | other == speakers_of(SHIPPED)
    assert min(len(one), len(other)) > 60
    for speaker in speakers_of(SHIPPED):
        assert speaker not in speakers_of(adaptation_for(speaker))
    assert adaptation_for("somebody else") == SHIPPED
    assert is_trained_on(DATA)
    assert is_trained_on(DATA / "opus")
    assert not is_trained_on(DATA.parent)


def test_the_adaptations_that_ship_change_the_same_layers() -> None:
    layers = {name: {key for key in read_adaptation(name) if "/" in key} for name in (SHIPPED, *HALVES)}
    assert len(layers[SHIPPED]) == 3 * (6 * 4 + 6 * 7)
    assert layers[SHIPPED] == layers[HALVES[0]] == layers[HALVES[1]]


@pytest.mark.parametrize(
    ("text", "heard", "written"),
    [
        ("MARK IS GOING TO SEE ELEPHANT", "Mark, is going to see a elephant!", "Mark, is going to see elephant!"),
        ("WE CALL IT BEAR", "", "We call it bear."),
        ("AND I'M SURE I KNOW", "and I am sure I know,", "and I'm sure I know."),
        ("DON'T", "don't", "don't."),
    ],
)
def test_a_text_is_taught_as_the_recogniser_writes(text: str, heard: str, written: str) -> None:
    assert " ".join(as_written(text, heard)) == written


def _utterance(speaker: str, marks: list[list[float]], total: float = 5) -> Utterance:
    return Utterance(
        id=speaker,
        text=" ".join("word" for _ in marks),
        speaker=speaker,
        age=20,
        median={"total": total},
        experts={},
        words=[{"text": "word", "accuracy": each} for each in marks],
        audio=Path("none"),
    )


def test_a_badly_said_word_is_not_taught() -> None:
    assert is_taught(_utterance("1", [[9, 8, 10], [2, 7, 6], [6, 6, 6]])) == [True, False, True]
    assert is_taught(_utterance("1", [[], [9]])) == [True, True]
    assert is_taught(replace(_utterance("1", []), text="two words")) == [True, True]


def test_the_halves_are_alike_in_how_well_they_speak() -> None:
    found = halves([_utterance(str(at), [[5]], total=at) for at in range(8)])
    assert "".join(found[str(at)] for at in range(8)) == "abababab"


def test_every_sentence_is_learned_from_once_a_pass_and_padding_is_silence() -> None:
    chance = random.Random(1)
    lessons = [
        Lesson(
            mel=np.full((80, 100 + at), -0.5, dtype=np.float16),
            sound_frames=at + 1,
            tokens=(at,),
            taught=(True,),
        )
        for at in range(37)
    ]
    found = list(batches(lessons, chance))
    assert sorted(each.tokens[0] for batch in found for each in batch) == list(range(37))
    sounds = sounds_of(found[0], chance)
    assert sounds.shape == (len(found[0]), 80, max(each.mel.shape[1] for each in found[0]))
    assert np.allclose(sounds, -0.5)
