"""Small networks of attention that see an utterance word by word, in the manner of GOPT (Gong et al. 2022). Pure.

A token for each aspect, which carries what is known of the whole utterance, and one for each word go through layers of
attention (Vaswani et al. 2017; normed before each part); then each gives its mark. A word has no place but what its
features say, so an utterance may have more words than any that was trained on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backend.scoring.calibration.inputs import Inputs, inputs_from_arrays

Floats = npt.NDArray[np.float64]
Words = Sequence[Mapping[str, float]]
HEADS = 2
SMALLEST_VARIANCE = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """`inputs`: the features of a word. `networks`: the weights of each, which are averaged. `share`: their weight
    against the rest of the calibration."""

    inputs: Inputs
    networks: tuple[Mapping[str, Floats], ...]
    share: float

    def marks(self, stretches: Sequence[Words], whole: Floats) -> Floats | None:
        """0..10 an aspect: each stretch of speech by itself, then their mean by their words. `whole`: what the networks
        beside see of the utterance. None: nothing is known of any word."""
        known = [words for stretch in stretches if (words := [row for row in stretch if row])]
        if not known:
            return None
        found = [self._listen(words, whole)[0] for words in known]
        return np.clip(np.average(found, axis=0, weights=[len(words) for words in known]), 0, 10)

    def words(self, stretch: Words, whole: Floats) -> list[float | None]:
        """0..10 for each word of a text that was read; None where nothing is known of it."""
        known = [row for row in stretch if row]
        marks = iter(np.clip(self._listen(known, whole)[1], 0, 10).tolist() if known else [])
        return [next(marks) if row else None for row in stretch]

    def _listen(self, words: Words, whole: Floats) -> tuple[Floats, Floats]:
        seen = np.stack([self.inputs.standard(self.inputs.bounded(self.inputs.row(each))) for each in words])
        found = [marks_of(weights, seen, whole) for weights in self.networks]
        return np.mean([aspects for aspects, _ in found], axis=0), np.mean([each for _, each in found], axis=0)


def marks_of(weights: Mapping[str, Floats], words: Floats, whole: Floats) -> tuple[Floats, Floats]:
    """Marks of the aspects and of the words of one utterance by one network. `words` (words, features), `whole`
    (inputs)."""
    about = np.maximum(whole @ weights["whole"] + weights["whole_bias"], 0)
    x = np.concatenate([weights["aspects"] + about, words @ weights["word"] + weights["word_bias"]])
    for layer in range(len(weights["attend"])):
        own = {name: weights[name][layer] for name in OF_LAYERS}
        seen = _attended(_normed(x, own["norm"]) @ own["attend"] + own["attend_bias"])
        x = x + seen @ own["join"] + own["join_bias"]
        inner = np.maximum(_normed(x, own["norm_inner"]) @ own["inner"] + own["inner_bias"], 0)
        x = x + inner @ own["outer"] + own["outer_bias"]
    aspects, each = np.split(_normed(x, weights["norm_last"]), [len(weights["aspects"])])
    marks = (aspects * weights["of_aspect"]).sum(axis=1) + weights["of_whole"] @ about + weights["out_bias"]
    return marks, each @ weights["of_word"] + weights["of_word_bias"]


# Those of a network's weights that are stacked, one for each of its layers.
OF_LAYERS = (
    "norm", "attend", "attend_bias", "join", "join_bias",
    "norm_inner", "inner", "inner_bias", "outer", "outer_bias",
)  # fmt: skip


def _normed(x: Floats, norm: Floats) -> Floats:
    """Each row with mean 0 and spread 1, times `norm[0]`, plus `norm[1]`."""
    off = x - x.mean(axis=-1, keepdims=True)
    return np.asarray(off / np.sqrt((off**2).mean(axis=-1, keepdims=True) + SMALLEST_VARIANCE) * norm[0] + norm[1])


def _attended(x: Floats) -> Floats:
    """What each row takes from all rows, of queries, keys and values side by side."""
    query, key, value = x.reshape(len(x), 3, HEADS, -1).transpose(1, 2, 0, 3)
    heed = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
    heed = np.exp(heed - heed.max(axis=-1, keepdims=True))
    taken = heed / heed.sum(axis=-1, keepdims=True) @ value
    return np.asarray(taken.transpose(1, 0, 2).reshape(len(x), -1))


def attention_from_arrays(prefix: str, arrays: Mapping[str, npt.NDArray[np.generic]]) -> Attention:
    """Keys are "<prefix>/<field of Inputs>", "<prefix>/share" and "<prefix>/weights/<name>", networks stacked."""
    start = f"{prefix}/weights/"
    stacked = {
        key.removeprefix(start): np.asarray(arrays[key], dtype=np.float64) for key in arrays if key.startswith(start)
    }
    count = len(stacked["out_bias"])
    return Attention(
        inputs=inputs_from_arrays(prefix, arrays),
        networks=tuple({name: value[at] for name, value in stacked.items()} for at in range(count)),
        share=float(np.asarray(arrays[f"{prefix}/share"], dtype=np.float64)),
    )
