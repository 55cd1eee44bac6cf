"""The programs that measure on one device, and all that must be there for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.device import DeviceInfo, InstalledObject, LocalObject
from pocketbench.bench.records.plan import Variant, Workload
from pocketbench.bench.records.run import DeviceReady, ReadyProgram
from pocketbench.bench.records.runner import Command, LaunchRequest, Program, Runner


class Tool(NamedTuple):
    """A program for a device, and what drives it."""

    runner: Runner
    program: Program


@dataclass(frozen=True)
class ReadyVariant:
    """A variant on a prepared device, with all that each of its launches takes."""

    variant: Variant
    artifact: Artifact
    tool: Tool
    request: LaunchRequest

    @cached_property
    def command(self) -> Command:
        """The command line of a launch, made once for all.

        Raises:
            LaunchError: The program cannot do what is asked.
        """
        return self.tool.runner.command(self.request)


def tool_for(artifact: Artifact, tools: Sequence[Tool]) -> Tool:
    """The first one that loads an artifact's format."""
    return next(tool for tool in tools if artifact.format in tool.runner.formats)


def used_tools(
    tools: Sequence[Tool], artifacts: Mapping[tuple[str, str], Artifact]
) -> tuple[Tool, ...]:
    """Those that load any of the artifacts."""
    used = [tool_for(artifact, tools) for artifact in artifacts.values()]
    return tuple(tool for tool in tools if tool in used)


def needed_objects(
    tools: Sequence[Tool], artifacts: Iterable[Artifact]
) -> tuple[LocalObject, ...]:
    """Programs, their libraries and the models: each content once."""
    objects = {item.sha256: item for tool in tools for item in tool.program.objects}
    for artifact in artifacts:
        model = LocalObject(
            path=artifact.path,
            name=f"model.{artifact.format}",
            sha256=artifact.sha256,
            size_bytes=artifact.size_bytes,
        )
        objects.setdefault(artifact.sha256, model)
    return tuple(objects.values())


def launch_request(
    variant: Variant,
    artifact: Artifact,
    program: Program,
    installed: Mapping[str, InstalledObject],
    workload: Workload,
) -> LaunchRequest:
    """What a launch of a variant asks of its program, on a prepared device.

    Args:
        variant: What to launch.
        artifact: Its file.
        program: What measures it there.
        installed: The device's objects by sha256.
        workload: How long it goes on.
    """
    return LaunchRequest(
        program=installed[program.executable.sha256],
        libraries=tuple(installed[x.sha256] for x in program.libraries),
        model_path=installed[artifact.sha256].remote_path,
        format=artifact.format,
        threads=variant.threads,
        warmup_iterations=workload.warmup_iterations,
        iterations=workload.iterations,
        min_duration_s=workload.min_duration_s,
        heap=workload.heap,
        seed=workload.seed,
        inputs=artifact.inputs,
        bundled_input_count=artifact.bundled_input_count,
    )


def device_ready(
    info: DeviceInfo, tools: Sequence[Tool], installed: tuple[InstalledObject, ...]
) -> DeviceReady:
    """The record of a device that holds what it needs."""
    first, *others = (_ready(tool.program) for tool in tools)
    return DeviceReady(
        device=info,
        runner=first.runner,
        runner_version=first.version,
        runner_sha256=first.sha256,
        runner_origin=first.origin,
        program_libc=first.libc,
        loader=first.loader,
        other_programs=tuple(others),
        objects=installed,
    )


def _ready(program: Program) -> ReadyProgram:
    return ReadyProgram(
        runner=program.runner,
        version=program.version,
        sha256=program.executable.sha256,
        origin=program.origin,
        libc=program.libc,
        loader=program.loader.name if program.loader else None,
    )
