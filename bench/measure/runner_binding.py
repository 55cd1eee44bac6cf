"""The programs that measure on one device, and all that must be there for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.device import DeviceFile, DeviceInfo, LocalFile
from pocketbench.bench.records.plan import Variant, Workload
from pocketbench.bench.records.run import DeviceReady, PrepackedModel, ReadyProgram
from pocketbench.bench.records.runner import Command, LaunchRequest, Program, Runner


class RunnerBinding(NamedTuple):
    """A program for a device, and what drives it."""

    runner: Runner
    program: Program
    prepacked: Mapping[str, PrepackedModel] = MappingProxyType({})
    """Loaded instead of exported models, by the sha256 of these."""


@dataclass(frozen=True)
class ReadyVariant:
    """A variant on a prepared device, with all that each of its launches takes."""

    variant: Variant
    artifact: Artifact
    binding: RunnerBinding
    request: LaunchRequest

    @cached_property
    def command(self) -> Command:
        """The command line of a launch, made once for all.

        Raises:
            LaunchError: The program cannot do what is asked.
        """
        return self.binding.runner.command(self.request)


def binding_for(artifact: Artifact, bindings: Sequence[RunnerBinding]) -> RunnerBinding:
    """The first one that loads an artifact's format."""
    return next(
        binding for binding in bindings if artifact.format in binding.runner.formats
    )


def used_bindings(
    bindings: Sequence[RunnerBinding], artifacts: Mapping[tuple[str, str], Artifact]
) -> tuple[RunnerBinding, ...]:
    """Those that load any of the artifacts."""
    used = [binding_for(artifact, bindings) for artifact in artifacts.values()]
    return tuple(binding for binding in bindings if binding in used)


def needed_objects(
    bindings: Sequence[RunnerBinding], artifacts: Iterable[Artifact]
) -> tuple[LocalFile, ...]:
    """Programs, their libraries and the models: each content once."""
    objects = {
        item.sha256: item for binding in bindings for item in binding.program.objects
    }
    for artifact in artifacts:
        file = loaded_file(artifact, bindings)
        objects.setdefault(file.sha256, model_file(file, artifact.format))
    return tuple(objects.values())


def model_file(file: Artifact | PrepackedModel, format: str) -> LocalFile:
    """A model as what is sent to a device."""
    return LocalFile(
        path=file.path,
        name=f"model.{format}",
        sha256=file.sha256,
        size_bytes=file.size_bytes,
    )


def loaded_file(
    artifact: Artifact, bindings: Iterable[RunnerBinding]
) -> Artifact | PrepackedModel:
    """What programs load of a model: the exported file, or what was made of it."""
    for binding in bindings:
        if artifact.sha256 in binding.prepacked:
            return binding.prepacked[artifact.sha256]
    return artifact


def launch_request(
    variant: Variant,
    artifact: Artifact,
    binding: RunnerBinding,
    installed: Mapping[str, DeviceFile],
    workload: Workload,
) -> LaunchRequest:
    """What a launch of a variant asks of its program, on a prepared device.

    Args:
        variant: What to launch.
        artifact: Its file.
        binding: What measures it there.
        installed: The device's objects by sha256.
        workload: How long it goes on, or what it generates.
    """
    generation = workload.generation
    return LaunchRequest(
        program=installed[binding.program.executable.sha256],
        libraries=tuple(installed[x.sha256] for x in binding.program.libraries),
        model_path=installed[loaded_file(artifact, [binding]).sha256].remote_path,
        format=artifact.format,
        threads=variant.threads,
        warmup_iterations=workload.warmup_iterations,
        iterations=workload.iterations,
        min_duration_s=workload.min_duration_s,
        heap=workload.heap,
        seed=workload.seed,
        inputs=artifact.inputs,
        bundled_input_count=artifact.bundled_input_count,
        generation=generation.at(variant.kv_depth or 0) if generation else None,
    )


def device_ready(
    info: DeviceInfo,
    bindings: Sequence[RunnerBinding],
    installed: tuple[DeviceFile, ...],
) -> DeviceReady:
    """The record of a device that holds what it needs."""
    first, *others = (_ready(binding.program) for binding in bindings)
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
        prepacked=tuple(
            next((x.prepacked for x in bindings if x.prepacked), {}).values()
        ),
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
