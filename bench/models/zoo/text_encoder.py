"""A small transformer encoder of token ids, after Vaswani et al., 2017.

Its attention is written out: what `nn.TransformerEncoder` runs instead in evaluation
is one fused operation, which hides the linear layers from quantization and cannot be
traced once they are quantized. Layer norms come first, as in GPT-2.
"""

from __future__ import annotations

import math

import torch
from torch import nn

VOCABULARY = 4096
LONGEST = 512
"""Tokens in a sequence."""
WIDTH = 128
HEADS = 4
BLOCKS = 4
CLASSES = 16
LENGTH = 64
"""Of the example."""


class Attention(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Multi-head scaled dot-product attention of states [n, length, width]."""

    def __init__(self) -> None:
        """Make its four projections."""
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.output = nn.Linear(WIDTH, WIDTH)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Let every state look at all of its sequence."""
        query = _heads(self.query(states))
        key = _heads(self.key(states))
        value = _heads(self.value(states))
        scores = query @ key.transpose(-2, -1) / math.sqrt(WIDTH // HEADS)
        seen = torch.softmax(scores, dim=-1) @ value
        return self.output(seen.transpose(1, 2).flatten(2))


def _heads(states: torch.Tensor) -> torch.Tensor:
    """[n, length, width] as [n, head, length, width of a head]."""
    return states.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)


class Block(nn.Module):  # type: ignore[misc]
    """Attention, then two linear layers, each added to what it was given."""

    def __init__(self) -> None:
        """Make it four times as wide in the middle."""
        super().__init__()
        self.attention_norm = nn.LayerNorm(WIDTH)
        self.attention = Attention()
        self.norm = nn.LayerNorm(WIDTH)
        self.widen = nn.Linear(WIDTH, 4 * WIDTH)
        self.activation = nn.GELU()
        self.narrow = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Give states of the same shape."""
        states = states + self.attention(self.attention_norm(states))
        return states + self.narrow(self.activation(self.widen(self.norm(states))))


class TextEncoder(nn.Module):  # type: ignore[misc]
    """Token ids [n, length] to class scores [n, 16], by the mean over the tokens."""

    def __init__(self) -> None:
        """Make it with fresh random weights."""
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Parameter(torch.randn(LONGEST, WIDTH))
        self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.classifier = nn.Linear(WIDTH, CLASSES)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Classify sequences of at most 512 tokens."""
        states = self.words(tokens) + self.positions[: tokens.size(1)]
        return self.classifier(self.norm(self.blocks(states)).mean(1))


def text_encoder(*, seed: int = 0) -> tuple[nn.Module, torch.Tensor]:
    """Give an encoder with seeded weights, and an example that spans its vocabulary."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = TextEncoder().eval()
    example = torch.linspace(0, VOCABULARY - 1, LENGTH).round().to(torch.int64)
    return model, example.reshape(1, LENGTH)
