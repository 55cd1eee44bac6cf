"""Makes the records of a run of what XCTest has measured."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from pocketbench.bench.errors import UsageError
from pocketbench.bench.records.artifact import Artifact, ExportFacts
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.launch import Launch, Measurement, Memory
from pocketbench.bench.records.plan import ModelRequest, Plan, Variant, Workload
from pocketbench.bench.records.run import ArtifactReady, DeviceReady
from pocketbench.ios_runner.xctest import (
    CLOCK,
    PEAK_MEMORY,
    Measured,
    read_measured,
    split_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

VARIANT = "as-is"
_FORMATS = {".pte": "executorch", ".ptl": "lite"}
_NOT_NAME = re.compile(r"[^A-Za-z0-9]")


def ingest(
    files: Sequence[Path],
    models: Sequence[Path],
    *,
    device_name: str | None,
    now: str,
) -> tuple[Plan, tuple[ArtifactReady | DeviceReady | Launch, ...]]:
    """The plan and the records of what was measured.

    Every process is one launch: one file each, or more where a file says that the
    tests were started again.

    Args:
        files: Console outputs or metrics of result bundles, in order of time.
        models: The model files that were measured, by whose names tests are known.
        device_name: Used where no file names the device.
        now: When the files were read, ISO-8601 UTC; they hold no time of their own.

    Raises:
        UsageError: A file is none, or a measured model was not given.
    """
    parsed = [
        (number, measured)
        for number, file in enumerate(files)
        for measured in read_measured(file.read_text(errors="replace"), str(file))
    ]
    given = {_NOT_NAME.sub("_", path.stem): path for path in models}
    launches: dict[tuple[str, int, int], list[Measured]] = {}
    for number, measured in parsed:
        name = split_name(measured.test).model
        path = given.get(_NOT_NAME.sub("_", name))
        if path is None:
            raise UsageError(
                f"{files[number]}: {name}",
                "its model file was not given",
                "Give it with --model: the report shows its size and sha256",
            )
        key = (path.stem, number, measured.process)
        launches.setdefault(key, []).append(measured)
    device = _device([measured for _, measured in parsed], device_name)
    artifacts = {path.stem: _artifact(path) for path in given.values()}
    used = list(dict.fromkeys(model for model, _, _ in launches))
    records: list[ArtifactReady | DeviceReady | Launch] = [
        ArtifactReady(artifact=artifacts[model]) for model in used
    ]
    records.append(
        DeviceReady(
            device=device,
            runner="xctest",
            runner_version=None,
            runner_sha256=None,
            runner_origin=f"read from {', '.join(path.name for path in files)}",
            objects=(),
        )
    )
    blocks: dict[str, int] = {}
    for (model, _, _), found in launches.items():
        measurement = _measurement(found)
        if measurement is None:
            continue
        blocks[model] = blocks.get(model, -1) + 1
        records.append(
            Launch(
                device_id=device.id,
                model=model,
                variant_id=VARIANT,
                artifact_sha256=artifacts[model].sha256,
                runner="xctest",
                block=blocks[model],
                attempt=0,
                position=0,
                started_at=now,
                wall_ns=None,
                measurement=measurement,
            )
        )
    return _plan(used, artifacts, device, max(blocks.values(), default=-1) + 1), tuple(
        records
    )


def _measurement(found: Sequence[Measured]) -> Measurement | None:
    values: dict[tuple[str, str], tuple[int, ...]] = {}
    for item in found:
        kind = split_name(item.test).kind
        key = ("load" if kind == "load" else "forward", item.metric)
        values[key] = (*values.get(key, ()), *item.values)
    latencies_ns = values.get(("forward", CLOCK), ())
    loads_ns = values.get(("load", CLOCK), ())
    if not latencies_ns:
        return None
    return Measurement(
        # XCTest loads five times after one that it throws away; the first it keeps.
        load_ns=loads_ns[0] if loads_ns else None,
        latencies_ns=latencies_ns,
        # Printed with six decimals of a second.
        latency_resolution_ns=1000,
        memory=Memory(
            peak_rss_bytes=max(values.get(("forward", PEAK_MEMORY), (0,))) or None
        ),
    )


def _device(parsed: Sequence[Measured], name: str | None) -> DeviceInfo:
    model, version = name, None
    for measured in parsed:
        by_name = split_name(measured.test)
        model = model or measured.device_model or by_name.device_model
        version = version or measured.os_version or by_name.os_version
    if model is None:
        raise UsageError(
            "the device", "is not reported by the files", "Name it with --device-name"
        )
    digest = hashlib.sha256(f"{model} {version}".encode()).hexdigest()[:8]
    return DeviceInfo(
        id=f"ios:xctest-{digest}",
        family="ios",
        name=model,
        manufacturer="Apple",
        model=model,
        abis=("arm64-v8a",),
        libc="darwin",
        os_name="iOS",
        os_version=version,
        build_fingerprint=" ".join(word for word in (model, version) if word),
        transport="xctest",
    )


def _artifact(path: Path) -> Artifact:
    engine = _FORMATS.get(path.suffix)
    if engine is None or not path.is_file():
        raise UsageError(
            f"--model {path}", "no .pte or .ptl file", "Give the file that was measured"
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Artifact(
        model=path.stem,
        variant=VARIANT,
        source=str(path),
        path=str(path.resolve()),
        sha256=digest,
        size_bytes=path.stat().st_size,
        format="pte" if path.suffix == ".pte" else "ptl",
        engine=engine,
        precision=VARIANT,
        inputs=(),
        bundled_input_count=0,
        operators=(),
        bytecode_version=None,
        export=ExportFacts(
            method="ready file",
            changed="nothing",
            weights="the source's own",
            random_weights=False,
            seed=0,
            torch_version="",
        ),
        output_error=None,
    )


def _plan(
    models: Sequence[str],
    artifacts: Mapping[str, Artifact],
    device: DeviceInfo,
    blocks: int,
) -> Plan:
    return Plan(
        models=tuple(
            ModelRequest(
                name=model,
                source=artifacts[model].source,
                variants=(VARIANT,),
                baseline=VARIANT,
            )
            for model in models
        ),
        variants=tuple(
            Variant(
                id=VARIANT,
                model=model,
                name=VARIANT,
                engine=artifacts[model].engine,
                is_baseline=True,
            )
            for model in models
        ),
        device_selectors=(device.id,),
        workload=Workload(blocks=max(blocks, 1), warmup_iterations=0, iterations=1),
        origin="XCTest",
    )
