"""Builds of MobileNetV2 that differ in nothing that counts: sums of 1000 numbers."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from pocketbench.bench.models.zoo import mobilenet_v2


class WithSums(nn.Module):
    """The network and then some sums: together a thousandth of its time, or less."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.network = mobilenet_v2()
        self.count = count

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        scores = self.network(image)
        for _ in range(self.count):
            scores = scores + 0.001
        return scores


build_0 = partial(WithSums, 0)
build_1 = partial(WithSums, 1)
build_2 = partial(WithSums, 2)
build_3 = partial(WithSums, 3)
build_4 = partial(WithSums, 4)
build_5 = partial(WithSums, 5)
