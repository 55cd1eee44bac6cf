"""Stored runs as values, made from a table of latencies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.launch import Failure, Launch, Measurement, Memory
from pocketbench.bench.records.plan import Workload
from pocketbench.bench.records.run import DeviceReady, Run
from tests import factories

Latencies = Mapping[tuple[str, str], Sequence[float | None]]
"""(device, variant) -> median of each block's launch; `None`: it was not launched."""


def launch_of(device_id: str, variant_id: str, block: int, **changes: Any) -> Launch:
    facts = {
        "artifact_sha256": variant_id,
        "wall_ns": 1,
        "measurement": Measurement(latencies_ns=(1000,)),
    }
    return factories.launch(
        variant_id, device_id=device_id, block=block, **(facts | changes)
    )


def artifact_of(variant: str) -> Artifact:
    return factories.artifact(
        variant,
        sha256=variant,
        size_bytes=1,
        inputs=(),
        operators=(),
        output_error=None,
    )


def ready(device_id: str, **changes: Any) -> DeviceReady:
    return factories.device_ready(
        factories.device(device_id, **({"core_count": 8} | changes))
    )


def run_of(
    latencies: Latencies,
    *,
    launches: Sequence[Launch] = (),
    failures: Sequence[Failure] = (),
    devices: Sequence[DeviceReady] | None = None,
) -> Run:
    """A run of one model `net`; the first variant named is the baseline."""
    names = list(dict.fromkeys(variant for _, variant in latencies))
    ids = list(dict.fromkeys(device for device, _ in latencies))
    made = [
        launch_of(
            device,
            variant,
            block,
            position=names.index(variant),
            measurement=Measurement(
                latencies_ns=(round(value),) * 10,
                memory=Memory(rss_before_load_bytes=1000, peak_rss_bytes=5000),
            ),
        )
        for (device, variant), values in latencies.items()
        for block, value in enumerate(values)
        if value is not None
    ]
    return Run(
        folder="runs/x",
        started=factories.started(
            factories.plan(*names, blocks=Workload().blocks), run_id="x"
        ),
        artifacts=tuple(artifact_of(name) for name in names),
        devices=tuple(devices or (ready(device) for device in ids)),
        launches=(*made, *launches),
        failures=tuple(failures),
        outcome="finished",
    )


@pytest.fixture
def make_run() -> Callable[..., Run]:
    return run_of


@pytest.fixture
def make_launch() -> Callable[..., Launch]:
    return launch_of


@pytest.fixture
def make_ready() -> Callable[..., DeviceReady]:
    return ready
