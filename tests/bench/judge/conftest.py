"""Stored runs as values, made from a table of latencies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from pocketbench.bench.records.artifact import Artifact, ExportFacts
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.launch import Failure, Launch, Measurement, Memory
from pocketbench.bench.records.plan import ModelRequest, Plan, Variant, Workload
from pocketbench.bench.records.run import DeviceReady, Run, RunStarted

Latencies = Mapping[tuple[str, str], Sequence[float | None]]
"""(device, variant) -> median of each block's launch; `None`: it was not launched."""


def launch_of(device_id: str, variant_id: str, block: int, **changes: object) -> Launch:
    fields: dict[str, object] = {
        "device_id": device_id,
        "model": "net",
        "variant_id": variant_id,
        "artifact_sha256": variant_id,
        "runner": "lite",
        "block": block,
        "attempt": 0,
        "position": 0,
        "started_at": f"2026-01-01T00:{block:02}:00.000+00:00",
        "wall_ns": 1,
        "measurement": Measurement(latencies_ns=(1000,)),
    }
    return Launch(**{**fields, **changes})  # type: ignore[arg-type]


def artifact_of(variant: str) -> Artifact:
    return Artifact(
        model="net",
        variant=variant,
        source="zoo:net",
        path=f"/{variant}.ptl",
        sha256=variant,
        size_bytes=1,
        format="ptl",
        engine="lite",
        precision="float32",
        inputs=(),
        bundled_input_count=1,
        operators=(),
        bytecode_version=8,
        export=ExportFacts(
            method="traced",
            changed="nothing",
            weights="the source's own",
            random_weights=False,
            seed=0,
            torch_version="2.13.0",
        ),
        output_error=None,
    )


def ready(device_id: str, **changes: object) -> DeviceReady:
    fields: dict[str, object] = {
        "id": device_id,
        "family": "host" if device_id == "host" else "android",
        "name": device_id,
        "core_count": 8,
    }
    return DeviceReady(
        device=DeviceInfo(**{**fields, **changes}),  # type: ignore[arg-type]
        runner="lite",
        runner_version=None,
        runner_sha256="r",
        runner_origin="built here",
        objects=(),
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
    plan = Plan(
        models=(ModelRequest(name="net", source="zoo:net"),),
        variants=tuple(
            Variant(id=name, model="net", name=name, is_baseline=name == names[0])
            for name in names
        ),
        device_selectors=(),
        workload=Workload(),
    )
    return Run(
        folder="runs/x",
        started=RunStarted(
            run_id="x", started_at="2026", plan=plan, command=(), versions={}
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
