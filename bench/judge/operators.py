"""Where a variant's time goes, and which of its operators fell back; pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec.structs import replace
from scipy.special import stdtrit

from pocketbench.bench.judge.layers import LayerCost, layer_costs, merged_layers
from pocketbench.bench.judge.operator_kinds import (
    CALLS,
    computes_in_float,
    is_conversion,
    kind_of,
    takes_dynamic_range,
)
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.operator_times import (
    OperatorProfile,
    OperatorTime,
    OperatorTimes,
    ProfileFailure,
)
from pocketbench.bench.records.record import Value
from pocketbench.bench.records.run import Run


class Fallback(StrEnum):
    """Why an operator is not what the variant was made for."""

    FLOAT = "float"
    """It computes on floats in a model of integers."""
    ROUND_TRIP = "round_trip"
    """It turns integers into floats for such an operator, or back after it."""
    NOT_DELEGATED = "not_delegated"
    """No delegate took it: one of the runtime's own kernels ran it."""


class OperatorCost(Value, frozen=True, kw_only=True):
    """What one operator took of an inference, all its calls together."""

    name: str
    kind: str
    """What it does: the same for its float and its integer form."""
    backend: str | None
    dtype: str | None
    calls: float
    """In one inference."""
    time_ns: float
    """Of one inference, its own alone."""
    share: float
    """Of the time of all operators."""
    low_ns: float | None = None
    """Ends of the 95 % interval of the time over launches; `None` of one launch."""
    high_ns: float | None = None
    fallback: Fallback | None = None


class OperatorTable(Value, frozen=True, kw_only=True):
    """The operators of one variant on one device."""

    device_id: str
    model: str
    variant_id: str
    operators: tuple[OperatorCost, ...]
    """The slowest first."""
    time_ns: float
    """Of one inference, all operators together."""
    kinds_ns: tuple[dict[str, float], ...] = ()
    """What each kind of operator took of an inference, by launch in order of blocks."""
    layers: tuple[LayerCost, ...] = ()
    """In the order of the model; empty where the runtime reports no nodes."""
    observed_over_plain: float | None
    """How much slower an inference was for being observed; `None`: unavailable."""

    @property
    def fallbacks(self) -> tuple[OperatorCost, ...]:
        """Those that fell back, the slowest first."""
        return tuple(each for each in self.operators if each.fallback is not None)

    @property
    def fallback_share(self) -> float:
        """Their part of the time."""
        return sum(each.share for each in self.fallbacks)


def operator_tables(run: Run) -> tuple[OperatorTable, ...]:
    """A table for each variant and device over its launches, with fallbacks found."""
    artifacts = {artifact.sha256: artifact for artifact in run.artifacts}
    found: dict[tuple[str, str, str, str], list[OperatorProfile]] = {}
    for x in run.profiles:
        if isinstance(x, OperatorProfile) and x.artifact_sha256 in artifacts:
            key = (x.device_id, x.model, x.variant_id, x.artifact_sha256)
            found.setdefault(key, []).append(x)
    return tuple(
        _over_launches([operator_table(x, artifacts[key[-1]]) for x in profiles])
        for key, profiles in found.items()
    )


def _over_launches(tables: Sequence[OperatorTable]) -> OperatorTable:
    """The mean of several launches' tables, each operator with its interval."""
    if len(tables) == 1:
        return tables[0]
    costs: dict[tuple[str | None, ...], list[OperatorCost]] = {}
    for table in tables:
        for cost in table.operators:
            key = (cost.name, cost.backend, cost.dtype)
            costs.setdefault(key, []).append(cost)
    total_ns = statistics.fmean(table.time_ns for table in tables)
    overheads = [x.observed_over_plain for x in tables if x.observed_over_plain]
    merged = []
    for found in costs.values():
        # An operator that a launch did not run took nothing in it.
        times = [cost.time_ns for cost in found] + [0.0] * (len(tables) - len(found))
        mean_ns, low_ns, high_ns = mean_interval(times)
        merged.append(
            replace(
                found[0],
                time_ns=mean_ns,
                calls=statistics.fmean(cost.calls for cost in found),
                share=mean_ns / total_ns,
                low_ns=low_ns,
                high_ns=high_ns,
            )
        )
    return replace(
        tables[0],
        operators=tuple(sorted(merged, key=lambda x: (-x.time_ns, x.name))),
        time_ns=total_ns,
        kinds_ns=tuple(kinds for table in tables for kinds in table.kinds_ns),
        layers=merged_layers([table.layers for table in tables]),
        observed_over_plain=statistics.fmean(overheads) if overheads else None,
    )


def mean_interval(
    values: Sequence[float],
) -> tuple[float, float | None, float | None]:
    """The mean and its 95 % interval by Student's t; no ends of a single value."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, None, None
    error = statistics.stdev(values) / math.sqrt(len(values))
    half = float(stdtrit(len(values) - 1, 0.975)) * error
    return mean, mean - half, mean + half


def _kinds_ns(costs: Iterable[OperatorCost]) -> dict[str, float]:
    kinds: dict[str, float] = {}
    for cost in costs:
        kinds[cost.kind] = kinds.get(cost.kind, 0.0) + cost.time_ns
    return kinds


def profile_failures(run: Run) -> tuple[ProfileFailure, ...]:
    """The variants whose operators could not be observed, in any launch."""
    observed = {
        (x.device_id, x.model, x.variant_id)
        for x in run.profiles
        if isinstance(x, OperatorProfile)
    }
    return tuple(
        x
        for x in run.profiles
        if isinstance(x, ProfileFailure)
        and (x.device_id, x.model, x.variant_id) not in observed
    )


def operator_table(profile: OperatorProfile, artifact: Artifact) -> OperatorTable:
    """One profile per inference, with the operators that fell back."""
    times = _nodes_together(profile.times)
    total_ns = sum(each.self_ns for each in times.operators) or 1
    costs = [
        OperatorCost(
            name=_full_name(each, artifact),
            kind=kind_of(each.name),
            backend=each.backend,
            dtype=each.dtype,
            calls=each.calls / times.inferences,
            time_ns=each.self_ns / times.inferences,
            share=each.self_ns / total_ns,
            fallback=_fallback(each, times, artifact),
        )
        for each in times.operators
    ]
    return OperatorTable(
        device_id=profile.device_id,
        model=profile.model,
        variant_id=profile.variant_id,
        operators=tuple(sorted(costs, key=lambda cost: (-cost.time_ns, cost.name))),
        time_ns=total_ns / times.inferences,
        kinds_ns=(_kinds_ns(costs),),
        layers=layer_costs(profile.times, artifact),
        observed_over_plain=_slow_down(times),
    )


def _nodes_together(times: OperatorTimes) -> OperatorTimes:
    """The same with one entry for all nodes of an operator."""
    found: dict[tuple[str | None, ...], OperatorTime] = {}
    for each in times.operators:
        key = (each.name, each.backend, each.dtype)
        before = found.get(key)
        found[key] = replace(
            each,
            node=None,
            calls=each.calls + (before.calls if before else 0),
            self_ns=each.self_ns + (before.self_ns if before else 0),
        )
    return replace(times, operators=tuple(found.values()))


def _fallback(
    operator: OperatorTime, times: OperatorTimes, artifact: Artifact
) -> Fallback | None:
    if kind_of(operator.name) == CALLS:
        return None
    is_int8 = artifact.precision == "int8"
    if artifact.format == "pte" and operator.backend is None:
        has_delegate = any(each.backend for each in times.operators)
        # Outside a delegate an int8 program computes on floats between conversions.
        return Fallback.NOT_DELEGATED if has_delegate or is_int8 else None
    if not is_int8:
        return None
    if is_conversion(operator.name):
        return Fallback.ROUND_TRIP if _goes_back(times, artifact) else None
    if computes_in_float(operator.name, operator.dtype):
        return Fallback.FLOAT
    return None


def _goes_back(times: OperatorTimes, artifact: Artifact) -> bool:
    """Whether values return to integers after they had left them.

    One conversion of every input and one of the output is what an integer model needs,
    and a dynamically quantized operator one of its own.
    """
    if any(takes_dynamic_range(each.name) for each in times.operators):
        return False
    inputs = max(1, len(artifact.inputs))
    calls: dict[str, float] = {"in": 0.0, "out": 0.0, "either": 0.0}
    for each in times.operators:
        if is_conversion(each.name):
            name = each.name.lower()
            way = "out" if "dequantize" in name else "in"
            calls["either" if name.startswith("convert") else way] += each.calls
    many = {way: count / times.inferences for way, count in calls.items()}
    return many["in"] > inputs or many["either"] > inputs + 1


def _full_name(operator: OperatorTime, artifact: Artifact) -> str:
    """With the namespace, which ExecuTorch's kernels lack: `aten::erf.out`."""
    if operator.backend is not None or "::" in operator.name:
        return operator.name
    found = [
        name for name in artifact.operators if name.rpartition("::")[2] == operator.name
    ]
    return found[0] if len(found) == 1 else operator.name


def _slow_down(times: OperatorTimes) -> float | None:
    if not (times.latencies_ns and times.observed_latencies_ns):
        return None
    plain = statistics.median(times.latencies_ns)
    return statistics.median(times.observed_latencies_ns) / plain if plain else None
