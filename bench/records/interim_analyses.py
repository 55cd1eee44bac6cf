"""At how many blocks a run that goes on until it is settled is looked at."""

from __future__ import annotations

LOOKS = (6, 8, 10, 14, 20)
"""Numbers of blocks at which `--until-settled` looks, by default."""


def looks_up_to(most: int) -> tuple[int, ...]:
    """The looks of a run of at most so many blocks, each about 1.4 times the last.

    >>> looks_up_to(10), looks_up_to(40)
    ((6, 8, 10), (6, 8, 10, 14, 20, 28, 40))

    Args:
        most: As many as the first look has, or more.
    """
    looks = list(LOOKS)
    while looks[-1] < most:
        looks.append(2 * looks[-2])
    # A look so near to the last one would cost more than it could show.
    return (*(look for look in looks if 1.2 * look <= most), most)
