"""Two things timed in turn, so that their ratio holds while the machine drifts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Paired(NamedTuple):
    """Wall times in seconds; pairs stand at the same index."""

    ours_s: tuple[float, ...]
    theirs_s: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Median over the pairs of ours / theirs."""
        pairs = zip(self.ours_s, self.theirs_s, strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)

    @property
    def extra_ms(self) -> float:
        """Median over the pairs of ours - theirs."""
        pairs = zip(self.ours_s, self.theirs_s, strict=True)
        return 1e3 * statistics.median(ours - theirs for ours, theirs in pairs)

    def row(self, name: str) -> str:
        """One line of a table."""
        ours = 1e3 * statistics.median(self.ours_s)
        theirs = 1e3 * statistics.median(self.theirs_s)
        return (
            f"{name:<58} {ours:9.1f} {theirs:9.1f} {self.ratio:7.2f} "
            f"{self.extra_ms:+9.1f}"
        )


HEAD = (
    f"{'median of pairs':<58} {'ours ms':>9} {'bare ms':>9} {'ratio':>7} "
    f"{'extra ms':>9}"
)


def in_turn(
    ours: Callable[[], object], theirs: Callable[[], object], pairs: int
) -> Paired:
    """Time both in turn, after one call of each that does not count."""
    ours()
    theirs()
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(pairs):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        for which in order:
            begin = time.perf_counter()
            (ours, theirs)[which]()
            times[which].append(time.perf_counter() - begin)
    return Paired(tuple(times[0]), tuple(times[1]))
