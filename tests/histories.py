"""Histories of runs made by hand."""

from __future__ import annotations

import datetime
import random

from msgspec.structs import replace

from pocketbench.bench.history.folder import add_run
from pocketbench.bench.measure.store import Store
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.launch import Measurement, Memory
from pocketbench.bench.records.run import (
    ArtifactReady,
    Run,
    RunEnded,
)
from tests import factories

HOST = DeviceInfo(
    id="host",
    family="host",
    name="this computer (Ryzen 7)",
    model="Ryzen 7",
    core_count=8,
    os_name="Linux",
    os_version="12",
    shares_host_cpu=True,
)
PHONE = DeviceInfo(
    id="android:HT7A1X0042",
    family="android",
    name="Pixel 8",
    model="Pixel 8",
    serial_hash="9f3c01ab",
    os_name="Android",
    os_version="14",
    build_fingerprint="google/husky/1",
)


def scattered(run):
    """The run as if the runner had placed its memory."""
    launches = tuple(
        replace(x, measurement=replace(x.measurement, heap="steady"))
        for x in run.launches
    )
    return replace(run, launches=launches)


class Runs:
    """Makes the runs of one model, one per commit, and histories of them."""

    def __init__(self, tmp_path):
        self.history = tmp_path / "history"
        self.runs = tmp_path / "runs"
        self._random = random.Random(7)

    def run(
        self,
        number=0,
        latency_ns=1e6,
        *,
        devices=(HOST,),
        variants=("float32",),
        runtime="torch 2.13.0",
        torch="2.13.0",
        launches=6,
        spread=0.01,
        model="net",
        **changes,
    ):
        """Run `number`: a launch's latencies lie around `latency_ns`."""
        began = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        began += datetime.timedelta(days=number)
        made = [
            factories.launch(
                variant,
                device_id=device.id,
                model=model,
                artifact_sha256=variant,
                block=block,
                started_at=(began + datetime.timedelta(minutes=block)).isoformat(),
                wall_ns=1,
                measurement=Measurement(
                    latencies_ns=self._latencies(latency_ns, spread),
                    load_ns=5_000_000,
                    memory=Memory(rss_before_load_bytes=1000, peak_rss_bytes=5000),
                ),
            )
            for device in devices
            for variant in variants
            for block in range(launches)
        ]
        return Run(
            folder="runs/x",
            started=factories.started(
                factories.plan(*variants, models=(model,), blocks=launches),
                run_id=f"run-{number:04}",
                started_at=began.isoformat(),
                command=("pocketbench", "run", model),
                versions={"pocketbench": "0.1.0", "torch": torch},
                commit=commit_of(number),
            ),
            artifacts=tuple(_artifact(model, name, torch) for name in variants),
            devices=tuple(
                factories.device_ready(device, runner_version=runtime)
                for device in devices
            ),
            launches=tuple(made),
            outcome="finished",
            **changes,
        )

    def add(self, *args, **more):
        return add_run(self.run(*args, **more), self.history)

    def steady(self, count, *, level_ns=1e6, first=0, **more):
        """So many runs at one level."""
        for number in range(first, first + count):
            level = level_ns * self._random.gauss(1, 0.005)
            self.add(number, level, **more)

    def stored(self, run):
        """Write a run to the runs folder as the main job does."""
        with Store(self.runs / run.started.run_id) as store:
            store.append(run.started)
            for artifact in run.artifacts:
                store.append(ArtifactReady(artifact=artifact))
            for record in (*run.devices, *run.launches):
                store.append(record)
            store.append(RunEnded(ended_at="2026-02-01", outcome="finished"))
        return run.started.run_id

    def _latencies(self, level, spread):
        launch = level * self._random.gauss(1, spread)
        return tuple(
            round(launch * abs(self._random.gauss(1, spread))) for _ in range(20)
        )


def _artifact(model, variant, torch):
    return factories.artifact(
        variant,
        model=model,
        path=f"/{variant}.ptl",
        sha256=variant,
        inputs=(),
        operators=(),
        export=factories.export_facts(torch_version=torch),
        output_error=None,
    )


def commit_of(number):
    """The commit of run `number`: recognized by its first characters."""
    return f"{number:04x}".ljust(40, "c")
