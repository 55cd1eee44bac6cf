"""Writes tiny `.pte` files into a folder; a program of its own, for it needs torch.

delegated.pte   two convolutions, all of it for XNNPACK
portable.pte    the same without a delegate
nhwc.pte        the sum of an image over its columns, which come with channels last
nhwc.inputs     the bytes of an image for it, in the order n, c, h, w, and what it
nhwc.outputs    answers
ids.pte         an embedding of int64 ids, two inputs, two outputs
ids.inputs      the bytes of two sets of inputs for it, and what it answers to them:
ids.outputs
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import (
    XnnpackPartitioner,
)
from executorch.exir import to_edge_transform_and_lower
from torch import nn


class Ids(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)

    def forward(self, ids, scale):
        found = self.table(ids) * scale
        return found, found.sum()


class Columns(nn.Module):
    def forward(self, image):
        return image.sum(3)


def save(module, inputs, path, *, delegate):
    program = torch.export.export(module.eval(), inputs)
    partitioner = [XnnpackPartitioner()] if delegate else []
    edge = to_edge_transform_and_lower(program, partitioner=partitioner)
    path.write_bytes(edge.to_executorch().buffer)


def main(folder):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3))
    image = (torch.randn(1, 3, 12, 12),)
    save(net, image, folder / "delegated.pte", delegate=True)
    save(net, image, folder / "portable.pte", delegate=False)
    ids = (torch.tensor([[1, 2, 3]]), torch.ones(4))
    model = Ids()
    save(model, ids, folder / "ids.pte", delegate=False)
    others = (torch.tensor([[9, 0, 5]]), torch.rand(4))
    answers = [part for inputs in (ids, others) for part in model(*inputs)]
    colours = torch.randn(1, 3, 4, 5)
    last = colours.to(memory_format=torch.channels_last)
    save(Columns(), (last,), folder / "nhwc.pte", delegate=False)
    for name, tensors in (
        ("ids.inputs", ids + others),
        ("ids.outputs", answers),
        ("nhwc.inputs", [colours]),
        ("nhwc.outputs", [colours.sum(3)]),
    ):
        reported = b"".join(each.detach().numpy().tobytes() for each in tensors)
        (folder / name).write_bytes(reported)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
