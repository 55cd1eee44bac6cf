"""MobileNetV2, from the paper of Sandler et al., 2018 (arXiv:1801.04381)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from pocketbench.bench.models.zoo.random_weights import randomize


class Stage(NamedTuple):
    """One row of the paper's table 2."""

    expansion: int
    channels: int
    blocks: int
    stride: int
    """Of the first block; the others keep the size."""


STEM_CHANNELS = 32
STAGES = (
    Stage(expansion=1, channels=16, blocks=1, stride=1),
    Stage(expansion=6, channels=24, blocks=2, stride=2),
    Stage(expansion=6, channels=32, blocks=3, stride=2),
    Stage(expansion=6, channels=64, blocks=4, stride=2),
    Stage(expansion=6, channels=96, blocks=3, stride=1),
    Stage(expansion=6, channels=160, blocks=3, stride=2),
    Stage(expansion=6, channels=320, blocks=1, stride=1),
)
HEAD_CHANNELS = 1280
CLASSES = 1000


def convolution(
    inputs: int,
    outputs: int,
    *,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    activation: bool = True,
) -> nn.Sequential:
    """A convolution that keeps the size (but for its stride), batch norm, ReLU6."""
    layers: list[nn.Module] = [
        nn.Conv2d(
            inputs,
            outputs,
            kernel,
            stride=stride,
            padding=kernel // 2,
            groups=groups,
            bias=False,
        ),
        nn.BatchNorm2d(outputs),
    ]
    if activation:
        layers.append(nn.ReLU6())
    return nn.Sequential(*layers)


class InvertedResidual(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Expand, filter each channel alone, project to a linear bottleneck."""

    def __init__(
        self, inputs: int, outputs: int, *, expansion: int, stride: int
    ) -> None:
        """Take the widths of the two bottlenecks, not of the wide middle."""
        super().__init__()
        middle = inputs * expansion
        self.expand = convolution(inputs, middle) if expansion > 1 else nn.Identity()
        self.filter = convolution(
            middle, middle, kernel=3, stride=stride, groups=middle
        )
        self.project = convolution(middle, outputs, activation=False)
        self.is_residual = stride == 1 and inputs == outputs

    @property
    def branch_end(self) -> nn.BatchNorm2d | None:
        """The batch norm that is added to the shortcut."""
        return self.project[-1] if self.is_residual else None

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Add the input where the shapes allow it."""
        features = self.project(self.filter(self.expand(image)))
        return image + features if self.is_residual else features


class MobileNetV2(nn.Module):  # type: ignore[misc]
    """Images [n, 3, h, w] to scores [n, 1000]."""

    def __init__(self) -> None:
        """Build the network of table 2 at width 1."""
        super().__init__()
        self.stem = convolution(3, STEM_CHANNELS, kernel=3, stride=2)
        blocks = []
        width = STEM_CHANNELS
        for stage in STAGES:
            for index in range(stage.blocks):
                stride = stage.stride if index == 0 else 1
                blocks.append(
                    InvertedResidual(
                        width, stage.channels, expansion=stage.expansion, stride=stride
                    )
                )
                width = stage.channels
        self.blocks = nn.Sequential(*blocks)
        self.head = convolution(width, HEAD_CHANNELS)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(HEAD_CHANNELS, CLASSES)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Score an image for each class."""
        features = self.head(self.blocks(self.stem(image)))
        return self.classifier(torch.flatten(self.pool(features), 1))


def mobilenet_v2(seed: int = 0) -> nn.Module:
    """MobileNetV2 with random weights of a seed."""
    return randomize(MobileNetV2, seed=seed)
