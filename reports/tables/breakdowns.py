"""Two builds' time by kind of operator and by layer, what differs most first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pocketbench.bench.judge.operator_differences import (
    OperatorDifference,
    kind_differences,
    layer_differences,
)
from pocketbench.bench.judge.operators import OperatorTable, mean_interval
from pocketbench.bench.units import Scale, common_scale
from pocketbench.reports.text.phrases import listed
from pocketbench.reports.text.why import (
    OperatorPair,
    change_words,
    disagreement,
    operator_pairs,
    tables_of,
)
from pocketbench.reports.view import View

MOST_ROWS = 12
_MOST_NAMES = 3
_KIND, _LAYER = "kind of operator", "layer"


class Breakdown(NamedTuple):
    """One table: of a candidate beside its baseline, or of one build alone."""

    device_id: str
    builds: str
    """`int8-static against float32`, or one of them."""
    what: str
    """Of the first column: `layer`."""
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]
    left_out: int


def breakdowns(view: View, model: str) -> list[Breakdown]:
    """By kind of operator and by layer; layers alone where builds share none.

    A profile that the timed figures contradict is left out.
    """
    found: dict[tuple[str, ...], Breakdown] = {}
    for pair in operator_pairs(view, tables_of(view, model)):
        if not is_contradicted(view, pair):
            for table in _of_pair(pair):
                found[table.device_id, table.builds, table.what] = table
    return list(found.values())


def is_contradicted(view: View, pair: OperatorPair) -> bool:
    """Whether either build's operators do not add up to its timed median."""
    return any(t is not None and disagreement(view, t) is not None for t in pair)


def _of_pair(pair: OperatorPair) -> Iterator[Breakdown]:
    baseline, candidate = pair
    layers: list[OperatorDifference] = []
    if baseline is not None:
        yield _diff(baseline, candidate, _KIND, kind_differences(baseline, candidate))
        layers = layer_differences(baseline, candidate)
        if layers:
            yield _diff(baseline, candidate, _LAYER, layers)
    if not layers:
        yield from (_alone(table) for table in pair if table and table.layers)


def _diff(
    baseline: OperatorTable,
    candidate: OperatorTable,
    what: str,
    found: list[OperatorDifference],
) -> Breakdown:
    scale = common_scale("ns", [max(baseline.time_ns, candidate.time_ns)])
    number = _rounded(scale, [max(each.before_ns, each.after_ns) for each in found])
    headings = ("operators", f"before, {scale.name}", f"after, {scale.name}")
    return Breakdown(
        candidate.device_id,
        f"{candidate.variant_id} against {baseline.variant_id}",
        what,
        (what, *headings, "change [95 % CI]", "share"),
        [
            (
                each.name or "the model itself",
                _names(each.operators),
                number(each.before_ns),
                number(each.after_ns),
                change_words(each, number),
                f"{round(each.share * 100)} %",
            )
            for each in found[:MOST_ROWS]
        ],
        max(0, len(found) - MOST_ROWS),
    )


def _alone(table: OperatorTable) -> Breakdown:
    scale = common_scale("ns", [table.time_ns])
    number = _rounded(scale, [layer.time_ns for layer in table.layers])
    layers = sorted(table.layers, key=lambda layer: -layer.time_ns)
    return Breakdown(
        table.device_id,
        table.variant_id,
        _LAYER,
        (_LAYER, "operators", f"time [95 % CI], {scale.name}", "share"),
        [
            (
                layer.name or "the model itself",
                _names(layer.operators),
                _time(layer.times_ns, number),
                f"{round(100 * layer.time_ns / table.time_ns)} %",
            )
            for layer in layers[:MOST_ROWS]
        ],
        max(0, len(layers) - MOST_ROWS),
    )


def _rounded(scale: Scale, values_ns: list[float]) -> Callable[[float], str]:
    """As many decimals for all as the largest value needs for three digits."""
    largest = max(values_ns) / scale.size
    decimals = max(0, 2 - math.floor(math.log10(largest))) if largest > 0 else 0
    return lambda value_ns: f"{value_ns / scale.size:.{decimals}f}"


def _time(times_ns: tuple[float, ...], number: Callable[[float], str]) -> str:
    mean, low, high = mean_interval(times_ns)
    if low is None or high is None:
        return number(mean)
    return f"{number(mean)} [{number(low)}, {number(high)}]"


def _names(operators: tuple[str, ...]) -> str:
    if len(operators) > _MOST_NAMES:
        more = f"{len(operators) - _MOST_NAMES + 1} more"
        return listed((*operators[: _MOST_NAMES - 1], more))
    return listed(operators)
