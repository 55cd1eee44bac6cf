"""In what order the variants of a model are launched within each block."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache

FEWEST_SHUFFLED = 10
"""Orders are balanced over so many blocks, or as few more as hold whole designs."""
LARGEST_LEAD = 3
"""By how many blocks one order may be ahead of another on the way."""


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

    The rows of as many designs as make 10 blocks are shuffled together, so that each
    order comes equally often in them, and none is ever more than LARGEST_LEAD ahead of
    another. Between those bounds the order is drawn, so that no rhythm of the phone
    keeps step with it, as one can with pairs that alternate (A B, B A). Depends only
    on its arguments: a resumed run goes on with the order it would have had.
    """
    rows = williams_rows(len(variant_ids))
    designs = -(-FEWEST_SHUFFLED // len(rows))
    round_number, place = divmod(block, designs * len(rows))
    order = _shuffled_rows(len(rows), designs, f"{seed}/{round_number}")
    return tuple(variant_ids[index] for index in rows[order[place]])


@lru_cache(maxsize=256)
def _shuffled_rows(rows: int, designs: int, seed: str) -> tuple[int, ...]:
    """Each row as often as there are designs, in an order drawn from the seed."""
    drawing = random.Random(seed)
    left = [designs] * rows
    order = []
    while any(left):
        most = max(left)
        # A row that has been used more often has fewer left.
        open_rows = [
            row
            for row in range(rows)
            for _ in range(left[row])
            if most - left[row] < LARGEST_LEAD
        ]
        order.append(drawing.choice(open_rows))
        left[order[-1]] -= 1
    return tuple(order)
