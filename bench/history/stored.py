"""What a history keeps of one launch, and how a run's launches become it."""

from __future__ import annotations

import re
import shlex
from typing import Literal

from pocketbench.bench.judge.cells import measured_cells
from pocketbench.bench.judge.summary import Cell
from pocketbench.bench.records.conditions import skin_temperature_c
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.families import family_of
from pocketbench.bench.records.generation import GenerationRequest
from pocketbench.bench.records.launch import Launch
from pocketbench.bench.records.plan import Variant, Workload
from pocketbench.bench.records.record import Value
from pocketbench.bench.records.run import DeviceReady, Run

SCHEMA = 1
"""Raised when a reader of the old lines would misread the new ones.

1: first.
"""

Imitation = Literal["simulated", "emulated", "simulator", "replayed"]


class StoredLaunch(Value, frozen=True, kw_only=True):
    """One launch that counts, with all that says which series it belongs to.

    Flat, so that one metric of a million launches is one column. The samples are kept
    beside the values: anyone who doubts how these were made can make them again.
    """

    schema: int = SCHEMA
    run_id: str
    run_started_at: str
    commit: str | None
    device: str
    """The folder's name: no serial number, only its hash."""
    device_name: str
    imitation: Imitation | None
    """What stood in for the device; `None` for a real one."""
    os_build: str
    runtime: str
    torch: str
    """Of the export: another one writes other model files."""
    model: str
    variant: str
    threads: int
    artifact_sha256: str
    block: int
    position: int
    started_at: str
    shape: str | None
    latency_ns: float | None
    mean_latency_ns: float | None = None
    """Only where there is no median; records before schema changes lack it."""
    p90_latency_ns: float | None
    p99_latency_ns: float | None
    throughput_per_s: float | None
    load_ns: float | None
    first_latency_ns: float | None
    peak_rss_bytes: float | None
    model_rss_bytes: float | None
    decode_tokens_per_s: float | None = None
    time_to_first_token_ns: float | None = None
    prefill_tokens_per_s: float | None = None
    inter_token_ns: float | None = None
    p90_inter_token_ns: float | None = None
    p99_inter_token_ns: float | None = None
    perplexity_tokens: float | None = None
    warmup_latencies_ns: tuple[int, ...]
    latencies_ns: tuple[int, ...]
    command: str | None = None
    """What measured it, for a shell, without serial numbers."""
    temperature_c: float | None = None
    """Before it: of the skin, or else of the battery."""
    caveats: str | None = None
    """Names, with spaces between them."""


def stored_launches(run: Run) -> list[StoredLaunch]:
    """Every launch of a run that counts: broken blocks are left out."""
    readies = {ready.device.id: ready for ready in run.devices}
    plan = run.started.plan
    names = {(v.model, v.id): series_name(v, plan.workload) for v in plan.variants}
    return [
        launch
        for key, cell in measured_cells(run, run.devices).items()
        if key.device_id in readies
        for launch in _of_cell(
            run,
            readies[key.device_id],
            names[key.model, key.variant_id],
            cell,
        )
    ]


def _of_cell(
    run: Run, ready: DeviceReady, variant: str, cell: Cell
) -> list[StoredLaunch]:
    info = ready.device
    command = _command(run)
    return [
        StoredLaunch(
            run_id=run.started.run_id,
            run_started_at=run.started.started_at,
            commit=run.started.commit,
            device=device_key(info),
            device_name=_shown_name(info),
            imitation=_imitation(info),
            os_build=_os_build(run, info),
            runtime=_runtime(ready, launch),
            torch=cell.artifact.export.torch_version,
            model=cell.model,
            variant=variant,
            threads=cell.threads,
            artifact_sha256=launch.artifact_sha256,
            block=value.block,
            position=value.position,
            started_at=value.started_at,
            shape=value.shape,
            warmup_latencies_ns=launch.measurement.warmup_latencies_ns,
            latencies_ns=launch.measurement.latencies_ns,
            latency_ns=value.values.get("latency_ns"),
            mean_latency_ns=value.values.get("mean_latency_ns"),
            p90_latency_ns=value.values.get("p90_latency_ns"),
            p99_latency_ns=value.values.get("p99_latency_ns"),
            throughput_per_s=value.values.get("throughput_per_s"),
            load_ns=value.values.get("load_ns"),
            first_latency_ns=value.values.get("first_latency_ns"),
            peak_rss_bytes=value.values.get("peak_rss_bytes"),
            model_rss_bytes=value.values.get("model_rss_bytes"),
            decode_tokens_per_s=value.values.get("decode_tokens_per_s"),
            perplexity_tokens=value.values.get("perplexity_tokens"),
            time_to_first_token_ns=value.values.get("time_to_first_token_ns"),
            prefill_tokens_per_s=value.values.get("prefill_tokens_per_s"),
            inter_token_ns=value.values.get("inter_token_ns"),
            p90_inter_token_ns=value.values.get("p90_inter_token_ns"),
            p99_inter_token_ns=value.values.get("p99_inter_token_ns"),
            command=command,
            temperature_c=_temperature_c(launch),
            caveats=" ".join(launch.caveats) or None,
        )
        for value, launch in zip(cell.launches, cell.records, strict=True)
    ]


def series_name(variant: Variant, workload: Workload, made: str | None = None) -> str:
    """`float32`; of a generation with all that makes it another series.

    Args:
        variant: How the model is run.
        workload: What each launch does.
        made: The variant as it was exported, where a ready file goes by another name.
    """
    name, asked = made or variant.name, workload.generation
    if asked is None:
        return name
    depth = f" at depth {variant.kv_depth}" if variant.kv_depth else ""
    return f"{name} {asked.prompt_tokens}+{asked.new_tokens} tokens{depth}"


_GENERATION_SERIES = re.compile(
    r"(?P<variant>\S+) (?P<prompt>\d+)\+(?P<new>\d+) tokens( at depth (?P<depth>\d+))?"
)


def series_parts(name: str) -> tuple[str, GenerationRequest | None]:
    """Take apart what a series is called: the variant, and a generation's request."""
    found = _GENERATION_SERIES.fullmatch(name)
    if found is None:
        return name, None
    return found["variant"], GenerationRequest(
        prompt_tokens=int(found["prompt"]),
        new_tokens=int(found["new"]),
        kv_depth=int(found["depth"] or 0),
    )


def _command(run: Run) -> str:
    """The command line with each serial number hashed."""
    words = shlex.join(run.started.command)
    for ready in run.devices:
        serial = ready.device.id.partition(":")[2]
        if ready.device.serial_hash and serial:
            words = words.replace(serial, ready.device.serial_hash)
    return words


def _temperature_c(launch: Launch) -> float | None:
    """How warm the device was before a launch."""
    if launch.conditions_before is None:
        return None
    skin = skin_temperature_c(launch.conditions_before)
    if skin is not None:
        return skin
    battery = launch.conditions_before.battery
    return battery.temperature_c if battery else None


def device_key(info: DeviceInfo) -> str:
    """A file name that one physical device keeps: `pixel-8-9f3c01ab`.

    A computer has no serial number: it goes by its processor and its cores, so that a
    CI machine of another kind is another device. A simulated phone goes by its profile.
    """
    if family_of(info).is_this_computer:
        cores = f"-{info.core_count}-cores" if info.core_count else ""
        return f"host-{_slug(info.model or info.name)}{cores}"
    if info.serial_hash and not info.is_simulated:
        return f"{_slug(info.model or info.name)}-{info.serial_hash}"
    return _slug(info.id)


def _slug(words: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    return slug[:60].strip("-") or "device"


def _shown_name(info: DeviceInfo) -> str:
    """The device's own name, without its serial and on one line."""
    name = " ".join(info.name.split())
    serial = info.id.partition(":")[2]
    if info.serial_hash and serial:
        name = name.replace(serial, info.serial_hash)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)


def _imitation(info: DeviceInfo) -> Imitation | None:
    if info.is_replayed:
        return "replayed"
    if info.is_simulated:
        return "simulated"
    if family_of(info).is_simulator:
        return "simulator"
    return "emulated" if info.is_emulated else None


def _os_build(run: Run, info: DeviceInfo) -> str:
    """The system that ran it; for an imitation also that of the computer below it."""
    parts = [info.os_name, info.os_version, info.build_fingerprint]
    if info.shares_host_cpu and not family_of(info).is_this_computer:
        parts.append(run.started.versions.get("platform"))
    return " ".join(part for part in parts if part) or "unknown"


def _runtime(ready: DeviceReady, launch: Launch) -> str:
    """What ran the model, and whether it placed the memory itself."""
    versions = {ready.runner: ready.runner_version}
    versions |= {program.runner: program.version for program in ready.other_programs}
    words = f"{launch.runner} {versions.get(launch.runner) or 'unknown'}"
    return f"{words}, steady heap" if launch.measurement.heap == "steady" else words
