"""Makers of records that say only what a test is about."""

from __future__ import annotations

import hashlib

import pytest

from pocketbench.bench.records.artifact import (
    Artifact,
    ExportFacts,
    OutputError,
    TensorSpec,
)
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Failure, Launch, Measurement
from pocketbench.bench.records.plan import ModelRequest, Plan, Variant, Workload
from pocketbench.bench.records.run import RunStarted


class Records:
    """Makes records; every argument has a plain default."""

    def launch(
        self,
        variant_id="float32",
        *,
        block=0,
        attempt=0,
        device_id="host",
        model="net",
        latencies_ns=(1_000_000, 1_100_000, 900_000),
        **more,
    ):
        measurement = Measurement(latencies_ns=tuple(latencies_ns))
        return Launch(
            **{
                "device_id": device_id,
                "model": model,
                "variant_id": variant_id,
                "artifact_sha256": "0" * 64,
                "runner": "lite",
                "block": block,
                "attempt": attempt,
                "position": 0,
                "started_at": f"2026-01-01T00:{block:02}:{attempt:02}.000+00:00",
                "wall_ns": 2_000_000_000,
                "measurement": measurement,
                **more,
            }
        )

    def failure(
        self,
        variant_id="float32",
        *,
        reason=FailureReason.CRASHED,
        block=0,
        attempt=0,
        device_id="host",
        model="net",
    ):
        return Failure(
            device_id=device_id,
            model=model,
            variant_id=variant_id,
            block=block,
            attempt=attempt,
            position=0,
            reason=reason,
            fact="it fell",
            remedy=reason.remedy,
            started_at="2026-01-01T00:00:00.000+00:00",
        )

    def artifact(self, variant="float32", *, model="net", path="/tmp/net.ptl"):
        return Artifact(
            model=model,
            variant=variant,
            source="nets:net",
            path=path,
            sha256=hashlib.sha256(f"{model}/{variant}".encode()).hexdigest(),
            size_bytes=1000,
            format="ptl",
            engine="lite",
            precision="float32",
            inputs=(TensorSpec(shape=(1, 3)),),
            bundled_input_count=1,
            operators=("aten::conv2d",),
            bytecode_version=8,
            export=ExportFacts(
                method="traced",
                changed="nothing",
                weights="the source's own",
                random_weights=False,
                seed=0,
                torch_version="2.13.0",
            ),
            output_error=OutputError(max_abs=0.0, sqnr_db=None),
        )

    def plan(self, *variants, blocks=2, models=("net",)):
        names = variants or ("float32", "int8-static")
        return Plan(
            models=tuple(
                ModelRequest(name=model, source=f"nets:{model}", variants=names)
                for model in models
            ),
            variants=tuple(
                Variant(id=name, model=model, name=name, is_baseline=name == names[0])
                for model in models
                for name in names
            ),
            device_selectors=("host",),
            workload=Workload(blocks=blocks, iterations=3, warmup_iterations=1),
        )

    def started(self, plan=None):
        return RunStarted(
            run_id="test-run",
            started_at="2026-01-01T00:00:00.000+00:00",
            plan=plan or self.plan(),
            command=("pocketbench", "run", "net"),
            versions={"pocketbench": "0.1.0"},
        )


@pytest.fixture
def records():
    return Records()
