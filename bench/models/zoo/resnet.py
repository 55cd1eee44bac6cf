"""ResNet-18, from the paper of He et al., 2015 (arXiv:1512.03385)."""

from __future__ import annotations

import torch
from torch import nn

from pocketbench.bench.models.zoo.random_weights import randomize

STAGE_CHANNELS = (64, 128, 256, 512)
BLOCKS_PER_STAGE = 2
CLASSES = 1000


class BasicBlock(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Two 3x3 convolutions around a shortcut (the paper's figure 5, left)."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        """Project the shortcut where the shapes differ (the paper's option B)."""
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.first_activation = nn.ReLU()
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False),
                nn.BatchNorm2d(outputs),
            )
        self.activation = nn.ReLU()

    @property
    def branch_end(self) -> nn.BatchNorm2d:
        """The batch norm that is added to the shortcut."""
        return self.second_norm

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Learn the difference to the shortcut."""
        features = self.first_activation(self.first_norm(self.first(image)))
        features = self.second_norm(self.second(features))
        return self.activation(features + self.shortcut(image))


class ResNet18(nn.Module):  # type: ignore[misc]
    """Images [n, 3, h, w] to scores [n, 1000]."""

    def __init__(self) -> None:
        """Build the 18-layer column of the paper's table 1."""
        super().__init__()
        width = STAGE_CHANNELS[0]
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        blocks = []
        for channels in STAGE_CHANNELS:
            for index in range(BLOCKS_PER_STAGE):
                halves = index == 0 and channels != STAGE_CHANNELS[0]
                blocks.append(BasicBlock(width, channels, stride=2 if halves else 1))
                width = channels
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(width, CLASSES)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Score an image for each class."""
        features = self.blocks(self.stem(image))
        return self.classifier(torch.flatten(self.pool(features), 1))


def resnet18(seed: int = 0) -> nn.Module:
    """ResNet-18 with random weights of a seed."""
    return randomize(ResNet18, seed=seed)
