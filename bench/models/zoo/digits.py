"""A small network that is really trained: on scikit-learn's handwritten digits.

They come with scikit-learn (the test set of the UCI data set "Optical Recognition of
Handwritten Digits", 1797 images of 8 x 8), so that nothing is downloaded.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

HELD_BACK = 360
"""Images that training never sees: a fifth of them all."""
EXAMPLES = 64
"""Training images that calibrate and are bundled."""
EPOCHS = 12
BATCH = 64
LEARNING_RATE = 2e-3
CLASSES = 10

Labelled = tuple[list[tuple[torch.Tensor]], list[int]]


class _Images(NamedTuple):
    images: torch.Tensor
    """[n, 1, 8, 8], from 0 to 1 in steps of 1/16."""
    labels: torch.Tensor


def digits(
    seed: int = 0,
) -> tuple[nn.Module, list[tuple[torch.Tensor]], Labelled]:
    """The trained network, training images as examples, and the held-back ones.

    A seed decides the split, the first weights and the order of the batches.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        training, held_back = _split()
        model = _trained(_network(), training)
    examples = [(image[None],) for image in training.images[:EXAMPLES]]
    unseen = [(image[None],) for image in held_back.images]
    return model, examples, (unseen, held_back.labels.tolist())


def _split() -> tuple[_Images, _Images]:
    """All images in a random order, and the first of them held back."""
    from sklearn.datasets import load_digits

    found = load_digits()
    order = torch.randperm(len(found.target))
    images = torch.from_numpy(found.images).to(torch.float32)[order, None] / 16
    labels = torch.from_numpy(found.target).to(torch.int64)[order]
    return (
        _Images(images[HELD_BACK:], labels[HELD_BACK:]),
        _Images(images[:HELD_BACK], labels[:HELD_BACK]),
    )


def _network() -> nn.Module:
    """Images [n, 1, 8, 8] to scores [n, 10]; 24 thousand parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, CLASSES),
    )


def _trained(model: nn.Module, data: _Images) -> nn.Module:
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    model.train()
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(data.labels)).split(BATCH):
            scores = model(data.images[batch])
            loss = nn.functional.cross_entropy(scores, data.labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval()
