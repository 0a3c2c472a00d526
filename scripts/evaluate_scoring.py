"""How well the scoring agrees with experts, and how fast it is.

python -m scripts.evaluate_scoring                       cross-validated on a rated corpus (the shared train split)
python -m scripts.evaluate_scoring --shipped --data DIR  the shipped calibration on recordings that it has not seen
python -m scripts.evaluate_scoring --speed               real-time factor and memory on a mix like a 63-item form

The last line of an evaluation is one JSON object. Features are kept under --cache.
"""

import argparse
import json
import resource
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.adapters.speech import ENGINES
from backend.adapters.speech.calibrations import load_calibration
from backend.adapters.speech.decode import decode
from backend.adapters.speech.pipeline import gather_evidence
from backend.scoring.calibration import ASPECTS
from backend.scoring.evidence import SAMPLE_RATE, Pcm
from backend.scoring.keys import key_from_dict
from backend.scoring.scorers import score_answer
from backend.scoring.text import edit_distance, words_of
from scripts.calibration_fit import (
    agreement,
    by_speaker,
    cross_validate,
    pearson,
    predict_rows,
    rmse,
    weighted_kappa,
)
from scripts.speech_features import Utterance, extract_all, read_corpus
from scripts.train_calibration import DATA, ROOT, tables

ADULT_FROM = 18


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Evaluate the scoring")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--cache", type=Path, default=ROOT / ".viva" / "calibration")
    parser.add_argument("--models", type=Path, default=ROOT / ".viva" / "models")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--shipped", action="store_true", help="use the shipped calibration, train nothing")
    parser.add_argument("--speed", action="store_true", help="measure speed and memory only")
    return parser.parse_args()


def one_expert(corpus: Sequence[Utterance]) -> dict[str, dict[str, float]]:
    """Each of the five experts against the median of the other four, averaged."""
    found = {}
    for aspect in ("accuracy", "fluency", "prosodic"):
        marks = np.array([each.experts[aspect] for each in corpus], dtype=np.float64)
        pairs = [(marks[:, one], np.median(np.delete(marks, one, axis=1), axis=1)) for one in range(marks.shape[1])]
        found[aspect] = {
            "pearson": round(float(np.mean([pearson(a, b) for a, b in pairs])), 3),
            "rmse": round(float(np.mean([rmse(a, b) for a, b in pairs])), 3),
            "qwk": round(float(np.mean([weighted_kappa(a, b) for a, b in pairs])), 3),
        }
    return found


def word_error_rate(corpus: Sequence[Utterance], features: Mapping[str, Mapping[str, Any]]) -> float:
    pairs = [(words_of(each.text), words_of(features[each.id]["heard"])) for each in corpus]
    return round(sum(edit_distance(a, b) for a, b in pairs) / sum(len(a) for a, _ in pairs), 3)


def word_level(corpus: Sequence[Utterance], features: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The goodness of each word against the experts' median; nothing is trained on words."""
    pairs = [
        (goodness, float(np.median(word["accuracy"])))
        for each in corpus
        if len(each.words) == len(features[each.id]["words"])
        for word, (_, goodness) in zip(each.words, features[each.id]["words"], strict=True)
    ]
    ours, experts = (np.array(side) for side in zip(*pairs, strict=True))
    return {"pearson": round(pearson(ours, experts), 3), "n": len(pairs)}


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    corpus = read_corpus(options.data, options.scores or options.data / "train_scores.json")
    features = extract_all(corpus, cache=options.cache, models=options.models, processes=options.processes)
    rows, table = tables(corpus, features)["read"]
    kept = [each for each in corpus if features[each.id]["read"].get("phones_aligned")]
    if options.shipped:
        predicted = predict_rows(load_calibration(), rows, "read")
    else:
        predicted = cross_validate(rows, table, "read", folds=options.folds)
    ages = np.array([each.age for each in kept])
    groups = {"all": ages >= 0, "adults": ages >= ADULT_FROM, "children": ages < ADULT_FROM}

    def figures(mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
        return {aspect: agreement(predicted[aspect][mask], table.marks[aspect][mask]) for aspect in ASPECTS}

    speakers = table.speakers
    return {
        "utterance": {name: figures(mask) for name, mask in groups.items() if mask.any()},
        "speaker": {
            aspect: agreement(by_speaker(predicted[aspect], speakers), by_speaker(table.marks[aspect], speakers))
            for aspect in ASPECTS
        },
        "one_expert_against_four": one_expert(corpus),
        "bias": {
            name: round(float((predicted["total"] - table.marks["total"])[mask].mean()), 3)
            for name, mask in groups.items()
        },
        "word": word_level(corpus, features),
        "wer": word_error_rate(corpus, features),
        "n": {name: int(mask.sum()) for name, mask in groups.items()},
        "no_speech_or_unaligned": len(corpus) - len(kept),
        "calibration": load_calibration().name
        if options.shipped
        else f"cross-validated, {options.folds} folds by speaker",
        "versions": ENGINES["offline"](options.models).versions(),
    }


def _paused(pcm: Pcm, before_s: float, after_s: float) -> Pcm:
    """A voice as the exam client records it: thinking time before, and the silence that ends the recording after."""
    quiet = np.random.default_rng(1).normal(0, 0.0005, int((before_s + after_s) * SAMPLE_RATE)).astype(np.float32)
    cut = int(before_s * SAMPLE_RATE)
    return np.concatenate([quiet[:cut], pcm, quiet[cut:]])


def _wav(pcm: Pcm) -> bytes:
    data = (np.clip(pcm, -1, 1) * 32767).astype("<i2").tobytes()
    size = len(data)
    head = b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    shape = b"\x01\x00\x01\x00" + SAMPLE_RATE.to_bytes(4, "little") + (2 * SAMPLE_RATE).to_bytes(4, "little")
    return head + shape + b"\x02\x00\x10\x00data" + size.to_bytes(4, "little") + data


def _accepting(text: str) -> dict[str, Any]:
    return {"accepted": [text]}


def _mix(corpus: Sequence[Utterance]) -> list[tuple[str, dict[str, Any], bytes]]:
    """63 answers from real voices: sentences read, said and built, short answers cut from one, long answers joined."""
    picked = [corpus[(at * 37) % len(corpus)] for at in range(100)]
    sounds = [decode(each.audio.read_bytes()).pcm for each in picked]
    answers: list[tuple[str, dict[str, Any], bytes]] = []
    for task, count in (("read_aloud", 8), ("repeat", 16), ("sentence_build", 10)):
        for _ in range(count):
            at = len(answers)
            text = picked[at].text
            key: dict[str, Any] = {"text": text, "phrases": text.split()[:2] or [text], "accepted": [text]}
            answers.append((task, key, _wav(_paused(sounds[at], 0.7, 1.5))))
    answers += [
        ("short_answer", _accepting(picked[at].text), _wav(_paused(sounds[at][: 2 * SAMPLE_RATE], 1.0, 1.5)))
        for at in range(34, 58)
    ]
    for task, number in (("retelling", 3), ("open_question", 2)):
        for _ in range(number):
            long = np.concatenate([_paused(sounds[(58 + step) % 100], 0.2, 0.3) for step in range(7)])
            points = [{"text": each.text} for each in picked[58:62]]
            key = {"story": picked[58].text, "key_points": points}
            answers.append((task, key, _wav(long[: 30 * SAMPLE_RATE])))
    return answers


def speed(options: argparse.Namespace) -> dict[str, Any]:
    """CPU and wall seconds per second of recording, bytes to score, one process, one thread; decoding included."""
    corpus = read_corpus(options.data, options.scores or options.data / "train_scores.json")
    answers = _mix(corpus)
    engine = ENGINES["offline"](options.models)
    key = key_from_dict(answers[0][0], answers[0][1])
    score_answer(gather_evidence([answers[0][2]], answers[0][0], key, engine), key)  # loads the models
    by_task: dict[str, list[float]] = {}
    for task, key_data, data in answers:
        key = key_from_dict(task, key_data)
        cpu, wall = time.process_time(), time.perf_counter()
        score_answer(gather_evidence([data], task, key, engine), key)
        spent = by_task.setdefault(task, [0.0, 0.0, 0.0])
        for at, value in enumerate(
            (time.process_time() - cpu, time.perf_counter() - wall, (len(data) - 44) / 2 / SAMPLE_RATE)
        ):
            spent[at] += value
    totals = [sum(spent[at] for spent in by_task.values()) for at in range(3)]
    return {
        "items": len(answers),
        "audio_s": round(totals[2], 1),
        "rtf_cpu": round(totals[0] / totals[2], 4),
        "rtf_wall": round(totals[1] / totals[2], 4),
        "rtf_cpu_by_task": {task: round(spent[0] / spent[2], 4) for task, spent in by_task.items()},
        "seconds_by_task": {task: round(spent[2], 1) for task, spent in by_task.items()},
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    options = arguments()
    if options.speed:
        print(json.dumps(speed(options)))
        return
    found = evaluate(options)
    for group, aspects in found["utterance"].items():
        print(group, found["n"][group], {aspect: each["pearson"] for aspect, each in aspects.items()})
    print("speakers", {aspect: each["pearson"] for aspect, each in found["speaker"].items()})
    print("one expert", {aspect: each["pearson"] for aspect, each in found["one_expert_against_four"].items()})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
