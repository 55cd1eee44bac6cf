"""A folder with a user's own models, and exports of them."""

from __future__ import annotations

import importlib
import sys
import time

import msgspec
import pytest

from pocketbench.bench.models.exporting.export_messages import Order
from pocketbench.bench.models.exporting.library import export
from pocketbench.bench.planning.sources import request_for, resolve

NETS = '''
import torch
import torch.nn.functional as F
from torch import nn


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.linear = nn.Linear(8, 5)

    def forward(self, image):
        features = F.relu6(self.norm(self.convolution(image)) * 1)
        return self.linear(features.mean((2, 3)))


def tiny():
    print("a factory that talks")
    return Tiny(), torch.randn(1, 3, 16, 16)


def without_inputs():
    return Tiny()


def clipped():
    """ReLU6 right after a layer, and clips that are not."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU6(),
        nn.ConvTranspose2d(8, 8, 2, stride=2), nn.ReLU6(),
        nn.Conv2d(8, 4, 3), nn.Hardtanh(-0.5, 0.5), nn.Conv2d(4, 4, 3),
    ), torch.randn(1, 3, 10, 10)


def only_convolutions():
    return nn.Conv2d(3, 4, 3), torch.randn(1, 3, 8, 8)


def only_linear():
    """Of its author's own inputs, which are not from N(0, 1)."""
    return nn.Linear(4, 3), [(torch.full((2, 4), float(n)),) for n in range(8)]


def only_in_the_middle():
    return nn.Sequential(
        nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 8)
    ), torch.ones(1, 8)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(50, 16)
        self.recurrent = nn.LSTM(16, 8, batch_first=True)
        self.linear = nn.Linear(8, 3)

    def forward(self, words):
        states, _ = self.recurrent(self.table(words))
        return {"scores": self.linear(states[:, -1]), "last": states[:, -1]}


def words():
    return Words(), torch.tensor([[0, 49, 3, 7]])


class Padded(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(50, 16)
        self.middle = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))

    def forward(self, ids, mask):
        found = self.table(ids)
        kept = found * mask.to(found.dtype).unsqueeze(-1)
        return {"scores": self.middle(kept.sum(1))}


def padded_call(length):
    ids = torch.arange(length).reshape(1, -1) % 50
    return {"mask": ids % 3 > 0, "ids": ids}


def by_name():
    return Padded(), padded_call(6)


def of_lengths():
    return Padded(), [padded_call(length) for length in (4, 9, 6, 12)]


def passed_differently():
    call = padded_call(4)
    return Padded(), [call, (call["ids"], call["mask"])]


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        if x.sum() > 0:
            return self.linear(x)
        return self.linear(x) * -3


class Unscriptable(Branching):
    def forward(self, x):
        return super().forward(x)


def compiled():
    return Branching(), torch.randn(1, 4)


def branching():
    return Unscriptable(), torch.randn(1, 4)


class NotFinite(nn.Module):
    def forward(self, x):
        return (x - x) / (x - x)


def not_finite():
    return NotFinite(), torch.randn(1, 4)


def seeded(seed):
    return nn.Linear(4, 2 + seed), torch.randn(1, 4)


def no_module():
    return 3


def no_tensors():
    return Tiny(), ({"image": 1},)


def raising():
    raise ValueError("width must be even")
'''


@pytest.fixture
def nets(tmp_path, monkeypatch):
    """The current folder, with a module `nets` and a name no shell would like."""
    folder = tmp_path / "a b;$(c) 'd\" ü"
    folder.mkdir()
    (folder / "nets.py").write_text(NETS)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def export_here(nets, monkeypatch):
    """Export in this process: without the seconds that another torch takes to load."""
    import torch
    import torch.fx.config

    from pocketbench.bench.models.exporting.files_read import FilesRead
    from pocketbench.bench.models.work import make_artifact

    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(torch.fx.config, "do_not_emit_stack_traces", False)
    threads, engine = torch.get_num_threads(), torch.backends.quantized.engine

    def make(source, variant="float32", *, inputs=(), seed=0, memory_format=None):
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, "nets", raising=False)
        request = msgspec.structs.replace(request_for(source), inputs=tuple(inputs))
        workspace = nets / f"made-{time.monotonic_ns()}"
        workspace.mkdir()
        order = Order(
            sys_path=(),
            folder=str(nets),
            workspace=str(workspace),
            model=request.name,
            source=resolve(request.source),
            variant=variant,
            inputs=request.inputs,
            memory_format=memory_format,
            seed=seed,
        )
        said = []
        return make_artifact(order, FilesRead(started_ns=time.time_ns()), said.append)

    yield make
    torch.set_num_threads(threads)
    torch.backends.quantized.engine = engine


@pytest.fixture(scope="session")
def zoo_artifact():
    """Exports of the zoo, each made once, in a child process as users get them."""
    made = {}

    def get(model, variant):
        if (model, variant) not in made:
            made[model, variant] = export(
                request_for(model), variant, seed=0, progress=lambda text: None
            )
        return made[model, variant]

    return get
