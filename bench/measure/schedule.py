"""In what order the variants of a model are launched within each block."""

from __future__ import annotations

import random
from collections.abc import Sequence


def williams_rows(count: int) -> tuple[tuple[int, ...], ...]:
    """A Williams design: each treatment follows each other one equally often.

    `count` rows when it is even, twice as many when odd.
    E. J. Williams, Experimental designs balanced for the estimation of residual
    effects of treatments, Aust. J. Sci. Res. A 2 (1949) 149-168.

    >>> williams_rows(2)
    ((0, 1), (1, 0))
    """
    first = [0]
    low, high = 1, count - 1
    while len(first) < count:
        first.append(low)
        low += 1
        if len(first) < count:
            first.append(high)
            high -= 1
    rows = [tuple((place + shift) % count for place in first) for shift in range(count)]
    if count % 2 and count > 1:
        rows += [tuple(reversed(row)) for row in rows]
    return tuple(rows)


def block_order(variant_ids: Sequence[str], block: int, seed: int) -> tuple[str, ...]:
    """The order of the variants in one block.

    The rows of the design come in a seeded order that is drawn anew for each round
    of the design, so that every round is balanced (A B, B A) and no rhythm of the
    device can keep step with it. Depends on nothing but its arguments: a resumed
    run goes on with the order it would have had.
    """
    rows = williams_rows(len(variant_ids))
    round_number, place = divmod(block, len(rows))
    shuffled = random.Random(f"{seed}/{round_number}").sample(rows, len(rows))
    return tuple(variant_ids[index] for index in shuffled[place])
