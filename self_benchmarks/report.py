"""How long verdicts and the HTML page of a large run take, and how large the page is.

A stored run of 1,000 cells: 25 models in 4 variants on 10 devices, with 20 launches of
50 iterations each and a phone's conditions before and after each. Timed are the judging
of the run once it is read, and the whole of `pocketbench report RUN --format html`,
reading included. Aims: verdicts at most 2 s; HTML at most 5 s and 3 MB. Beside each,
in turn, the reading of the run's file alone, which any report must begin with.
Run: python self_benchmarks/report.py
"""

from __future__ import annotations

import datetime
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from paired import HEAD, in_turn

from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.measure.store import Store
from pocketbench.bench.records.artifact import (
    Artifact,
    ExportFacts,
    OutputError,
    TensorSpec,
)
from pocketbench.bench.records.conditions import (
    Battery,
    Build,
    Conditions,
    CpuPolicy,
    MemoryState,
    Screen,
    SkinThresholds,
    Temperature,
    TemperatureKind,
    Thermal,
)
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.launch import Launch, Measurement, Memory
from pocketbench.bench.records.plan import ModelRequest, Plan, Variant, Workload
from pocketbench.bench.records.run import (
    ArtifactReady,
    DeviceReady,
    RunEnded,
    RunStarted,
)

PROGRAM = Path(sys.executable).with_name("pocketbench")
SPEED = {"float32": 1.0, "float16": 0.99, "int8-dynamic": 1.03, "int8-static": 0.5}
MODELS = [f"net_{number}" for number in range(25)]
DEVICES = [f"android:phone-{number}" for number in range(10)]
LAUNCHES, ITERATIONS, TIMES = 20, 50, 5
MOST_VERDICTS_S, MOST_PAGE_S, MOST_PAGE_MB = 2.0, 5.0, 3.0
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def artifact(model: str, variant: str) -> Artifact:
    return Artifact(
        model=model,
        variant=variant,
        source=f"nets:{model}",
        path=f"{model}-{variant}.ptl",
        sha256=hashlib.sha256(f"{model} {variant}".encode()).hexdigest(),
        size_bytes=int(14e6 * SPEED[variant]),
        format="ptl",
        engine="lite",
        precision=variant,
        inputs=(TensorSpec(shape=(1, 3, 224, 224)),),
        bundled_input_count=1,
        operators=("aten::conv2d",),
        bytecode_version=8,
        export=ExportFacts(
            method="traced, frozen",
            changed="nothing",
            weights="its own",
            random_weights=False,
            seed=0,
            torch_version="2.13.0",
        ),
        output_error=OutputError(max_abs=0.01, sqnr_db=30.0),
    )


def ready(device_id: str) -> DeviceReady:
    info = DeviceInfo(
        id=device_id,
        family="android",
        name=device_id.partition(":")[2],
        abis=("arm64-v8a",),
        libc="bionic",
        core_count=8,
        ram_bytes=8 * 2**30,
        os_name="Android",
        os_version="14",
    )
    return DeviceReady(
        device=info,
        runner="lite",
        runner_version="torch 2.13.0",
        runner_sha256="ab12" * 16,
        runner_origin="generated",
        objects=(),
    )


def conditions(at_s: float, skin_c: float) -> Conditions:
    """What a phone with nine cores in three clock domains reports after boot."""
    kinds: tuple[TemperatureKind, ...] = ("skin", "battery", "cpu", "cpu", "cpu", "gpu")
    domains = ((0, 1704000), (4, 2367000), (8, 2914000))
    return Conditions(
        thermal=Thermal(
            status=0,
            source="hal",
            temperatures=tuple(
                Temperature(name=f"{kind}-{at}", kind=kind, value_c=skin_c + at)
                for at, kind in enumerate(kinds)
            ),
            skin_thresholds=(
                SkinThresholds(name="skin-0", hot_c=(None, 39.0, 43.0, 45.0, 46.5)),
            ),
        ),
        cpu_policies=tuple(
            CpuPolicy(
                id=first,
                cpus=tuple(range(first, min(first + 4, 9))),
                current_frequency_khz=highest // 2,
                max_frequency_khz=highest,
                hardware_max_frequency_khz=highest,
                governor="sched_pixel",
                time_in_state_ticks={
                    highest * step // 10: int(100 * at_s) for step in range(1, 11)
                },
            )
            for first, highest in domains
        ),
        online_cpus=tuple(range(9)),
        battery=Battery(level=87, scale=100, status="discharging", temperature_c=27.4),
        is_battery_saver=False,
        is_dozing=False,
        screen=Screen(state="ON", wakefulness="Awake"),
        memory=MemoryState(total_bytes=8 * 2**30, available_bytes=4 * 2**30),
        load_averages=(1.5, 1.2, 1.0),
        allowed_cpus=tuple(range(9)),
        build=Build(fingerprint="maker/phone/phone:14/AB1/1:user/release-keys"),
        uptime_s=at_s,
        missing={"energy": "no power rails"},
    )


def launches() -> Iterator[Launch]:
    random = np.random.default_rng(0)
    for at, device_id in enumerate(DEVICES):
        for model in MODELS:
            for block in range(LAUNCHES):
                for position, (variant, factor) in enumerate(SPEED.items()):
                    seconds = (block * len(SPEED) + position) * 3
                    level = 10e6 * factor * (1 + at / 10) * random.lognormal(0, 0.02)
                    times = level * random.lognormal(0, 0.03, ITERATIONS)
                    yield Launch(
                        device_id=device_id,
                        model=model,
                        variant_id=variant,
                        artifact_sha256=artifact(model, variant).sha256,
                        runner="lite",
                        block=block,
                        attempt=0,
                        position=position,
                        started_at=(
                            START + datetime.timedelta(seconds=seconds)
                        ).isoformat(),
                        wall_ns=int(2e9),
                        measurement=Measurement(
                            load_ns=int(4e7 * random.lognormal(0, 0.05)),
                            first_latency_ns=int(2 * level),
                            warmup_latencies_ns=(int(2 * level), int(level)),
                            latencies_ns=tuple(times.astype(int).tolist()),
                            memory=Memory(
                                rss_before_load_bytes=10**8,
                                peak_rss_bytes=int(14e7 + 1e6 * random.random()),
                            ),
                            threads=1,
                            seed=0,
                        ),
                        conditions_before=conditions(seconds, 28.0 + block / 10),
                        conditions_after=conditions(seconds + 2, 28.2 + block / 10),
                    )


def write_run(folder: Path) -> None:
    """Store the run, as a run does."""
    variants = tuple(SPEED)
    plan = Plan(
        models=tuple(
            ModelRequest(name=model, source=f"nets:{model}", variants=variants)
            for model in MODELS
        ),
        variants=tuple(
            Variant(id=name, model=model, name=name, is_baseline=name == variants[0])
            for model in MODELS
            for name in variants
        ),
        device_selectors=tuple(DEVICES),
        workload=Workload(blocks=LAUNCHES, iterations=ITERATIONS),
    )
    with Store(folder) as store:
        store.append(
            RunStarted(
                run_id="large",
                started_at=START.isoformat(),
                plan=plan,
                command=("pocketbench", "run", *MODELS),
                versions={"pocketbench": "0.1.0"},
            )
        )
        for model in MODELS:
            for name in variants:
                store.append(ArtifactReady(artifact=artifact(model, name)))
        for device_id in DEVICES:
            store.append(ready(device_id))
        for launch in launches():
            store.append(launch)
        store.append(RunEnded(ended_at=START.isoformat(), outcome="finished"))


def main() -> None:
    """Print the table, and fail beyond the aims."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "large"
        write_run(folder)
        run = read_run(folder)
        assert len(summarize(run).cells) == len(MODELS) * len(SPEED) * len(DEVICES)

        def page() -> None:
            subprocess.run(
                [PROGRAM, "report", folder, "--format", "html"],
                capture_output=True,
                check=True,
            )

        print(HEAD)
        judged = in_turn(lambda: summarize(run), lambda: read_run(folder), TIMES)
        print(judged.row("verdicts of 1,000 cells / reading the run"))
        paged = in_turn(page, lambda: read_run(folder), TIMES)
        print(paged.row("pocketbench report --format html / reading the run"))
        megabytes = (folder / "report.html").stat().st_size / 1e6
        print(f"report.html: {megabytes:.2f} MB")
    if (
        min(judged.ours_s) > MOST_VERDICTS_S
        or min(paged.ours_s) > MOST_PAGE_S
        or megabytes > MOST_PAGE_MB
    ):
        sys.exit("beyond the aims")


if __name__ == "__main__":
    main()
