"""What a candidate does on phones in general: a random effect over the phones of a run.

Each phone has a ratio of its own around that of all phones; the spread between phones
is estimated after Paule and Mandel (J. Res. Natl. Bur. Stand. 87, 1982), and the
interval is that of Hartung and Knapp (Stat. Med. 20, 2001), which keeps its level with
few phones. Where phones differ, it is wide: more launches do not help then, more phones
do. I² (Higgins and Thompson, Stat. Med. 21, 2002) is the share of the variance between
the phones' ratios that is not noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pocketbench.bench.judge.comparisons import Question
from pocketbench.bench.judge.intervals import LogMean, exp
from pocketbench.bench.judge.summary import FleetComparison
from pocketbench.bench.judge.verdicts import corrected, verdict
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.device_kind import device_tag
from pocketbench.bench.records.families import family_of

FEWEST_PHONES = 3
"""With fewer phones nothing is said of phones in general."""

_LEAST_VARIANCE = 1e-18
"""Of a ratio that repeats exactly, as those of memory figures can."""


class Pooled(NamedTuple):
    """Log ratios of several phones together."""

    ratio: LogMean
    """Its launches are the pairs of all phones, its degrees those of the phones."""
    between: float
    """Standard deviation of the phones' own log ratios."""
    i_squared: float


class _Group(NamedTuple):
    """What must agree for phones to be taken together."""

    tag: str | None
    model: str
    metric: str
    baseline: str
    candidate: str


def fleet_comparisons(
    questions: Iterable[Question],
    infos: Mapping[str, DeviceInfo],
    *,
    min_effect: float,
    alpha: float,
    gate: tuple[str, ...],
    allow_mismatch: bool = False,
) -> tuple[FleetComparison, ...]:
    """One for each candidate and gated metric that enough phones of one kind have.

    Simulated phones, emulators and simulators are groups of their own, never with
    real phones; the host is in none. Phones whose two sides were measured under unlike
    conditions are left out, unless `allow_mismatch`. Corrected together, as a family
    apart from that of the phones' own verdicts.
    """
    groups: dict[_Group, list[Question]] = {}
    for question in questions:
        info = infos.get(question.key.device_id)
        if (
            question.kind != "variant"
            or info is None
            or family_of(info).is_this_computer
            or question.metric.name not in gate
            or (question.unlike and not allow_mismatch)
            or math.isnan(question.evidence.ratio.standard_error)
        ):
            continue
        group = _Group(
            device_tag(info),
            question.key.model,
            question.metric.name,
            question.baseline,
            question.key.variant_id,
        )
        groups.setdefault(group, []).append(question)
    found = {
        group: (members, pooled([m.evidence.ratio for m in members]))
        for group, members in groups.items()
        if len(members) >= FEWEST_PHONES
    }
    q_values = corrected([every.ratio.p_value for _, every in found.values()])
    return tuple(
        _comparison(group, members, every, q_value, min_effect, alpha)
        for (group, (members, every)), q_value in zip(
            found.items(), q_values, strict=True
        )
    )


def pooled(ratios: Sequence[LogMean]) -> Pooled:
    """The log ratio of phones in general from those of at least two phones."""
    variances = [max(r.standard_error**2, _LEAST_VARIANCE) for r in ratios]
    means = [r.mean for r in ratios]
    degrees = len(ratios) - 1
    between = _between(means, variances)
    centre, weight, apart = _weighted(means, variances, between)
    # Phones that agree better than their noise lets them are no reason for certainty.
    error = math.sqrt(max(1.0, apart / degrees) / weight)
    *_, heterogeneity = _weighted(means, variances, 0.0)
    share = 1 - degrees / heterogeneity if heterogeneity > degrees else 0.0
    launches = sum(r.launches for r in ratios)
    return Pooled(LogMean(centre, error, degrees, launches), math.sqrt(between), share)


def _between(means: Sequence[float], variances: Sequence[float]) -> float:
    """The variance between phones at which they are as far apart as expected."""
    expected = len(means) - 1

    def is_enough(between: float) -> bool:
        return _weighted(means, variances, between)[2] <= expected

    if is_enough(0.0):
        return 0.0
    low, high = 0.0, (max(means) - min(means)) ** 2
    while not is_enough(high):
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _weighted(
    means: Sequence[float], variances: Sequence[float], between: float
) -> tuple[float, float, float]:
    """The weighted mean, the sum of the weights, and the weighted squares around it."""
    weights = [1 / (variance + between) for variance in variances]
    total = math.fsum(weights)
    centre = math.fsum(w * x for w, x in zip(weights, means, strict=True)) / total
    apart = math.fsum(
        w * (x - centre) ** 2 for w, x in zip(weights, means, strict=True)
    )
    return centre, total, apart


def _comparison(
    group: _Group,
    members: Sequence[Question],
    every: Pooled,
    q_value: float | None,
    min_effect: float,
    alpha: float,
) -> FleetComparison:
    evidence = every.ratio.evidence(alpha)
    lowest, highest = every.ratio.bounds(2 * alpha)
    return FleetComparison(
        tag=group.tag,
        device_ids=tuple(m.key.device_id for m in members),
        model=group.model,
        metric=group.metric,
        baseline=group.baseline,
        candidate=group.candidate,
        candidate_over_baseline=evidence.estimate(),
        between_devices=math.expm1(every.between),
        i_squared=every.i_squared,
        p_value=evidence.p_value,
        q_value=q_value,
        verdict=verdict(
            evidence,
            q_value,
            min_effect=min_effect,
            better=members[0].metric.better,
            alpha=alpha,
        ),
        min_effect=min_effect,
        no_change_low=exp(lowest),
        no_change_high=exp(highest),
    )
