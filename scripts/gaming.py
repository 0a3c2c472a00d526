"""Who tries to earn credit without the speech that was asked for, and does it work? `python -m scripts.gaming`

Voices: the native recordings of the tests, and sentences spoken by espeak-ng, a program of its own (GPL, never linked;
without it those cases are left out, plainly). Ends with 1 when a case earns more than it may.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backend.adapters.speech.calibrations import load_calibration
from backend.adapters.speech.decode import decode
from backend.adapters.speech.offline import OfflineEngine
from backend.adapters.speech.pipeline import evidence_of_pcm
from backend.scoring.evidence import SAMPLE_RATE, Pcm, SpeechEngine
from backend.scoring.keys import key_from_dict
from backend.scoring.score import ItemScore, ScoreStatus, Trait
from backend.scoring.scorers import score_answer
from scripts import gaming_sounds as sounds

ROOT = Path(__file__).resolve().parents[1]
VOICES = ROOT / "tests" / "fixtures" / "audio"
SAID = "He might even have been made amiable himself"
OTHER = "The old man walked slowly down the hill to the river"
SPEECH = "And so my fellow Americans ask not what your country can do for you ask what you can do for your country"
STORY = (
    "A boy found a wallet in the park. He took it to the police station. "
    "The owner was so happy that he gave the boy ten dollars."
)
POINTS = ["a boy found a wallet in the park", "he took it to the police", "the owner gave him ten dollars"]
NOTHING = 0.1  # of a task's full points: what a chance agreement may leave
FOREIGN = {
    "hi": "आज मौसम बहुत अच्छा है और बच्चे बगीचे में खेल रहे हैं",
    "cmn": "今天天气很好 孩子们在花园里玩 我们一起去吃饭",
    "es": "Hoy hace muy buen tiempo y los niños juegan en el jardín",
    "fr": "Aujourd'hui il fait très beau et les enfants jouent dans le jardin",
    "ta": "இன்று வானிலை மிகவும் நன்றாக இருக்கிறது குழந்தைகள் தோட்டத்தில் விளையாடுகிறார்கள்",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`most` is the share of full points that may be earned, at most; None: no limit, it must only not crash. It holds
    for `trait`, or for every trait. `prompt`: what the item began with."""

    name: str
    task: str
    key: dict[str, Any]
    sound: Pcm
    most: float | None
    note: str = ""
    trait: Trait | None = None
    prompt: Pcm | None = None


def voice(name: str) -> Pcm:
    return decode((VOICES / name).read_bytes()).pcm


def synthetic(text: str, *, language: str = "en-us", pace: int = 150) -> Pcm | None:
    """A sentence by espeak-ng. None where the program is not there."""
    program = shutil.which("espeak-ng")
    if program is None:
        return None
    # argument list, fixed program, our own texts: nothing of a candidate gets here
    spoken = subprocess.run(
        [program, "-v", language, "-s", str(pace), "--stdout", text], check=True, capture_output=True
    )
    return decode(_honest_length(spoken.stdout)).pcm


def _honest_length(wav: bytes) -> bytes:
    """espeak-ng writes to a pipe and cannot know the length: the header's is put right."""
    size = len(wav)
    return wav[:4] + (size - 8).to_bytes(4, "little") + wav[8:40] + (size - 44).to_bytes(4, "little") + wav[44:]


def _read(text: str) -> dict[str, Any]:
    return {"text": text}


def without_words() -> Iterator[Attempt]:
    """No voice, or nothing that is speech."""
    reader = voice("native_reader.wav")
    made: dict[str, Pcm] = {
        "nothing at all": sounds.silence(4),
        "a quiet room": sounds.noise(4, 0.0005),
        "white noise": sounds.noise(4, 0.1),
        "music": sounds.melody(5),
        "knocking in the rhythm of speech": sounds.knocks(4),
        "speech cut and shuffled": sounds.in_pieces(reader),
        "speech backwards": sounds.backwards(reader),
    }
    for name, sound in made.items():
        for task in ("read_aloud", "repeat"):
            yield Attempt(name=name, task=task, key=_read(OTHER), sound=sound, most=NOTHING)


def other_words() -> Iterator[Attempt]:
    """Real speech that is not the answer."""
    reader, speech = voice("native_reader.wav"), voice("speech_jfk.ogg")
    for task in ("read_aloud", "repeat"):
        yield Attempt(name="the wrong sentence", task=task, key=_read(OTHER), sound=reader, most=NOTHING)
        shout = sounds.one_word(speech, start_s=7.0, end_s=7.6, times=6)
        yield Attempt(name="shouting one word", task=task, key=_read(SPEECH), sound=shout, most=0.25)
    yield Attempt(
        name="an unrelated speech retold",
        task="retelling",
        key={"story": STORY, "key_points": [{"text": each} for each in POINTS]},
        sound=speech,
        most=NOTHING,
    )
    yield Attempt(
        name="somebody else goes on",
        task="repeat",
        key=_read(SPEECH),
        sound=np.concatenate([speech, reader, reader]),
        most=0.0,
    )
    yield Attempt(
        name="a speech instead of a short answer",
        task="short_answer",
        key={"accepted": ["umbrella"]},
        sound=speech,
        most=NOTHING,
    )


def altered_voices() -> Iterator[Attempt]:
    """The right words, in a way that must neither crash nor gain."""
    reader, speech = voice("native_reader.wav"), voice("speech_jfk.ogg")
    made = {
        "honest": reader,
        "whispered": sounds.whispered(reader),
        "clipped": sounds.clipped(reader, 20),
        "a second speaker, as loud": sounds.mixed(reader, speech, level_db=0),
        "a second speaker, 12 dB below": sounds.mixed(reader, speech, level_db=-12),
        "over music": sounds.mixed(reader, sounds.melody(5), level_db=-6),
    }
    for name, sound in made.items():
        yield Attempt(name=name, task="read_aloud", key=_read(SAID), sound=sound, most=None)


def spoken_by_a_machine() -> Iterator[Attempt]:
    """Cases that need a synthetic voice: other languages, word salad, the prompt played back."""
    salad = "river the walked down old hill to slowly man the the"
    for code, text in FOREIGN.items():
        sound = synthetic(text, language=code)
        if sound is None:
            return
        for task in ("read_aloud", "repeat"):
            yield Attempt(name=f"another language ({code})", task=task, key=_read(OTHER), sound=sound, most=NOTHING)
    yield from _tried(
        (
            ("word salad of the sentence", "read_aloud", _read(OTHER), salad, 0.8, ""),
            ("word salad of the sentence", "repeat", _read(OTHER), salad, 0.6, ""),
            (
                "word salad of the story",
                "retelling",
                {"story": STORY, "key_points": [{"text": each} for each in POINTS]},
                "wallet park boy found police took owner dollars ten thanked boy park wallet police ten him",
                0.5,
                "",
            ),
            ("the question played back", "short_answer", {"accepted": ["umbrella"]},
             "What do you hold over your head when it rains?", NOTHING, ""),
            (
                "the phrases in the order given",
                "sentence_build",
                {"phrases": ["to the river", "the old man", "walked slowly"],
                 "accepted": ["The old man walked slowly to the river"]},
                "to the river the old man walked slowly", 0.25, "sentence mastery only",
            ),
        ),
        lambda sound: sound,
    )  # fmt: skip
    yield from played_back()


def played_back() -> Iterator[Attempt]:
    """The prompt itself as the answer: plain, through a loudspeaker, in a room; and an honest voice after its end."""
    prompt = synthetic(OTHER)
    if prompt is None:
        return
    made = {
        "the prompt as a file": prompt,
        "the prompt played back": sounds.through_a_loudspeaker(prompt),
        "the prompt played back in a room": sounds.in_a_room(sounds.through_a_loudspeaker(prompt)),
    }
    for name, sound in made.items():
        later = np.concatenate([sounds.noise(0.9, 0.002), sound, sounds.noise(0.5, 0.002)])
        yield Attempt(name=name, task="repeat", key=_read(OTHER), sound=later, most=0.0, prompt=prompt)
    reader = voice("native_reader.wav")
    tail = np.concatenate([sounds.through_a_loudspeaker(prompt)[-SAMPLE_RATE // 2 :], reader])
    yield Attempt(
        name="honest, after the prompt's end", task="repeat", key=_read(SAID), sound=tail, most=None, prompt=prompt
    )


_Case = tuple[str, str, dict[str, Any], str, float | None, str]


def _tried(cases: tuple[_Case, ...], through: Callable[[Pcm], Pcm]) -> Iterator[Attempt]:
    for name, task, key, text, most, note in cases:
        sound = synthetic(text)
        if sound is not None:
            trait = Trait.SENTENCE_MASTERY if task == "sentence_build" else None
            yield Attempt(name=name, task=task, key=key, sound=through(sound), most=most, note=note, trait=trait)


def credit_of(score: ItemScore, trait: Trait | None = None) -> float | None:
    """The share of full points of the trait, or of the highest one; None: a person decides."""
    if score.status is not ScoreStatus.SCORED:
        return None
    return max((points.value for of, points in score.points.items() if trait in (None, of)), default=0.0)


def judge(attempt: Attempt, engine: SpeechEngine) -> tuple[ItemScore, bool]:
    """The score, and whether it keeps to what the attempt may earn."""
    key = key_from_dict(attempt.task, attempt.key)
    found = evidence_of_pcm(attempt.sound, attempt.task, key, engine, load_calibration(), prompt=attempt.prompt)
    score = score_answer(found, key)
    earned = credit_of(score, attempt.trait)
    return score, earned is None or attempt.most is None or earned <= attempt.most


def main() -> int:
    parser = argparse.ArgumentParser(description="Attempts to earn credit without the speech that was asked for")
    parser.add_argument("--models", type=Path, default=ROOT / ".viva" / "models")
    options = parser.parse_args()
    engine = OfflineEngine(models_dir=options.models)
    failed = 0
    print(f"{'attempt':<36}{'task':<16}{'credit':>8}{'at most':>9}  verdict")
    for group in (without_words, other_words, altered_voices, spoken_by_a_machine):
        for attempt in group():
            score, kept = judge(attempt, engine)
            failed += not kept
            earned = credit_of(score, attempt.trait)
            shown = "person" if earned is None else f"{earned:.2f}"
            most = "-" if attempt.most is None else f"{attempt.most:.2f}"
            problems = ", ".join([score.reason or "", *score.explanation["quality_problems"]]).strip(", ")
            verdict = "" if kept else "EARNS TOO MUCH "
            print(
                f"{attempt.name:<36}{attempt.task:<16}{shown:>8}{most:>9}  {verdict}{problems} {attempt.note}",
                flush=True,
            )
    if shutil.which("espeak-ng") is None:
        print("espeak-ng is not installed: other languages, word salad and played-back prompts were not tried")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
