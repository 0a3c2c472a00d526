"""Trains an adaptation of the recogniser to learners' speech: python -m scripts.adapt_recogniser OUT [--without a|b].

Needs PyTorch, which nothing else here does: .venv/bin/uv pip install torch==2.13.0 (the CPU build is enough). Learns
from rated recordings what was read, in the recogniser's own manner of writing; a word that experts say was badly said
is not taught, so that it goes on hearing such words as they sound. Half a minute of two cores for a hundred sentences.
"""

import argparse
import difflib
import math
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import mean

import numpy as np
import numpy.typing as npt

from backend.adapters.speech.decode import decode
from backend.adapters.speech.offline.adaptation import packed
from backend.adapters.speech.offline.models import PLAIN, packaged_whisper, whisper_folder
from backend.adapters.speech.offline.whisper import PADDING_S, WhisperBase
from backend.adapters.speech.pipeline import cut
from backend.adapters.speech.voice import audible, find_voice
from backend.core.errors import AdapterError
from scripts.calibration_fit import BAD_BELOW
from scripts.rated_corpus import Utterance, corpus_at
from scripts.train_calibration import DATA, ROOT

RANK, PASSES, RATE, BATCH, SMOOTHING, WARM_UP, DECAY = 4, 2, 6e-4, 8, 0.05, 30, 0.01
SORTED_TOGETHER = 16  # batches: of similar lengths, so that little is padded
HIDDEN_SHARE, HIDDEN_MELS, HIDDEN_FRAMES = 0.7, 12, 20

Mel = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A sentence: its log-mel frames, of them how many are sound, the tokens to write and which of them to teach."""

    mel: Mel
    sound_frames: int
    tokens: tuple[int, ...]
    taught: tuple[bool, ...]


def as_written(text: str, heard: str) -> list[str]:
    """The words of `text` as the recogniser would write them: in its own letters where it heard them, else small."""
    words = [word.lower() for word in text.split()]
    words = ["I" + word[1:] if word == "i" or word.startswith("i'") else word for word in words]
    words[0] = words[0][:1].upper() + words[0][1:]
    said = heard.split()
    alike = difflib.SequenceMatcher(a=[_bare(word) for word in words], b=[_bare(word) for word in said], autojunk=False)
    for here, there, length in alike.get_matching_blocks():
        words[here : here + length] = said[there : there + length]
    if words[-1][-1] not in ".!?":
        words[-1] = words[-1].rstrip(",") + "."
    return words


def _bare(word: str) -> str:
    return "".join(each for each in word.lower() if each.isalnum() or each == "'")


def is_taught(utterance: Utterance) -> list[bool]:
    """For each word whether experts find it said well enough to learn from; all where nobody marked words."""
    marks = [each.get("accuracy") for each in utterance.words]
    if len(marks) != len(utterance.text.split()):
        return [True] * len(utterance.text.split())
    return [not given or mean(given) >= BAD_BELOW for given in marks]


def halves(corpus: Sequence[Utterance]) -> dict[str, str]:
    """speaker -> a or b: taken in turn from the lowest marked to the highest."""
    names = {each.speaker for each in corpus}
    standing = {name: mean(each.median["total"] for each in corpus if each.speaker == name) for name in names}
    ranked = sorted(names, key=lambda name: (standing[name], name))
    return {name: "ab"[at % 2] for at, name in enumerate(ranked)}


def lesson_of(utterance: Utterance, recogniser: WhisperBase) -> Lesson | None:
    """None: nothing decodes, nobody speaks, or it is spoken in several stretches."""
    try:
        pcm = audible(decode(utterance.audio.read_bytes()).pcm)
    except AdapterError:
        return None
    stretches = cut(pcm, find_voice(pcm))
    if len(stretches) != 1:
        return None
    sound = stretches[0].pcm
    heard = recogniser.hypotheses(recogniser.encode(sound), sound_ms=len(sound) // 16)[0].text
    tokens, taught = list[int](), list[bool]()
    for word, teach in zip(as_written(utterance.text, heard), is_taught(utterance), strict=True):
        ids = recogniser.tokens_of(word)
        tokens += ids
        taught += [teach] * len(ids)
    mel = recogniser.log_mel(sound).astype(np.float16)
    return Lesson(mel=mel, sound_frames=mel.shape[1] - 100 * PADDING_S, tokens=tuple(tokens), taught=tuple(taught))


def batches(lessons: Sequence[Lesson], chance: random.Random) -> list[Sequence[Lesson]]:
    order = chance.sample(lessons, len(lessons))
    size = BATCH * SORTED_TOGETHER
    groups = [sorted(order[at : at + size], key=lambda each: each.mel.shape[1]) for at in range(0, len(order), size)]
    found = [group[at : at + BATCH] for group in groups for at in range(0, len(group), BATCH)]
    return chance.sample(found, len(found))


def sounds_of(batch: Sequence[Lesson], chance: random.Random) -> npt.NDArray[np.float32]:
    """batch x 80 x frames: padded with each one's own silence, some with a band and a moment hidden (SpecAugment)."""
    frames = max(each.mel.shape[1] for each in batch)
    rows = []
    for each in batch:
        quiet = float(each.mel.min())
        row = np.pad(each.mel.astype(np.float32), ((0, 0), (0, frames - each.mel.shape[1])), constant_values=quiet)
        if chance.random() < HIDDEN_SHARE:
            width = chance.randint(0, HIDDEN_MELS)
            low = chance.randint(0, len(row) - width)
            row[low : low + width] = row.mean()
            longest = max(1, each.sound_frames)
            width = chance.randint(0, min(HIDDEN_FRAMES, longest // 10))
            start = chance.randint(0, longest - width)
            row[:, start : start + width] = quiet
        rows.append(row)
    return np.stack(rows)


def train(lessons: Sequence[Lesson], start: Sequence[int], end: int) -> dict[str, npt.NDArray[np.int8]]:
    """The arrays of the adaptation. Progress goes to standard error."""
    import torch
    import torch.nn.functional as F  # noqa: N812

    from scripts.recogniser_torch import Recogniser

    torch.manual_seed(1)
    chance = random.Random(1)  # noqa: S311 no secret
    model = Recogniser(packaged_whisper(), RANK)
    learning = list(model.parameters())
    optimiser = torch.optim.AdamW(learning, lr=RATE, weight_decay=DECAY)
    steps, began = math.ceil(len(lessons) / BATCH) * PASSES, time.monotonic()
    passes = (batches(lessons, chance) for _ in range(PASSES))
    for done, batch in enumerate(chain.from_iterable(passes)):
        longest = max(len(each.tokens) for each in batch) + 1
        tokens = torch.tensor([[*start, *each.tokens, *[end] * (longest - len(each.tokens))] for each in batch])
        taught = torch.tensor([[*each.taught, True, *[False] * (longest - 1 - len(each.taught))] for each in batch])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(torch.from_numpy(sounds_of(batch, chance)), tokens[:, :-1])[:, len(start) - 1 :]
        losses = F.cross_entropy(
            logits.float().flatten(0, 1), tokens[:, len(start) :].flatten(), reduction="none",
            label_smoothing=SMOOTHING,
        )  # fmt: skip
        loss = (losses * taught.flatten()).sum() / taught.sum()
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (done + 1) / WARM_UP) * (1 + math.cos(math.pi * done / steps)) / 2
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()
        if (step := done + 1) % 20 == 0:
            left = (time.monotonic() - began) / step * (steps - step) / 60
            sys.stderr.write(f"step {step} of {steps}, loss {loss.item():.2f}, about {left:.0f} minutes left\n")
    arrays: dict[str, npt.NDArray[np.int8]] = {}
    for layer, outward, inward in model.changes():
        arrays |= packed(layer, outward, inward)
    return arrays


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the file to write, never one that is there already")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with audio (default: the shared train split)")
    parser.add_argument("--scores", type=Path, help="file of scores (default: *scores*.json in or beside the folder)")
    parser.add_argument("--models", type=Path, default=ROOT / ".viva" / "models")
    parser.add_argument("--without", choices=("a", "b"), help="leave this half of the speakers out")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.out.exists():
        sys.exit(f"{options.out} is there already. Choose another name.")
    corpus = corpus_at(options.data, options.scores).utterances
    half = halves(corpus)
    corpus = [each for each in corpus if half[each.speaker] != options.without]
    recogniser = WhisperBase(whisper_folder(options.models, PLAIN))
    lessons = [lesson for each in corpus if (lesson := lesson_of(each, recogniser)) is not None]
    arrays = train(lessons, recogniser.start, recogniser.end)
    np.savez_compressed(
        options.out, allow_pickle=False, speakers=np.array(sorted({each.speaker for each in corpus})), **arrays
    )
    print(f"{options.out}: {len(lessons)} sentences")


if __name__ == "__main__":
    main()
