"""Models of kinds that an export once took for others; imported as a user's module."""

import warnings
from collections import namedtuple
from dataclasses import dataclass

import torch
from torch import nn


class Head(nn.Module):
    """Boxes in pixels and scores below 1 in one tensor."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU())
        self.box, self.score = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 3, 1)

    def forward(self, image):
        found = self.body(image)
        box = self.box(found).flatten(2).sigmoid() * 900
        return torch.cat([box, self.score(found).flatten(2).sigmoid()], 1)


def head():
    return Head(), torch.randn(1, 3, 32, 32)


def in_half(dtype):
    layers = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))
    return layers.to(dtype), torch.randn(1, 8).to(dtype)


def half():
    return in_half(torch.float16)


def bfloat16():
    return in_half(torch.bfloat16)


def float64():
    return in_half(torch.float64)


class Casting(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 4)

    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16):
            return self.linear(x).float()


def casting():
    return Casting(), torch.randn(1, 8)


class Assigned(nn.Module):
    """A state that a call puts in place of the last."""

    def __init__(self):
        super().__init__()
        self.cell, self.out = nn.GRUCell(8, 16), nn.Linear(16, 4)
        self.register_buffer("h", torch.zeros(1, 16))

    def forward(self, x):
        self.h = self.cell(x, self.h)
        return self.out(self.h)


def assigned():
    return Assigned(), torch.randn(1, 8)


class Cached(nn.Module):
    """A state that a call writes into a buffer."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.register_buffer("cache", torch.zeros(1, 8))

    def forward(self, x):
        self.cache.mul_(0.5).add_(self.linear(x))
        return self.cache * 2


def cached():
    return Cached(), torch.randn(1, 8)


class Remembering(nn.Module):
    """A state in an attribute, which is there after the first call only."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.last = None

    def forward(self, x):
        y = self.linear(x)
        if self.last is not None:
            y = y + self.last
        self.last = y
        return y


def remembering():
    return Remembering(), torch.randn(1, 8)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.t, self.c = nn.TransformerEncoder(layer, 2), nn.Linear(32, 5)

    def forward(self, x):
        return self.c(self.t(x)[:, 0])


def encoder():
    return Encoder(), torch.randn(1, 6, 32)


class Grid(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 6, 3, 2, 1)

    def forward(self, x):
        found = self.c(x.float() / 255).permute(0, 2, 3, 1)
        rows = torch.arange(8).reshape(8, 1).expand(8, 8)
        return (found[..., :2].sigmoid() + torch.stack((rows, rows), -1)) * 2


def grid():
    return Grid(), torch.randint(0, 256, (1, 3, 16, 16), dtype=torch.uint8)


class Looping(nn.Module):
    """Control flow that torch.fx cannot follow and a trace can."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x):
        if x.abs().sum() < 0:
            raise ValueError
        return self.last(self.first(x).relu())


def looping():
    return Looping(), torch.randn(2, 8)


def named_padding():
    return nn.Sequential(
        nn.Conv2d(3, 8, 4, padding="same"),
        nn.ReLU(),
        nn.Conv2d(8, 4, 3, padding="same", dilation=2),
        nn.Conv2d(4, 4, 3, padding="valid"),
    ), torch.randn(1, 3, 12, 12)


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag, self.top = nn.EmbeddingBag(100, 16, mode="sum"), nn.Linear(16, 1)

    def forward(self, ids, offsets):
        return self.top(self.bag(ids, offsets))


def bag():
    return Bag(), (torch.arange(20), torch.tensor([0, 5, 9, 14]))


class Power(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 4)

    def forward(self, power):
        return self.linear(torch.log(power + 1e-6))


def power():
    return Power(), torch.rand(1, 16)


@dataclass
class Found:
    logits: torch.Tensor
    count: int


Pair = namedtuple("Pair", ["boxes", "labels"])


class Holder:
    def __init__(self, inside):
        self.inside = inside


class Giving(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.linear, self.kind = nn.Linear(8, 4), kind

    def forward(self, x):
        y = self.linear(x)
        return {
            "dataclass": lambda: Found(y, 3),
            "named": lambda: Pair(y, y.argmax(-1)),
            "mixed": lambda: {"logits": y, "layers": [y, y + 1], "loss": None, "n": 3},
            "object": lambda: Holder([y, "text"]),
        }[self.kind]()


def dataclass_output():
    return Giving("dataclass"), torch.randn(2, 8)


def named_output():
    return Giving("named"), torch.randn(2, 8)


def mixed_output():
    return Giving("mixed"), torch.randn(2, 8)


def object_output():
    return Giving("object"), torch.randn(2, 8)


class Taking(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)

    def forward(self, x, mask=None, both=False, past=()):
        y = self.linear(x)
        for one in past:
            y = y + one
        return (y, x) if both else y


def flags():
    return Taking(), (torch.randn(1, 8), None, True)


def list_of_tensors():
    return Taking(), {"x": torch.randn(1, 8), "past": [torch.ones(1, 8)] * 2}


def spectral():
    norm = nn.utils.parametrizations.spectral_norm
    return nn.Sequential(norm(nn.Linear(8, 8)), nn.ReLU(), nn.Linear(8, 2)), (
        torch.randn(1, 8)
    )


def weight_normed():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return _weight_normed()


def _weight_normed():
    return nn.Sequential(
        nn.utils.weight_norm(nn.Conv1d(4, 8, 3)),
        nn.ReLU(),
        nn.utils.parametrizations.weight_norm(nn.Conv1d(8, 2, 3)),
    ), torch.randn(1, 4, 12)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(10, 20, batch_first=True)

    def forward(self, x):
        return self.gru(x)[0]


def gru():
    return Recurrent(), torch.randn(1, 7, 10)
