"""Where a variant's time goes, and which of its operators fell back; pure."""

from __future__ import annotations

import statistics
from enum import StrEnum

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
    """Every profile of a run with the fallbacks found; in the order they were made."""
    artifacts = {artifact.sha256: artifact for artifact in run.artifacts}
    return tuple(
        operator_table(profile, artifacts[profile.artifact_sha256])
        for profile in run.profiles
        if isinstance(profile, OperatorProfile) and profile.artifact_sha256 in artifacts
    )


def profile_failures(run: Run) -> tuple[ProfileFailure, ...]:
    """The variants whose operators could not be observed."""
    return tuple(each for each in run.profiles if isinstance(each, ProfileFailure))


def operator_table(profile: OperatorProfile, artifact: Artifact) -> OperatorTable:
    """One profile per inference, with the operators that fell back."""
    times = profile.times
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
        observed_over_plain=_slow_down(times),
    )


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
