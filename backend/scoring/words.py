"""How single words of a read text were said: what the recogniser made of each, and its neighbours. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from backend.scoring.evidence import HeardWord, SpokenWord
from backend.scoring.text import Operation, align_words, edit_distance, words_of

_OF_NEIGHBOURS = ("m_mean", "m_min", "o_min", "w_mean", "heard_match")


WordRow = dict[str, float]


def judge_words(
    words: Sequence[SpokenWord], qualities: Sequence[float | None], flag_below: float
) -> tuple[SpokenWord, ...]:
    """`words` with `quality` (None: not judged) and `doubtful`."""
    return tuple(
        replace(word, quality=quality, doubtful=quality is not None and quality < flag_below)
        for word, quality in zip(words, qualities, strict=True)
    )


def word_rows(
    texts: Sequence[str], features: Sequence[Mapping[str, float]], heard: Sequence[HeardWord]
) -> list[WordRow]:
    """The numbers that the calibration reads for each word: the engine's, what was recognised in its place, its
    neighbours'. Empty where the engine gave none."""
    rows = [
        {**own, **recognised} if own else {}
        for own, recognised in zip(features, _recognised(texts, heard), strict=True)
    ]
    lows = [row["m_min"] for row in rows if row]
    last = max(len(rows) - 1, 1)
    beside: list[dict[str, float]] = []
    for at, row in enumerate(rows):
        around = [rows[near] for near in (at - 1, at + 1) if 0 <= near < len(rows) and rows[near]]
        extra = {
            f"near_{name}": sum(values) / len(values)
            for name in _OF_NEIGHBOURS
            if (values := [each[name] for each in around if name in each])
        }
        if row:
            extra["rank"] = sum(low > row["m_min"] for low in lows) / len(lows)
            extra |= {"place": at / last, "words": float(len(rows)), "letters": float(len(texts[at]))}
        beside.append(extra)
    return [{**row, **extra} if row else {} for row, extra in zip(rows, beside, strict=True)]


def _recognised(texts: Sequence[str], heard: Sequence[HeardWord]) -> list[dict[str, float]]:
    """How what was recognised agrees with each word."""
    wanted = [(piece, index) for index, text in enumerate(texts) for piece in words_of(text)]
    said = [(piece, word.confidence) for word in heard for piece in words_of(word.text)]
    steps: dict[int, list[tuple[Operation, float, str, str]]] = {}
    for step in align_words([piece for piece, _ in wanted], [piece for piece, _ in said]).steps:
        if step.expected_index >= 0:
            confidence = said[step.heard_index][1] if step.heard_index >= 0 else 0.0
            own = steps.setdefault(wanted[step.expected_index][1], [])
            own.append((step.operation, confidence, step.heard or "", step.expected))
    return [_agreement(steps.get(index, [])) for index in range(len(texts))]


def _agreement(steps: Sequence[tuple[Operation, float, str, str]]) -> dict[str, float]:
    if not steps:
        return {
            "heard_match": 0.0,
            "heard_near": 0.0,
            "heard_left_out": 0.0,
            "heard_confidence": 0.0,
            "heard_letters": 1.0,
        }
    operations = [operation for operation, *_ in steps]
    heard = "".join(said for _, _, said, _ in steps)
    expected = "".join(wanted for *_, wanted in steps)
    return {
        "heard_match": float(all(each is Operation.MATCH for each in operations)),
        "heard_near": float(Operation.NEAR in operations),
        "heard_left_out": float(Operation.DELETION in operations),
        "heard_confidence": sum(confidence for _, confidence, *_ in steps) / len(steps),
        "heard_letters": edit_distance(expected, heard) / max(len(expected), 1),
    }
