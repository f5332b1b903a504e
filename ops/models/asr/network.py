"""Whisper in plain torch, with the parameter names of transformers, and padding that costs nothing.

faster-whisper pads every window to 3000 frames (1500 encoder positions), but a window here holds 10 s at
most. Positions from 500 on get an all-zero position embedding and the first convolution has no bias, so all
1000 of them are one and the same vector: in training a single key with the logit bias log(1000) stands for
them. Where a window is shorter than 10 s, every 16th position of its own padding stands for 16 (bias log 16).
"""

import math
from dataclasses import asdict, dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

POSITIONS: Final = 500
"""Encoder positions of the longest window: 10 s."""
ALL_POSITIONS: Final = 1500
TEXT_POSITIONS: Final = 448
TIMED_HEADS: Final = ((1, 0), (1, 1), (2, 0))
"""(decoder layer, head) that learn where in time each token is: the model's alignment heads."""
_TAIL_STEP: Final = 16
_TIMESTAMP_STEPS: Final = 501


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The dimensions of the network; ``phonemes`` sizes the auxiliary output only."""

    vocabulary: int
    phonemes: int
    width: int = 192
    heads: int = 4
    inner: int = 512
    encoder_layers: int = 4
    decoder_layers: int = 3

    def as_dict(self) -> dict[str, int]:
        """Plain values, for a checkpoint."""
        return asdict(self)


def sinusoids(count: int, width: int) -> Tensor:
    """Whisper's position embedding: shape (count, width)."""
    step = math.log(10_000) / (width // 2 - 1)
    angles = torch.arange(count)[:, None] * torch.exp(-step * torch.arange(width // 2))[None]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class _Attention(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.heads = size.heads
        self.k_proj = nn.Linear(size.width, size.width, bias=False)
        self.v_proj = nn.Linear(size.width, size.width)
        self.q_proj = nn.Linear(size.width, size.width)
        self.out_proj = nn.Linear(size.width, size.width)

    def forward(
        self, queries: Tensor, memory: Tensor, bias: Tensor | None = None, *, causal: bool = False
    ) -> Tensor:
        query, key, value = self._heads(queries, memory)
        mask = None if bias is None else bias.to(query.dtype)
        heard = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
        return self._join(heard)

    def forward_with_weights(self, queries: Tensor, memory: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and the attention weights of shape (batch, heads, queries, keys)."""
        query, key, value = self._heads(queries, memory)
        logits = (query @ key.transpose(-1, -2)) * query.shape[-1] ** -0.5 + bias
        weights = logits.float().softmax(-1)
        return self._join(weights.to(value.dtype) @ value), weights

    def _heads(self, queries: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        def split(projected: Tensor) -> Tensor:
            batch, length, width = projected.shape
            return projected.view(batch, length, self.heads, width // self.heads).transpose(1, 2)

        return split(self.q_proj(queries)), split(self.k_proj(memory)), split(self.v_proj(memory))

    def _join(self, heard: Tensor) -> Tensor:
        joined: Tensor = self.out_proj(heard.transpose(1, 2).flatten(2))
        return joined


class _EncoderLayer(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.self_attn = _Attention(size)
        self.self_attn_layer_norm = nn.LayerNorm(size.width)
        self.fc1 = nn.Linear(size.width, size.inner)
        self.fc2 = nn.Linear(size.inner, size.width)
        self.final_layer_norm = nn.LayerNorm(size.width)

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        normed = self.self_attn_layer_norm(states)
        states = states + self.self_attn(normed, normed, bias)
        inner: Tensor = self.fc2(functional.gelu(self.fc1(self.final_layer_norm(states))))
        return states + inner


class _DecoderLayer(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.self_attn = _Attention(size)
        self.self_attn_layer_norm = nn.LayerNorm(size.width)
        self.encoder_attn = _Attention(size)
        self.encoder_attn_layer_norm = nn.LayerNorm(size.width)
        self.fc1 = nn.Linear(size.width, size.inner)
        self.fc2 = nn.Linear(size.inner, size.width)
        self.final_layer_norm = nn.LayerNorm(size.width)

    def forward(self, states: Tensor, memory: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        normed = self.self_attn_layer_norm(states)
        states = states + self.self_attn(normed, normed, causal=True)
        normed = self.encoder_attn_layer_norm(states)
        heard, weights = self.encoder_attn.forward_with_weights(normed, memory, bias)
        states = states + heard
        inner: Tensor = self.fc2(functional.gelu(self.fc1(self.final_layer_norm(states))))
        return states + inner, weights


class _Encoder(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(80, size.width, 3, padding=1)
        self.conv2 = nn.Conv1d(size.width, size.width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(ALL_POSITIONS, size.width)
        self.layers = nn.ModuleList(_EncoderLayer(size) for _ in range(size.encoder_layers))
        self.layer_norm = nn.LayerNorm(size.width)
        positions = torch.zeros(ALL_POSITIONS, size.width)
        positions[:POSITIONS] = sinusoids(POSITIONS, size.width)
        self.embed_positions.weight.data.copy_(positions)
        nn.init.zeros_(self.conv1.bias)  # type: ignore[arg-type] # typed optional, and it is there
        for fixed in (self.conv1.bias, self.embed_positions.weight):
            fixed.requires_grad_(False)  # type: ignore[union-attr] # the same

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, int]:
        """(states, key bias, how many of the states are the window's own)."""
        states = functional.gelu(self.conv2(functional.gelu(self.conv1(features)))).transpose(1, 2)
        own = states.shape[1]
        positions = self.embed_positions.weight
        tail = list(range(min(own + 8, POSITIONS), POSITIONS, _TAIL_STEP))
        padding = functional.gelu(self.conv2.bias) + positions[[*tail, POSITIONS]]  # type: ignore[arg-type] # the same
        padding = padding.to(states.dtype).expand(len(features), -1, -1)
        states = torch.cat([states + positions[:own], padding], dim=1)
        counts = [1] * own + [_TAIL_STEP] * len(tail) + [ALL_POSITIONS - POSITIONS]
        bias = torch.tensor(counts, dtype=torch.float32).log()[None, None, None]
        for layer in self.layers:
            states = layer(states, bias)
        return self.layer_norm(states), bias, own


class _Decoder(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(size.vocabulary, size.width)
        self.embed_positions = nn.Embedding(TEXT_POSITIONS, size.width)
        self.layers = nn.ModuleList(_DecoderLayer(size) for _ in range(size.decoder_layers))
        self.layer_norm = nn.LayerNorm(size.width)
        nn.init.normal_(self.embed_tokens.weight, std=size.width**-0.5)
        self.embed_positions.weight.data.copy_(sinusoids(TEXT_POSITIONS, size.width) * 0.1)

    def forward(self, tokens: Tensor, memory: Tensor, bias: Tensor) -> tuple[Tensor, list[Tensor]]:
        states = self.embed_tokens(tokens) + self.embed_positions.weight[: tokens.shape[1]]
        attention = []
        for layer in self.layers:
            states, weights = layer(states, memory, bias)
            attention.append(weights)
        states = self.layer_norm(states)
        return states @ self.embed_tokens.weight.to(states.dtype).T, attention


class _Whisper(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.encoder = _Encoder(size)
        self.decoder = _Decoder(size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """``tokens`` (batch, length, vocabulary) and ``phonemes`` (batch, positions, classes) are logits.

    ``attention`` holds each decoder layer's weights over the encoder's positions.
    """

    tokens: Tensor
    phonemes: Tensor
    attention: list[Tensor]


class Network(nn.Module):
    """Whisper and a phoneme output on its encoder, which is trained with it and then left behind."""

    def __init__(self, size: Size, *, first_timestamp: int) -> None:
        super().__init__()
        self.size = size
        self.model = _Whisper(size)
        self.phonemes = nn.Linear(size.width, size.phonemes)
        # Neighbouring timestamps mean neighbouring times from the start.
        steps = slice(first_timestamp, first_timestamp + _TIMESTAMP_STEPS)
        near = sinusoids(_TIMESTAMP_STEPS, size.width) * size.width**-0.5 * 1.2
        noise = torch.randn(_TIMESTAMP_STEPS, size.width) * 0.02
        self.model.decoder.embed_tokens.weight.data[steps] = near + noise

    def forward(self, features: Tensor, tokens: Tensor) -> Prediction:
        """``features`` (batch, 80, frames) and the ``tokens`` (batch, length) so far."""
        memory, bias, own = self.model.encoder(features)
        logits, attention = self.model.decoder(tokens, memory, bias)
        return Prediction(tokens=logits, phonemes=self.phonemes(memory[:, :own]), attention=attention)
