"""Whisper base in PyTorch, read from CTranslate2's file, with small trainable matrices beside its frozen ones (LoRA,
Hu et al. 2021, arXiv 2106.09685). For scripts/adapt_recogniser.py only; the recogniser that serves needs no PyTorch."""

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 its usual name
from torch import nn

from backend.adapters.speech.offline.adaptation import Floats, find_weights

_HEADS, _LAYERS, _LEAST = 8, 6, 1e-5
_PARTS = {
    "self_attention/linear_0": "qkv",
    "self_attention/linear_1": "out",
    "attention/linear_0": "cross_q",
    "attention/linear_1": "cross_kv",
    "attention/linear_2": "cross_out",
    "ffn/linear_0": "wide",
    "ffn/linear_1": "narrow",
}
Tensors = dict[str, torch.Tensor]


class Linear(nn.Module):
    """`weight` x + `bias`, frozen, and `outward` `inward` x, which learns; it begins at nothing."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, rank: int) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        wide, narrow = weight.shape
        self.inward = nn.Parameter(torch.randn(rank, narrow) / math.sqrt(narrow))
        self.outward = nn.Parameter(torch.zeros(wide, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.weight, self.bias) + F.linear(F.linear(x, self.inward), self.outward)


class Norm(nn.Module):
    def __init__(self, tensors: Tensors, name: str) -> None:
        super().__init__()
        self.register_buffer("gamma", tensors[f"{name}/layer_norm/gamma"])
        self.register_buffer("beta", tensors[f"{name}/layer_norm/beta"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, (x.shape[-1],), self.gamma, self.beta, _LEAST)


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, is_causal: bool = False) -> torch.Tensor:
    q, k, v = (each.view(*each.shape[:2], _HEADS, -1).transpose(1, 2) for each in (query, key, value))
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=is_causal)
    return mixed.transpose(1, 2).reshape(query.shape)


class Block(nn.Module):
    """A layer of the encoder, or of the decoder, which looks at the encoder's states as well."""

    def __init__(self, tensors: Tensors, name: str, rank: int) -> None:
        super().__init__()
        self.looks_at_states = f"{name}/attention/linear_0/weight" in tensors
        self.self_norm, self.last_norm = Norm(tensors, f"{name}/self_attention"), Norm(tensors, f"{name}/ffn")
        self.cross_norm = Norm(tensors, f"{name}/attention") if self.looks_at_states else None
        for part, own in _PARTS.items():
            if (weight := tensors.get(f"{name}/{part}/weight")) is not None:
                self.add_module(own, Linear(weight, tensors[f"{name}/{part}/bias"], rank))

    def forward(self, x: torch.Tensor, states: torch.Tensor | None = None) -> torch.Tensor:
        q, k, v = self.qkv(self.self_norm(x)).chunk(3, -1)
        x = x + self.out(_attend(q, k, v, is_causal=self.looks_at_states))
        if self.cross_norm is not None:
            k, v = self.cross_kv(states).chunk(2, -1)
            x = x + self.cross_out(_attend(self.cross_q(self.cross_norm(x)), k, v))
        return x + self.narrow(F.gelu(self.wide(self.last_norm(x))))


class Recogniser(nn.Module):
    """`model`: the bytes of CTranslate2's model.bin; `rank`: of the additions."""

    def __init__(self, model: bytes, rank: int) -> None:
        super().__init__()
        tensors = {
            name: torch.tensor(
                np.frombuffer(model, np.float16, math.prod(at.shape), at.offset).reshape(at.shape)
            ).float()
            for name, at in find_weights(model).items()
        }
        for number in (1, 2):
            for kind in ("weight", "bias"):
                self.register_buffer(f"conv{number}_{kind}", tensors[f"encoder/conv{number}/{kind}"])
        self.register_buffer("sound_places", tensors["encoder/position_encodings/encodings"])
        self.register_buffer("text_places", tensors["decoder/position_encodings/encodings"])
        self.register_buffer("vocabulary", tensors["decoder/embeddings/weight"])
        self.encoder, self.decoder = (
            nn.ModuleList(Block(tensors, f"{side}/layer_{at}", rank) for at in range(_LAYERS))
            for side in ("encoder", "decoder")
        )
        self.encoder_norm, self.decoder_norm = Norm(tensors, "encoder"), Norm(tensors, "decoder")

    def forward(self, mel: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """What follows each of `tokens` (batch x length), as logits over the vocabulary; `mel`: batch x 80 x frames."""
        x = F.gelu(F.conv1d(mel, self.conv1_weight, self.conv1_bias, padding=1))
        x = F.gelu(F.conv1d(x, self.conv2_weight, self.conv2_bias, padding=1, stride=2)).transpose(1, 2)
        x = x + self.sound_places[: x.shape[1]]
        for block in self.encoder:
            x = block(x)
        states = self.encoder_norm(x)
        y = self.vocabulary[tokens] + self.text_places[: tokens.shape[1]]
        for block in self.decoder:
            y = block(y, states)
        return F.linear(self.decoder_norm(y), self.vocabulary)

    def changes(self) -> Iterator[tuple[str, Floats, Floats]]:
        """(layer, outward, inward) of each addition, layers named as CTranslate2 names them."""
        for side, blocks in (("encoder", self.encoder), ("decoder", self.decoder)):
            for at, block in enumerate(blocks):
                for part, own in _PARTS.items():
                    linear = getattr(block, own, None)
                    if linear is not None:
                        yield (
                            f"{side}/layer_{at}/{part}",
                            *(each.detach().double().numpy() for each in (linear.outward, linear.inward)),
                        )
