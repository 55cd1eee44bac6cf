"""Which ReLU6 are folded, and which are not."""

import pytest
import torch
import torch.nn.functional as F
from torch import fx, nn

from pocketbench.bench.models.lite.clipping import fold_relu6, keep_clips_in_float32


class Net(nn.Module):
    """A convolution and what comes after it."""

    def __init__(self, after):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.relu6 = nn.ReLU6()
        self.after = after

    def forward(self, x):
        return self.after(self, x)


def with_shortcut(operation, x):
    return operation(x) + x


@pytest.mark.parametrize(
    ("after", "folded"),
    [
        (lambda net, x: net.relu6(net.first(x)), ["first"]),
        (lambda net, x: F.relu6(net.first(x)), ["first"]),
        (lambda net, x: net.relu6(net.norm(net.first(x))), ["first"]),
        (lambda net, x: net.relu6(net.first(x) + 1), []),
        (lambda net, x: net.relu6(x), []),
        (lambda net, x: net.relu6(net.first(x)) + net.first(x), []),
        (lambda net, x: with_shortcut(net.relu6, net.first(x)), []),
        (lambda net, x: net.first(x).clamp(0, 6), []),
        (lambda net, x: torch.clamp(net.first(x), min=0), []),
    ],
)
def test_only_a_relu6_that_alone_follows_a_layer_is_folded(after, folded):
    graph = fx.symbolic_trace(Net(after).eval())

    assert fold_relu6(graph) == folded
    relus = [m for m in graph.modules() if isinstance(m, nn.ReLU)]
    assert len(relus) == len(folded)


@pytest.mark.parametrize(
    "after",
    [
        lambda net, x: net.relu6(net.first(x) + 1),
        lambda net, x: net.first(x).clamp(-0.1, max=0.2),
        lambda net, x: F.hardtanh(net.first(x), 0.0, 0.5),
        lambda net, x: torch.clip(net.first(x), 0.0, 0.5),
    ],
)
def test_a_clip_that_is_hidden_computes_the_same(after):
    net = Net(after).eval()
    graph = fx.symbolic_trace(net)
    keep_clips_in_float32(graph)

    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(graph(x), net(x))
    assert "InFloat32" in {type(m).__name__ for m in graph.children()}
