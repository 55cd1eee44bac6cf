"""One network as three commits left it: as it was, touched, and 5 % slower."""

from torch import nn

LAYERS = 20


def before() -> nn.Module:
    """Twenty equal layers."""
    return _layers(LAYERS)


def unchanged() -> nn.Module:
    """The same layers, written anew by a commit that changes nothing."""
    return _layers(LAYERS)


def slower() -> nn.Module:
    """One layer more: 5 % more work."""
    return _layers(LAYERS + 1)


def _layers(count: int) -> nn.Module:
    return nn.Sequential(
        *(
            layer
            for _ in range(count)
            for layer in (nn.Conv2d(48, 48, 3, padding=1), nn.ReLU())
        )
    )
