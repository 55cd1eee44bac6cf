"""Which metrics get verdicts, and the words by which they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pocketbench.bench.errors import UnknownNameError

GATES: Mapping[str, str] = {
    "latency": "latency_ns",
    "mean_latency": "mean_latency_ns",
    "p90": "p90_latency_ns",
    "p99": "p99_latency_ns",
    "throughput": "throughput_per_s",
    "load": "load_ns",
    "first_inference": "first_latency_ns",
    "peak_memory": "peak_rss_bytes",
    "model_memory": "model_rss_bytes",
}
"""By word, the name of the metric; every metric that is compared has one."""

USUAL_GATE = (GATES["latency"],)
"""What verdicts are about unless the user says otherwise."""

MEAN_LATENCY = GATES["mean_latency"]
"""What a launch has instead of a median latency where its program prints only a mean;
the two are never compared with each other."""

FEWEST_ITERATIONS: Mapping[str, int] = {"p90_latency_ns": 10, "p99_latency_ns": 100}
"""A launch of fewer iterations has no such tail."""


def is_gated(metric: str, gate: Iterable[str]) -> bool:
    """Whether a metric gets verdicts; a gate on latency covers means without median."""
    names = set(gate)
    return metric in names or (metric == MEAN_LATENCY and USUAL_GATE[0] in names)


def parse_gates(asked: Iterable[str]) -> tuple[str, ...]:
    """Metric names from words or names, several of them between commas.

    Raises:
        UnknownNameError: No such metric; offers the near ones.
    """
    names = []
    for word in (part.strip() for text in asked for part in text.split(",")):
        if word not in GATES and word not in GATES.values():
            raise UnknownNameError("metric to gate on", word, GATES)
        names.append(GATES.get(word, word))
    return tuple(dict.fromkeys(names))
