"""Two builds' operators beside each other, by what they cost; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pocketbench.bench.judge.operators import OperatorTable, mean_interval

_IN_COMMON = 0.5
"""Of both builds' time, in layers of the same names: else they are other layers."""


class OperatorDifference(NamedTuple):
    """What one kind of operator, or one layer, takes in both builds."""

    name: str
    operators: tuple[str, ...]
    """Of both builds, the baseline's first."""
    before_ns: float
    after_ns: float
    share: float
    """Of the whole difference; negative where it goes the other way."""
    interval_ns: tuple[float, float] | None = None
    """95 % of the difference, of blocks paired; `None` with fewer than two."""

    @property
    def change_ns(self) -> float:
        """What the candidate takes more; negative: less."""
        return self.after_ns - self.before_ns


class _Part(NamedTuple):
    operators: tuple[str, ...]
    time_ns: float
    times_ns: tuple[float, ...]


def kind_differences(
    baseline: OperatorTable, candidate: OperatorTable
) -> list[OperatorDifference]:
    """By kind of operator, what costs most first."""
    return _differences(_kinds(baseline), _kinds(candidate))


def layer_differences(
    baseline: OperatorTable, candidate: OperatorTable
) -> list[OperatorDifference]:
    """By layer, what costs most first; none where the two builds share no layers."""
    before, after = _layers(baseline), _layers(candidate)
    shared = before.keys() & after.keys()
    for parts in (before, after):
        total = sum(part.time_ns for part in parts.values())
        if sum(parts[name].time_ns for name in shared) <= _IN_COMMON * total:
            return []
    return _differences(before, after)


def _differences(
    before: Mapping[str, _Part], after: Mapping[str, _Part]
) -> list[OperatorDifference]:
    absent = _Part((), 0.0, ())
    total = _sum(after.values()) - _sum(before.values())
    found = []
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name, absent), after.get(name, absent)
        found.append(
            OperatorDifference(
                name,
                tuple(dict.fromkeys((*old.operators, *new.operators))),
                old.time_ns,
                new.time_ns,
                (new.time_ns - old.time_ns) / total if total else 0.0,
                _interval_ns(old.times_ns, new.times_ns),
            )
        )
    return sorted(found, key=lambda x: (-abs(x.change_ns), x.name))


def _sum(parts: Iterable[_Part]) -> float:
    return sum(part.time_ns for part in parts)


def _interval_ns(
    before: Sequence[float], after: Sequence[float]
) -> tuple[float, float] | None:
    blocks = min(len(x) for x in (before, after) if x) if before or after else 0
    old, new = (tuple(x[:blocks]) or (0.0,) * blocks for x in (before, after))
    if blocks < 2:
        return None
    _, low, high = mean_interval([b - a for a, b in zip(old, new, strict=True)])
    return None if low is None or high is None else (low, high)


def _kinds(table: OperatorTable) -> dict[str, _Part]:
    kinds = dict.fromkeys(cost.kind for cost in table.operators)
    return {
        kind: _Part(
            tuple(cost.name for cost in table.operators if cost.kind == kind),
            sum(cost.time_ns for cost in table.operators if cost.kind == kind),
            tuple(times.get(kind, 0.0) for times in table.kinds_ns),
        )
        for kind in kinds
    }


def _layers(table: OperatorTable) -> dict[str, _Part]:
    return {
        layer.name: _Part(layer.operators, layer.time_ns, layer.times_ns)
        for layer in table.layers
    }
