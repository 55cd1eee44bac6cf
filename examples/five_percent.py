"""One network as three commits left it: as it was, touched, and 5 % slower.

An inference takes about a millisecond, less than a busy computer lets a program run
before it is another one's turn: most are not interrupted, so neither is their median.
"""

from torch import nn

LAYERS = 20


def before() -> nn.Module:
    """Twenty equal layers."""
    return _layers(LAYERS)


def unchanged() -> nn.Module:
    """The same layers, written again by a commit that changes nothing."""
    return _layers(LAYERS)


def slower() -> nn.Module:
    """One layer more: 5 % more work."""
    return _layers(LAYERS + 1)


def _layers(count: int) -> nn.Module:
    return nn.Sequential(
        *(
            layer
            for _ in range(count)
            for layer in (nn.Conv2d(16, 16, 3, padding=1), nn.ReLU())
        )
    )
