"""Makers of records: every field has a plain default that a test may change."""

from __future__ import annotations

import hashlib
from typing import Any

from pocketbench.bench.records.artifact import (
    Artifact,
    ExportFacts,
    OutputError,
    TensorSpec,
)
from pocketbench.bench.records.device import DeviceFile, DeviceInfo, LocalFile
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Failure, Launch, Measurement
from pocketbench.bench.records.plan import ModelRequest, Plan, Variant, Workload
from pocketbench.bench.records.run import DeviceReady, RunStarted
from pocketbench.bench.records.runner import LaunchRequest, Program


def export_facts(**changes: Any) -> ExportFacts:
    """How an artifact was exported."""
    facts = {
        "method": "traced",
        "changed": "nothing",
        "weights": "the source's own",
        "random_weights": False,
        "seed": 0,
        "torch_version": "2.13.0",
    }
    return ExportFacts(**(facts | changes))


def artifact(
    variant: str = "float32", *, model: str = "net", **changes: Any
) -> Artifact:
    """A lite file; its hash follows from its model and variant."""
    facts = {
        "source": f"nets:{model}",
        "path": f"/tmp/{model}.ptl",
        "sha256": hashlib.sha256(f"{model}/{variant}".encode()).hexdigest(),
        "size_bytes": 1000,
        "format": "ptl",
        "engine": "lite",
        "precision": "float32",
        "inputs": (TensorSpec(shape=(1, 3)),),
        "bundled_input_count": 1,
        "operators": ("aten::conv2d",),
        "bytecode_version": 8,
        "export": export_facts(),
        "output_error": OutputError(max_abs=0.0, sqnr_db=None),
    }
    return Artifact(model=model, variant=variant, **(facts | changes))


def launch(
    variant_id: str = "float32",
    *,
    block: int = 0,
    attempt: int = 0,
    latencies_ns: tuple[int, ...] = (1_000_000, 1_100_000, 900_000),
    **changes: Any,
) -> Launch:
    """One launch of `net` on the host."""
    facts = {
        "device_id": "host",
        "model": "net",
        "artifact_sha256": "0" * 64,
        "runner": "lite",
        "position": 0,
        "started_at": f"2026-01-01T00:{block:02}:{attempt:02}.000+00:00",
        "wall_ns": 2_000_000_000,
        "measurement": Measurement(latencies_ns=tuple(latencies_ns)),
    }
    return Launch(
        variant_id=variant_id, block=block, attempt=attempt, **(facts | changes)
    )


def failure(
    variant_id: str = "float32",
    *,
    reason: FailureReason = FailureReason.CRASHED,
    **changes: Any,
) -> Failure:
    """A launch of `net` on the host that did not measure."""
    facts = {
        "device_id": "host",
        "model": "net",
        "block": 0,
        "attempt": 0,
        "position": 0,
        "fact": "it fell",
        "remedy": reason.remedy,
        "started_at": "2026-01-01T00:00:00.000+00:00",
    }
    return Failure(variant_id=variant_id, reason=reason, **(facts | changes))


def plan(
    *variants: str,
    models: tuple[str, ...] = ("net",),
    source: str = "nets",
    selectors: tuple[str, ...] = ("host",),
    blocks: int = 2,
    **workload: Any,
) -> Plan:
    """The variants of each model; the first one is the baseline."""
    names = variants or ("float32", "int8-static")
    counts = {"iterations": 3, "warmup_iterations": 1} | workload
    return Plan(
        models=tuple(
            ModelRequest(name=model, source=f"{source}:{model}", variants=names)
            for model in models
        ),
        variants=tuple(
            Variant(id=name, model=model, name=name, is_baseline=name == names[0])
            for model in models
            for name in names
        ),
        device_selectors=selectors,
        workload=Workload(blocks=blocks, **counts),
    )


def started(of: Plan | None = None, **changes: Any) -> RunStarted:
    """The first line of a run's file."""
    facts = {
        "run_id": "test-run",
        "started_at": "2026-01-01T00:00:00.000+00:00",
        "command": ("pocketbench", "run", "net"),
        "versions": {"pocketbench": "0.1.0"},
    }
    return RunStarted(plan=of or plan(), **(facts | changes))


def device(device_id: str = "host", **changes: Any) -> DeviceInfo:
    """The host, or an Android phone of another id."""
    facts = {
        "family": "host" if device_id == "host" else "android",
        "name": device_id,
    }
    return DeviceInfo(id=device_id, **(facts | changes))


def device_ready(of: DeviceInfo, **changes: Any) -> DeviceReady:
    """A device that holds what it needs."""
    facts = {
        "runner": "lite",
        "runner_version": None,
        "runner_sha256": "r",
        "runner_origin": "built here",
        "objects": (),
    }
    return DeviceReady(device=of, **(facts | changes))


def device_file(of: LocalFile, **changes: Any) -> DeviceFile:
    """A file of this computer after it was sent to a device."""
    facts = {
        "name": of.name,
        "sha256": of.sha256,
        "size_bytes": of.size_bytes,
        "remote_path": f"/objects/{of.sha256}/{of.name}",
        "origin": "sent",
    }
    return DeviceFile(**(facts | changes))


def program(runner: str = "lite", **changes: Any) -> Program:
    """A program of one file."""
    facts = {
        "abi": "x86_64",
        "libc": "glibc",
        "executable": LocalFile(path="/p", name="p", sha256="f" * 64, size_bytes=1),
    }
    return Program(runner=runner, **(facts | changes))


def launch_request(program_sha256: str = "0", **changes: Any) -> LaunchRequest:
    """A launch of 2 warm-up and 3 timed iterations on two threads."""
    facts = {
        "program": DeviceFile(
            name="p",
            sha256=program_sha256,
            size_bytes=1,
            remote_path="/data/p",
            origin="sent",
        ),
        "libraries": (),
        "model_path": "/data/a model",
        "format": "ptl",
        "threads": 2,
        "warmup_iterations": 2,
        "iterations": 3,
        "seed": 0,
        "inputs": (),
        "bundled_input_count": 0,
    }
    return LaunchRequest(**(facts | changes))
