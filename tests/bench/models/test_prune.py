"""Which channels go, and that what is left is the same network without them."""

import pytest
import torch
from torch import fx, nn

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.transforms.prune import inner_chains, prune
from pocketbench.bench.models.zoo import resnet18, text_encoder


class Squeezed(nn.Module):
    """A wide middle with all that may lie in it, beside a shortcut."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(4, 12, 3, padding=1)
        self.norm = nn.BatchNorm2d(12)
        self.depthwise = nn.Conv2d(12, 12, 3, padding=1, groups=12, bias=False)
        self.pool = nn.MaxPool2d(1)
        self.last = nn.Conv2d(12, 4, 1)
        self.head = nn.Linear(4, 3)

    def forward(self, image):
        wide = torch.relu(self.norm(self.first(image)))
        return self.head(
            (image + self.last(self.pool(self.depthwise(wide)))).mean((2, 3))
        )


def chains_of(model):
    graph = fx.symbolic_trace(model).graph
    return [(x.first, x.last) for x in inner_chains(graph, dict(model.named_modules()))]


def test_only_channels_that_nothing_else_sees_may_go():
    assert chains_of(Squeezed()) == [("first", "last")]
    blocks = chains_of(resnet18(seed=0))
    assert len(blocks) == 8
    encoder, _ = text_encoder()
    assert chains_of(encoder) == [
        (f"blocks.{n}.widen", f"blocks.{n}.narrow") for n in range(4)
    ]


@pytest.mark.parametrize(
    "between",
    [
        nn.LayerNorm(6),
        nn.Softmax(-1),
        nn.Linear(6, 6),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_what_mixes_channels_ends_the_way_between_two_layers(between):
    first, last = nn.Linear(4, 6), nn.Linear(6, 2)
    found = chains_of(nn.Sequential(first, between, last))
    assert ("0", "2") not in found


def test_channels_without_weight_go_first_and_are_not_missed():
    model = Squeezed().eval()
    with torch.no_grad():
        for layer in (model.first, model.norm):
            layer.weight[::2] = 0
            layer.bias[::2] = 0
    image = torch.randn(1, 4, 8, 8)

    pruned = prune(model, 0.5, name="m")
    smaller = pruned.module
    assert smaller.first.weight.shape == (6, 4, 3, 3)
    assert smaller.depthwise.groups == smaller.last.in_channels == 6
    assert smaller.norm.running_mean.shape == (6,)
    torch.testing.assert_close(smaller(image), model(image))
    assert "6 of 12 inner channels taken out of 1 layer," in pruned.changed
    assert model.first.weight.shape == (12, 4, 3, 3)


def test_what_has_no_inner_channels_is_refused():
    with pytest.raises(ExportError, match="no prunable channels"):
        prune(nn.Linear(3, 4), 0.5, name="m")


def test_a_layer_that_is_called_twice_keeps_its_channels():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            return self.layer(torch.relu(self.layer(x)))

    assert chains_of(Twice()) == []


def test_a_layer_whose_weights_are_read_elsewhere_keeps_its_channels():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.widen = nn.Linear(4, 8)
            self.narrow = nn.Linear(8, 4)

        def forward(self, x):
            return self.narrow(self.widen(x)) @ self.widen.weight.T

    assert chains_of(Tied()) == []
