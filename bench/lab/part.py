"""What travels between a run and the host that has the phone."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from pocketbench.bench import registry
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.runner_binding import RunnerBinding, model_file
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.device import DeviceDriver, DeviceInfo, LocalFile
from pocketbench.bench.records.launch import Failure, Launch
from pocketbench.bench.records.plan import Plan, Variant
from pocketbench.bench.records.record import Value
from pocketbench.bench.records.runner import Program

TOPIC = "pocketbench-part"
"""Of Dask's events: what is measured, as it is measured."""


class Host(Value, frozen=True, kw_only=True):
    """A worker of the lab, and the phones that are ready on it."""

    version: str
    """Of its pocketbench."""
    phones: tuple[DeviceInfo, ...]


def phone_resource(info: DeviceInfo) -> str:
    """What Dask calls a phone: one of it, so one part at a time."""
    return f"phone {info.model} {info.serial_hash}"


def part_key(run_id: str, info: DeviceInfo) -> str:
    """What Dask calls a part: unique, and it names the run and the phone."""
    return f"{run_id}-{info.serial_hash}-{secrets.token_hex(3)}"


def run_of(key: str) -> str:
    """The run that a part belongs to."""
    return key.rsplit("-", 2)[0]


def part_of(info: DeviceInfo, keys: Iterable[str]) -> str | None:
    """The part of a phone among those of its worker."""
    return next((key for key in keys if f"-{info.serial_hash}-" in key), None)


class PartProgram(Value, frozen=True, kw_only=True):
    """A program, and the name of what drives it."""

    runner: str
    program: Program


class Part(Value, frozen=True, kw_only=True):
    """What one device measures of a plan, with files as paths of one host."""

    plan: Plan
    info: DeviceInfo
    """As the phone's own host knows it."""
    models: dict[str, tuple[Variant, ...]]
    artifacts: tuple[Artifact, ...]
    programs: tuple[PartProgram, ...]
    launches: tuple[Launch, ...]
    """What is measured by now."""
    failures: tuple[Failure, ...]
    left_s: float | None = None
    """No block begins after so long."""
    run_id: str | None = None
    """Who holds the phone meanwhile, for those who ask on its host."""
    wait_s: float = 0.0
    """How long a run that was started on the phone's host is waited for."""
    pushes_per_hub: int = 2
    """How many phones on one USB hub there are sent files at once."""

    @property
    def files(self) -> tuple[LocalFile, ...]:
        """All that the phone's host must have, each content once."""
        found = {x.sha256: x for p in self.programs for x in p.program.objects}
        for artifact in self.artifacts:
            found.setdefault(artifact.sha256, model_file(artifact, artifact.format))
        return tuple(found.values())


def encode(part: Part) -> bytes:
    """A part as bytes."""
    return msgspec.json.encode(part)


def decode(payload: bytes) -> Part:
    """A part of another host's bytes."""
    return msgspec.json.decode(payload, type=Part)


def job_of(part: Part, driver: DeviceDriver, deadline: float | None) -> DeviceJob:
    """The job on the host that has the phone."""
    return DeviceJob(
        SelectedDevice(driver, part.info),
        _bindings(part.plan, part.programs),
        models=part.models,
        artifacts={(x.model, x.variant): x for x in part.artifacts},
        deadline=deadline,
    )


def _bindings(plan: Plan, programs: Sequence[PartProgram]) -> list[RunnerBinding]:
    found = []
    for item in programs:
        path = item.program.executable.path
        # A given program with its options, where it lies on this host.
        given = tuple(
            replace(choice, path=path)
            for choice in plan.runners
            if choice.name == item.runner
        )
        make = registry.load(registry.RUNNERS, "runner", item.runner)
        found.append(RunnerBinding(make(given, lambda text: None), item.program))
    return found


def moved(part: Part, paths: Mapping[str, str]) -> Part:
    """The same with the paths of another host, by sha256."""

    def at(file: LocalFile) -> LocalFile:
        return replace(file, path=paths[file.sha256])

    return replace(
        part,
        artifacts=tuple(replace(x, path=paths[x.sha256]) for x in part.artifacts),
        programs=tuple(
            PartProgram(
                runner=x.runner,
                program=replace(
                    x.program,
                    executable=at(x.program.executable),
                    libraries=tuple(map(at, x.program.libraries)),
                ),
            )
            for x in part.programs
        ),
    )
