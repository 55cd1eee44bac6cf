"""The table of metrics: what is measured of a launch, and how it is asked for.

How one launch's value is made is in `bench.judge.metrics`.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.records.launch import Measurement
from pocketbench.bench.records.record import Value


class Metric(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Something a cell has a number for."""

    name: str
    """Ends in its unit: `latency_ns`, `peak_rss_bytes`."""
    word: str = ""
    """For options and suites: `latency`, `peak_memory`."""
    title: str
    """For a column: `median latency`."""
    unit: Literal["ns", "bytes", "per_s", "tokens_per_s", "tokens"]
    better: Literal["lower", "higher"]
    of_launch: str
    """How one launch's value is made, for `how it was measured`:
    `median of the main iterations`."""
    fewest_iterations: int = 0
    """A launch of fewer iterations, or of so few times between tokens, has no such
    value."""


class OutsideMetric(NamedTuple):
    """A metric of another package: what an entry point `pocketbench.metrics` names."""

    metric: Metric
    value: Callable[[Measurement], float | None]
    """One launch's value; `None` where it has none."""


_OURS = (
    Metric(
        name="latency_ns",
        word="latency",
        title="median latency",
        unit="ns",
        better="lower",
        of_launch="median of the main iterations after warm-up, or the median that "
        "the program prints",
    ),
    Metric(
        name="mean_latency_ns",
        word="mean_latency",
        title="mean latency",
        unit="ns",
        better="lower",
        of_launch="mean that the program prints, where it prints no median",
    ),
    Metric(
        name="p90_latency_ns",
        word="p90",
        fewest_iterations=10,
        title="p90 latency",
        unit="ns",
        better="lower",
        of_launch="90th percentile of the main iterations, from 10 iterations on",
    ),
    Metric(
        name="p99_latency_ns",
        word="p99",
        fewest_iterations=100,
        title="p99 latency",
        unit="ns",
        better="lower",
        of_launch="99th percentile of the main iterations, from 100 iterations on",
    ),
    Metric(
        name="throughput_per_s",
        word="throughput",
        title="throughput",
        unit="per_s",
        better="higher",
        of_launch="main iterations per second, one after the other",
    ),
    Metric(
        name="decode_tokens_per_s",
        word="decode",
        title="decode speed",
        unit="tokens_per_s",
        better="higher",
        of_launch="tokens after the first, over the time from the first to the last",
    ),
    Metric(
        name="time_to_first_token_ns",
        word="ttft",
        title="time to first token",
        unit="ns",
        better="lower",
        of_launch="from the start of the prefill to the first token; no tokenizing",
    ),
    Metric(
        name="prefill_tokens_per_s",
        word="prefill",
        title="prefill speed",
        unit="tokens_per_s",
        better="higher",
        of_launch="prompt tokens over the time to first token",
    ),
    Metric(
        name="inter_token_ns",
        word="inter_token",
        title="p50 inter-token time",
        unit="ns",
        better="lower",
        of_launch="median time from one token to the next",
    ),
    Metric(
        name="p90_inter_token_ns",
        word="p90_inter_token",
        fewest_iterations=10,
        title="p90 inter-token time",
        unit="ns",
        better="lower",
        of_launch="90th percentile of these times, from 11 tokens on",
    ),
    Metric(
        name="p99_inter_token_ns",
        word="p99_inter_token",
        fewest_iterations=100,
        title="p99 inter-token time",
        unit="ns",
        better="lower",
        of_launch="99th percentile of these times, from 101 tokens on",
    ),
    Metric(
        name="perplexity_tokens",
        word="perplexity",
        title="perplexity",
        unit="tokens",
        better="lower",
        of_launch="of the tokens of --perplexity, each after those before it: among as "
        "many equally likely ones the model would hesitate",
    ),
    Metric(
        name="load_ns",
        word="load",
        title="load",
        unit="ns",
        better="lower",
        of_launch="time to load the model",
    ),
    Metric(
        name="first_latency_ns",
        word="first_inference",
        title="first inference",
        unit="ns",
        better="lower",
        of_launch="the very first inference of the process",
    ),
    Metric(
        name="peak_rss_bytes",
        word="peak_memory",
        title="peak memory",
        unit="bytes",
        better="lower",
        of_launch="peak memory of the process, resident or with what was swapped",
    ),
    Metric(
        name="model_rss_bytes",
        word="model_memory",
        title="model memory (peak minus baseline)",
        unit="bytes",
        better="lower",
        of_launch="peak memory minus the resident memory before the model was loaded",
    ),
)


def _outside() -> tuple[OutsideMetric, ...]:
    found = []
    for entry in importlib.metadata.entry_points(group="pocketbench.metrics"):
        try:
            found.append(OutsideMetric(*entry.load()))
        except Exception as error:
            raise UsageError(
                f"metric {entry.name} of another package",
                f"{entry.value} cannot be loaded ({error})",
                "Update or remove that package",
            ) from error
    return tuple(found)


OUTSIDE = _outside()
METRICS = (*_OURS, *(outside.metric for outside in OUTSIDE))
"""The primary one first, those of other packages last."""


GATES: Mapping[str, str] = {metric.word: metric.name for metric in METRICS}
"""By word, the name of the metric; every metric that is compared has one."""

USUAL_GATE = (GATES["latency"],)
"""What verdicts are about unless the user says otherwise."""

GENERATION_GATE = (GATES["decode"],)
"""What verdicts on models that generate are about by default."""

MEAN_LATENCY = GATES["mean_latency"]
"""What a launch has instead of a median latency where its program prints only a mean;
the two are never compared with each other."""

PRIMARIES = (*USUAL_GATE, MEAN_LATENCY, *GENERATION_GATE)
"""A launch's primary metric is the first of these that it has."""

FEWEST_ITERATIONS: Mapping[str, int] = {
    metric.name: metric.fewest_iterations
    for metric in METRICS
    if metric.fewest_iterations
}
"""A launch of fewer iterations has no such tail."""


def is_gated(metric: str, gate: Iterable[str]) -> bool:
    """Whether a metric gets verdicts; a gate on latency covers means without median."""
    names = set(gate)
    return metric in names or (metric == MEAN_LATENCY and USUAL_GATE[0] in names)


def parse_metric(word: str) -> str:
    """A metric's name from its word, its name, or the name without its unit.

    Raises:
        UnknownNameError: No such metric; offers the near ones.
    """
    for metric in METRICS:
        bare = metric.name.removesuffix(f"_{metric.unit}")
        if word in (metric.word, metric.name, bare):
            return metric.name
    raise UnknownNameError("metric", word, GATES)


def parse_gates(asked: Iterable[str]) -> tuple[str, ...]:
    """Metric names from words or names, several of them between commas.

    Raises:
        UnknownNameError: No such metric; offers the near ones.
    """
    words = (part.strip() for text in asked for part in text.split(","))
    return tuple(dict.fromkeys(map(parse_metric, words)))
