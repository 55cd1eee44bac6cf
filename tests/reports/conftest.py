"""Stored runs made by hand: seeded launches of two models on three devices."""

from __future__ import annotations

import hashlib
import math
import random
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pocketbench.bench.judge.grade import grade
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.judge.summary import (
    Cell,
    Comparison,
    Estimate,
    LaunchValue,
    Summary,
    Verdict,
)
from pocketbench.bench.records.artifact import (
    Artifact,
    OutputError,
    TensorSpec,
)
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.device import CoreCluster, DeviceFile, DeviceInfo
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Failure, Launch, Measurement, Memory
from pocketbench.bench.records.metrics import METRICS
from pocketbench.bench.records.operator_times import (
    OperatorProfile,
    OperatorTime,
    OperatorTimes,
    ProfileFailure,
)
from pocketbench.bench.records.run import DeviceReady, Run, RunStarted
from tests import factories
from tests.sustained_runs import sustained, sustained_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE_NAME = "<script>alert(1)</script>"
HOSTILE_SERIAL = "HT7A1X0042"
VARIANTS = ("float32", "int8-dynamic", "int8-static")
START = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)

HOST = DeviceInfo(
    id="host",
    family="host",
    name="this computer (Ryzen 7)",
    abis=("x86_64",),
    libc="glibc",
    core_count=8,
    ram_bytes=16 * 2**30,
    os_name="Linux",
    os_version="6.1",
    shares_host_cpu=True,
)
PIXEL = DeviceInfo(
    id="simulated:pixel-8",
    family="simulated",
    name="Pixel 8",
    manufacturer="Google",
    soc="Tensor G3",
    abis=("x86_64",),
    clusters=(CoreCluster(cpus=(0, 1, 2, 3), name="Cortex-A510"),),
    core_count=9,
    ram_bytes=8 * 2**30,
    os_name="Android",
    os_version="14",
    api_level=34,
    is_simulated=True,
    simulated_of="Pixel 8 (arm64-v8a, 9 cores)",
    shares_host_cpu=True,
    transport="tcp 127.0.0.1:26001",
)
ANDROID = DeviceInfo(
    id=f"android:{HOSTILE_SERIAL}",
    family="android",
    name=HOSTILE_NAME,
    serial_hash="9f3c01ab",
    soc="Exynos 2400 & co",
    abis=("arm64-v8a",),
    core_count=10,
    ram_bytes=12 * 2**30,
    os_name="Android",
    os_version='15"><img src=x onerror=alert(2)>',
    api_level=35,
    transport="usb",
)
DEVICES = (HOST, PIXEL, ANDROID)

BASE_NS = {"mobilenet_v2": 14.2e6, "resnet18": 38.5e6}
SLOWNESS = {HOST.id: 1.0, PIXEL.id: 1.9, ANDROID.id: 2.7}
SPEED = {"float32": 1.0, "int8-dynamic": 0.995, "int8-static": 0.47}
SIZE_BYTES = {"mobilenet_v2": 13_958_000, "resnet18": 46_720_000}


def artifact(model: str, variant: str) -> Artifact:
    is_static = variant == "int8-static"
    return factories.artifact(
        variant,
        model=model,
        source=f"pocketbench.bench.models.zoo:{model}",
        path=f"/home/someone/exports/{model}.{variant}.ptl",
        sha256=hashlib.sha256(f"{model} {variant}".encode()).hexdigest(),
        size_bytes=SIZE_BYTES.get(model, 9_000_000) // (4 if is_static else 1),
        precision="int8" if variant.startswith("int8") else "float32",
        inputs=(TensorSpec(shape=(1, 3, 224, 224)),),
        operators=("aten::conv2d", "quantized::conv2d_relu.new"),
        bytecode_version=7,
        export=factories.export_facts(
            method="traced, frozen, batch norm folded",
            changed={
                "float32": "nothing",
                "int8-dynamic": "1 of 53 layers quantized",
            }.get(variant, "53 of 53 convolution and linear layers quantized"),
            weights="random (seed 0), batch norm calibrated",
            random_weights=True,
            calibration="32 seeded inputs" if is_static else None,
        ),
        output_error=None
        if variant == "float32"
        else OutputError(
            max_abs=0.0213 if is_static else 0.0047,
            sqnr_db=31.2 if is_static else 44.9,
        ),
    )


def ready(device: DeviceInfo) -> DeviceReady:
    return factories.device_ready(
        device,
        runner_version="torch 2.13.0",
        runner_sha256="ab12" * 16,
        runner_origin="built here with g++ 12.2 against torch 2.13.0",
        objects=(
            DeviceFile(
                name="runner",
                sha256="ab12" * 16,
                size_bytes=512_000,
                remote_path="/data/local/tmp/pocketbench/objects/ab12/runner",
                origin="sent",
            ),
        ),
    )


def launch(
    rng: random.Random,
    device_id: str,
    model: str,
    variant: str,
    *,
    block: int,
    position: int,
    started_at: str,
    centre_ns: float,
    spread: float,
) -> Launch:
    level = centre_ns * math.exp(rng.gauss(0, spread))
    samples = [int(level * math.exp(abs(rng.gauss(0, 0.03)))) for _ in range(30)]
    warmup = [int(level * (1 + 1.8 * 0.4**i)) for i in range(6)]
    size = artifact(model, variant).size_bytes
    before = 118 * 2**20
    return factories.launch(
        variant,
        device_id=device_id,
        model=model,
        artifact_sha256=artifact(model, variant).sha256,
        block=block,
        position=position,
        started_at=started_at,
        wall_ns=int(2e9),
        measurement=Measurement(
            load_ns=int(
                41e6 * (0.6 if variant == "int8-static" else 1) * rng.gauss(1, 0.02)
            ),
            first_latency_ns=warmup[0],
            warmup_latencies_ns=tuple(warmup),
            latencies_ns=tuple(samples),
            memory=Memory(
                rss_before_load_bytes=before,
                rss_after_load_bytes=before + size,
                peak_rss_bytes=before + int(size * 2.2) + rng.randrange(4) * 4096,
            ),
            threads=1,
            seed=0,
        ),
    )


def make_run(
    *,
    models: tuple[str, ...] = ("mobilenet_v2", "resnet18"),
    variants: tuple[str, ...] = VARIANTS,
    devices: tuple[DeviceInfo, ...] = DEVICES,
    blocks: int = 10,
    seed: int = 7,
    skip: tuple[tuple[str, str, str], ...] = (),
    failures: tuple[Failure, ...] = (),
    profiles: tuple[OperatorProfile | ProfileFailure, ...] = (),
    speed: dict[str, float] | None = None,
    spread: float = 0.012,
) -> Run:
    """A run as stored; `skip` names (device, model, variant) never launched."""
    rng = random.Random(seed)
    launches = []
    for device in devices:
        now = START
        for model in models:
            for block in range(blocks):
                order = list(variants)
                rng.shuffle(order)
                for position, variant in enumerate(order):
                    now += timedelta(seconds=rng.uniform(1.8, 2.6))
                    if (device.id, model, variant) in skip:
                        continue
                    centre = BASE_NS.get(model, 9e6) * SLOWNESS.get(device.id, 1.4)
                    factor = (speed or SPEED).get(variant, 1.0)
                    launches.append(
                        launch(
                            rng,
                            device.id,
                            model,
                            variant,
                            block=block,
                            position=position,
                            started_at=now.isoformat().replace("+00:00", "Z"),
                            centre_ns=centre * factor,
                            spread=spread * (2 if device.is_simulated else 1),
                        )
                    )
    return Run(
        folder="/home/someone/runs/20260302-091500-mobilenet_v2",
        started=RunStarted(
            run_id="20260302-091500-mobilenet_v2",
            started_at="2026-03-02T09:15:00Z",
            plan=factories.plan(
                *variants,
                models=models,
                source="pocketbench.bench.models.zoo",
                selectors=tuple(d.id for d in devices),
                blocks=blocks,
                warmup_iterations=6,
                iterations=30,
            ),
            command=(
                "pocketbench",
                "run",
                *models,
                *(part for d in devices for part in ("--device", d.id)),
            ),
            versions={"pocketbench": "0.1.0", "python": "3.11.7", "torch": "2.13.0"},
            commit="4f1c2d3e5a6b7c8d9e0f",
        ),
        artifacts=tuple(artifact(m, v) for m in models for v in variants),
        devices=tuple(ready(device) for device in devices),
        launches=tuple(launches),
        failures=failures,
        profiles=profiles,
        outcome="finished",
    )


CRASH = Failure(
    device_id=ANDROID.id,
    reason=FailureReason.CRASHED,
    fact="the program was ended by signal 11 </td><script>alert(3)</script>",
    remedy=FailureReason.CRASHED.remedy,
    model="resnet18",
    variant_id="int8-dynamic",
    block=0,
    attempt=0,
    position=1,
    started_at="2026-03-02T09:16:00Z",
    signal=11,
    stderr_tail="\x1b[31mSegmentation fault\x1b[0m (core dumped)",
    log_tail="03-02 09:16:01.000    17    17 F DEBUG   : name: bench  >>> <bench> <<<",
)


PHONE_TIMES = {HOST.id: 1.0, PIXEL.id: 1.85}
"""How much longer operators take there, much as the timed launches do."""
OPERATORS_NS = {
    "float32": {
        ("aten::conv2d", "float32"): (52, 11_000_000),
        ("aten::hardtanh", "float32"): (35, 2_000_000),
    },
    "int8-static": {
        ("quantized::conv2d_relu", "quint8"): (52, 4_000_000),
        ("aten::erf", "float32"): (1, 3_000_000),
        ("aten::dequantize", "quint8"): (2, 500_000),
        ("aten::quantize_per_tensor", "float32"): (2, 500_000),
    },
}
"""By variant and (name, dtype): calls and time of one inference."""


def profile(device_id: str, variant: str, *, inferences: int = 10) -> OperatorProfile:
    return OperatorProfile(
        device_id=device_id,
        model="mobilenet_v2",
        variant_id=variant,
        artifact_sha256=artifact("mobilenet_v2", variant).sha256,
        runner="lite",
        started_at="2026-03-02T09:30:00Z",
        times=OperatorTimes(
            operators=tuple(
                OperatorTime(
                    name=name,
                    dtype=dtype,
                    calls=calls * inferences,
                    self_ns=int(time_ns * inferences * PHONE_TIMES[device_id]),
                )
                for (name, dtype), (calls, time_ns) in OPERATORS_NS[variant].items()
            ),
            inferences=inferences,
            latencies_ns=(13_000_000,) * inferences,
            observed_latencies_ns=(13_650_000,) * inferences,
        ),
    )


UNPROFILED = ProfileFailure(
    device_id=ANDROID.id,
    model="mobilenet_v2",
    variant_id="int8-dynamic",
    artifact_sha256=artifact("mobilenet_v2", "int8-dynamic").sha256,
    reason=FailureReason.NO_OPERATOR_TIMES,
    fact="the runtime <b>told</b> none",
    remedy=FailureReason.NO_OPERATOR_TIMES.remedy,
    started_at="2026-03-02T09:31:00Z",
)
PROFILES = (
    *(profile(d.id, v) for d in (HOST, PIXEL) for v in ("float32", "int8-static")),
    UNPROFILED,
)


@pytest.fixture(scope="session")
def make_summary() -> Callable[..., Summary]:
    """Build a run as asked for and judge it, through the project's own code."""

    def make(**asked: object) -> Summary:
        return summarize(make_run(**asked))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def full(make_summary: Callable[..., Summary]) -> Summary:
    """Two models, three variants, three devices; one cell crashed, some profiled."""
    return make_summary(
        skip=((ANDROID.id, "resnet18", "int8-dynamic"),),
        failures=(CRASH, CRASH),
        profiles=PROFILES,
    )


@pytest.fixture(scope="session")
def small(make_summary: Callable[..., Summary]) -> Summary:
    """One model, two variants, the host and a simulated phone."""
    return make_summary(
        models=("mobilenet_v2",),
        variants=("float32", "int8-static"),
        devices=(HOST, PIXEL),
    )


def _cell(device_id: str, variant: str, ns: float, peak_bytes: float) -> Cell:
    def around(point: float, part: float) -> Estimate:
        return Estimate(
            point=point, low=point * (1 - part), high=point * (1 + part), launches=10
        )

    return Cell(
        device_id=device_id,
        model="mobilenet_v2",
        variant_id=variant,
        artifact=artifact("mobilenet_v2", variant),
        runner="lite",
        threads=1,
        is_baseline=variant == "float32",
        estimates={
            "latency_ns": around(ns, 0.01),
            "peak_rss_bytes": around(peak_bytes, 0.0),
        },
        launches=(
            LaunchValue(
                started_at="2026-03-02T09:15:02Z",
                block=0,
                position=0,
                values={"latency_ns": ns, "peak_rss_bytes": peak_bytes},
            ),
        ),
        records=(),
        caveats=(caveats := (Caveat.SIMULATED,) if device_id == PIXEL.id else ()),
        grade=grade(caveats),
    )


def _ratio(
    device_id: str, verdict: Verdict | None, ratio: tuple[float, float, float], **more
) -> Comparison:
    point, low, high = ratio
    return Comparison(
        drift_controlled=True,
        **{
            "kind": "variant",
            "device_id": device_id,
            "model": "mobilenet_v2",
            "metric": "latency_ns",
            "baseline": "float32",
            "candidate": "int8-static",
            "candidate_over_baseline": Estimate(
                point=point, low=low, high=high, launches=10
            ),
            "p_value": 0.001,
            "q_value": 0.002 if verdict else None,
            "verdict": verdict,
            "design": "paired",
            "min_effect": 0.02,
            "launches_to_settle": None,
            **more,
        },
    )


@pytest.fixture
def tiny() -> Summary:
    """Four cells with round figures: a regression and an inconclusive one."""
    run = make_run(
        models=("mobilenet_v2",),
        variants=("float32", "int8-static"),
        devices=(HOST, PIXEL),
        blocks=0,
    )
    memory = {"metric": "peak_rss_bytes"}
    return Summary(
        run=run,
        metrics=tuple(m for m in METRICS if m.name in ("latency_ns", "peak_rss_bytes")),
        devices=run.devices,
        cells=(
            _cell(HOST.id, "float32", 10e6, 100 * 2**20),
            _cell(HOST.id, "int8-static", 11e6, 62 * 2**20),
            _cell(PIXEL.id, "float32", 20e6, 120 * 2**20),
            _cell(PIXEL.id, "int8-static", 20.2e6, 80 * 2**20),
        ),
        comparisons=(
            _ratio(HOST.id, Verdict.REGRESSION, (1.1, 1.08, 1.12)),
            _ratio(HOST.id, None, (0.62, 0.61, 0.63), **memory),
            _ratio(
                PIXEL.id,
                Verdict.INCONCLUSIVE,
                (1.01, 0.98, 1.04),
                launches_to_settle=14,
            ),
            _ratio(PIXEL.id, None, (2 / 3, 0.65, 0.68), **memory),
            _ratio(
                PIXEL.id,
                None,
                (1.84, 1.8, 1.88),
                kind="host",
                baseline="host",
                design="sequential",
            ),
        ),
        failures=(),
        jobs_wanted=4,
    )


@pytest.fixture(scope="session")
def long_run() -> Summary:
    """Ten minutes of two variants on a computer and on a phone that grows hot."""
    run = make_run(
        models=("mobilenet_v2",),
        variants=("float32", "int8-static"),
        devices=(HOST, PIXEL),
        blocks=0,
    )
    records = (
        sustained(HOST.id, cool_ns=9_000_000, hot_from_s=None, is_watched=False),
        sustained(HOST.id, "int8-static", cool_ns=8_000_000, hot_from_s=None),
        sustained(PIXEL.id, while_read=1.1),
        sustained(PIXEL.id, "int8-static", cool_ns=10_000_000, hot_ns=14_000_000),
    )
    return summarize(sustained_run(run, *records))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium; tests that use it need `chromium`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
            timeout=120_000,
        )
        yield browser
        browser.close()
