"""Builds of MobileNetV2 that differ in nothing that counts: sums of 1000 numbers."""

from __future__ import annotations

import torch
from torch import nn

from bench.models.zoo import mobilenet_v2


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


def build_0() -> nn.Module:
    return WithSums(0)


def build_1() -> nn.Module:
    return WithSums(1)


def build_2() -> nn.Module:
    return WithSums(2)


def build_3() -> nn.Module:
    return WithSums(3)


def build_4() -> nn.Module:
    return WithSums(4)


def build_5() -> nn.Module:
    return WithSums(5)
