"""Save tiny models of every kind a program may be given: `make_tiny_models.py FOLDER`.

`plain.ptl`, the same with a bundled input (`bundled.ptl`), with two inputs
(`two.ptl`), and for the full runtime only (`full.pt`).
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch.utils.bundled_inputs import (
    InflatableArg,
    augment_model_with_bundled_inputs,
)


class Convolved(torch.nn.Module):
    """One convolution and a mean; works on any image size."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 16, 3)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.convolution(image)).mean((2, 3))


class Chosen(torch.nn.Module):
    """Picks channels of an image by index: a float and an integer input."""

    def forward(self, image: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        return image.index_select(1, index).sum()


def save(folder: Path) -> None:
    """Write the four files."""
    torch.manual_seed(0)
    plain = torch.jit.script(Convolved().eval())
    plain._save_for_lite_interpreter(str(folder / "plain.ptl"))
    plain.save(str(folder / "full.pt"))
    image = InflatableArg(torch.rand(1, 3, 64, 64), "{}")
    augment_model_with_bundled_inputs(plain, [(image,)])
    plain._save_for_lite_interpreter(str(folder / "bundled.ptl"))
    two = torch.jit.script(Chosen().eval())
    two._save_for_lite_interpreter(str(folder / "two.ptl"))


if __name__ == "__main__":
    save(Path(sys.argv[1]))
