"""Weights for a model nobody trained, whose outputs are still worth comparing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

CALIBRATION_BATCHES = 2
CALIBRATION_IMAGES = 16
"""In a batch. 7x7 maps of 16 images give 784 values a channel at the far end."""

SCALES = (0.5, 1.5)
"""Range of the batch norms' weights. With 1 everywhere all channels would have one
range, and one scale for a whole tensor would look better than it is."""
SHIFTS = (0.5, 0.2)
"""Mean and deviation of the batch norms' biases. At mean 0 a deep random network is
chaotic: each ReLU makes a small error larger, some 1.3 dB a layer, and what comes out
of an int8 build of it is noise. Trained networks are not like that."""
BRANCH_SCALE = 0.3
"""Of the last batch norm of a residual branch: the shortcut carries, as in training
schemes that start these at 0."""


def randomize(build: Callable[[], nn.Module], *, seed: int) -> nn.Module:
    """Build a network of images [n, 3, 224, 224] with weights that a seed decides.

    He-initialized, then a pass in training mode over seeded noise sets the batch
    norms' statistics: with the fresh ones (mean 0, variance 1) the signal dies on
    its way through a deep network and every error figure is about nothing. A module
    may name the last batch norm of a residual branch as `branch_end`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build()
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, *SCALES)
                nn.init.normal_(module.bias, *SHIFTS)
        for module in model.modules():
            branch_end = getattr(module, "branch_end", None)
            if branch_end is not None:
                branch_end.weight.detach().mul_(BRANCH_SCALE)
        _calibrate(model)
    return model.eval()


def _calibrate(model: nn.Module) -> None:
    """Set the running statistics to the plain average over the batches."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    usual_momentum = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    with torch.no_grad():
        for _ in range(CALIBRATION_BATCHES):
            model(torch.randn(CALIBRATION_IMAGES, 3, 224, 224))
    for norm, momentum in zip(norms, usual_momentum, strict=True):
        norm.momentum = momentum
