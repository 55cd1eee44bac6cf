"""How far a cell can be trusted: one letter, and the caveats that cost it the A."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterable

Letter = Literal["A", "B", "C"]

SPOILING = frozenset(
    {
        Caveat.REPLAYED,
        Caveat.THROTTLED,
        Caveat.THERMAL_UNSETTLED,
        Caveat.BATTERY_SAVER,
        Caveat.DOZING,
    }
)
"""With one of these the figure is not the phone's: it ran slower than it can."""

HARMLESS = frozenset(
    {
        Caveat.RANDOM_WEIGHTS,
        Caveat.NO_MEMORY,
        Caveat.FOREIGN_LIBC,
        Caveat.FOREIGN_MEMORY,
        Caveat.STATEFUL,
    }
)
"""These say nothing about how well the launches went."""


class Grade(Value, frozen=True, kw_only=True):
    """A: all launches clean. B: usable, with caveats. C: not to be compared."""

    letter: Letter
    reasons: tuple[Caveat, ...] = ()
    """The caveats that decided it; empty for an A."""

    @property
    def meaning(self) -> str:
        """What the letter says, in words."""
        return MEANINGS[self.letter]


MEANINGS: dict[Letter, str] = {
    "A": "all launches clean",
    "B": "usable, with caveats",
    "C": "not to be compared",
}


def grade(caveats: Iterable[Caveat]) -> Grade:
    """Grade a cell by its caveats; the reasons are those of the letter alone."""
    found = tuple(c for c in caveats if c not in HARMLESS)
    spoiling = tuple(c for c in found if c in SPOILING)
    if spoiling:
        return Grade(letter="C", reasons=spoiling)
    return Grade(letter="B" if found else "A", reasons=found)
