"""What each layer of a model takes of an inference; pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.operator_times import OperatorTimes
from pocketbench.bench.records.record import Value

_BOOKKEEPING = "prim::"
"""Lists and constants: no operators of a module."""


class LayerCost(Value, frozen=True, kw_only=True):
    """What one layer took, all its operators together."""

    name: str
    """The module's path (`features.0.0`), what the runtime calls the node
    (`[net/conv]:0`), or its place in the order of an inference (`#12 add.out`)."""
    operators: tuple[str, ...]
    times_ns: tuple[float, ...]
    """Of one inference, by launch in order of blocks."""

    @property
    def time_ns(self) -> float:
        """The mean over launches."""
        return statistics.fmean(self.times_ns)


def layer_costs(times: OperatorTimes, artifact: Artifact) -> tuple[LayerCost, ...]:
    """Each layer in the order of the model; none where the runtime reports no nodes."""
    if any(each.node is None for each in times.operators):
        return ()
    names = _module_paths(times, artifact)
    found: dict[str, tuple[dict[str, None], float]] = {}
    for each in times.operators:
        node = each.node or ""
        name = names.get(node, _name_of(node, each.name))
        operators, before_ns = found.setdefault(name, ({}, 0.0))
        operators[each.name] = None
        found[name] = operators, before_ns + each.self_ns / times.inferences
    return tuple(
        LayerCost(name=name, operators=tuple(operators), times_ns=(time_ns,))
        for name, (operators, time_ns) in found.items()
    )


def merged_layers(launches: Sequence[tuple[LayerCost, ...]]) -> tuple[LayerCost, ...]:
    """The same layers with the times of several launches."""
    by_launch = [{layer.name: layer for layer in layers} for layers in launches]
    first = {name: layer for layers in by_launch for name, layer in layers.items()}
    return tuple(
        LayerCost(
            name=name,
            operators=layer.operators,
            times_ns=tuple(
                # A layer that a launch did not run took nothing in it.
                layers[name].time_ns if name in layers else 0.0
                for layers in by_launch
            ),
        )
        for name, layer in first.items()
    )


def _module_paths(times: OperatorTimes, artifact: Artifact) -> dict[str, str]:
    """The export's module of each node, where the two are the same operators in order.

    A model that was prepacked on the phone, or that branches, runs other ones.
    """
    observed = sorted(
        (int(each.node), each.name)
        for each in times.operators
        if each.node and each.node.isdecimal() and not _is_bookkeeping(each.name)
    )
    known = [x for x in artifact.export.layers if not _is_bookkeeping(x.operator)]
    if [_short(x.operator) for x in known] != [_short(name) for _, name in observed]:
        return {}
    return {
        str(node): layer.module
        for (node, _), layer in zip(observed, known, strict=True)
    }


def _is_bookkeeping(operator: str) -> bool:
    return operator.startswith(_BOOKKEEPING)


def _short(operator: str) -> str:
    """Without the overload, which not every build of a runtime reports."""
    return operator.partition(".")[0]


def _name_of(node: str, operator: str) -> str:
    return f"#{node} {operator}" if node.isdecimal() else node
