"""A bundle: a plan as an archive that a phone measures alone."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pocketbench.bench import registry
from pocketbench.bench.errors import UsageError
from pocketbench.bench.measure.prepare import PreparedDevice
from pocketbench.bench.measure.runner_binding import (
    binding_for,
    device_ready,
    launch_request,
    needed_objects,
    used_bindings,
)
from pocketbench.bench.measure.schedule import block_order
from pocketbench.bench.paths import new_beside
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.blocks import TRIES
from pocketbench.bench.records.bundle import Bundle, BundledVariant
from pocketbench.bench.records.device import DeviceFile
from pocketbench.bench.records.plan import Plan
from pocketbench.bench.records.run import RunStarted
from pocketbench.bench.records.runner import Command

TOP = "pocketbench-bundle"
"""The one folder in the archive."""


def write_bundle(
    path: Path,
    started: RunStarted,
    prepared: PreparedDevice,
    artifacts: Mapping[tuple[str, str], Artifact],
) -> int:
    """Write the objects, the plan and the script; gives the bytes of the objects.

    Raises:
        UsageError: A program cannot be driven by a script alone.
    """
    plan, bindings = started.plan, prepared.bindings
    objects = needed_objects(used_bindings(bindings, artifacts), artifacts.values())
    installed = {
        x.sha256: DeviceFile(
            name=x.name,
            sha256=x.sha256,
            size_bytes=x.size_bytes,
            remote_path=f"./objects/{x.sha256}/{x.name}",
            origin="sent",
        )
        for x in objects
    }
    variants: list[BundledVariant] = []
    commands: list[Command] = []
    for variant in plan.variants:
        artifact = artifacts[variant.model, variant.name]
        binding = binding_for(artifact, bindings)
        request = launch_request(variant, artifact, binding, installed, plan.workload)
        command = binding.runner.command(request)
        if command.log_tag is not None:
            raise UsageError(
                binding.runner.name,
                "writes its results to the system log, which a bundle does not read",
                "Measure with another program, or with the phone attached",
            )
        commands.append(command)
        variants.append(
            BundledVariant(
                model=variant.model,
                id=variant.id,
                runner=binding.program.runner,
                artifact_sha256=artifact.sha256,
                request=request,
            )
        )
    info = prepared.selected.info
    files = tuple(installed.values())
    bundle = Bundle(
        started=started,
        artifacts=tuple(artifacts.values()),
        ready=device_ready(info, used_bindings(bindings, artifacts), files),
        variants=tuple(variants),
        token=registry.load(registry.BUNDLES, "bundle part", "token")(),
    )
    limit_s = plan.workload.timeout_s + plan.workload.min_duration_s
    script: str = registry.load(registry.BUNDLES, "bundle part", "script")(
        commands,
        _order(plan),
        objects=files,
        limits=plan.cooldown,
        timeout_s=limit_s,
        tries=TRIES,
        token=bundle.token,
    )
    # Libraries are often links.
    with (
        new_beside(path) as new,
        tarfile.open(new, "w", dereference=True) as archive,
    ):
        _add(archive, "run.sh", script.encode(), mode=0o755)
        _add(archive, "plan.json", msgspec.json.encode(bundle) + b"\n")
        for item in objects:
            archive.add(
                item.path,
                f"{TOP}/objects/{item.sha256}/{item.name}",
                filter=_executable if item.executable else _plain,
            )
    return sum(x.size_bytes for x in objects)


def _order(plan: Plan) -> list[tuple[int, list[int]]]:
    """Each block of each model: its number, and its variants' places in the plan."""
    places = {(v.model, v.id): place for place, v in enumerate(plan.variants)}
    return [
        (block, [places[model.name, x] for x in order])
        for block in range(plan.workload.blocks)
        for model in plan.models
        for order in [
            block_order(
                [v.id for v in plan.variants_of(model.name)], block, plan.workload.seed
            )
        ]
    ]


def _add(
    archive: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644
) -> None:
    member = tarfile.TarInfo(f"{TOP}/{name}")
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))


def _plain(member: tarfile.TarInfo, mode: int = 0o644) -> tarfile.TarInfo:
    """Without the owner and the time of this computer's file."""
    return member.replace(
        mtime=0, mode=mode, uid=0, gid=0, uname="", gname="", deep=False
    )


def _executable(member: tarfile.TarInfo) -> tarfile.TarInfo:
    return _plain(member, 0o755)
