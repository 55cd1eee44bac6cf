"""The records of a stored run: one JSON line each, in the order things happened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.device import DeviceFile, DeviceInfo
from pocketbench.bench.records.launch import Failure, Heap, Launch
from pocketbench.bench.records.operator_times import OperatorProfile, ProfileFailure
from pocketbench.bench.records.output_check import OutputCheck, OutputCheckMissing
from pocketbench.bench.records.plan import Plan
from pocketbench.bench.records.record import Count, Value
from pocketbench.bench.records.sustained import SustainedLaunch

Outcome = Literal["finished", "interrupted", "killed", "running"]
SCHEMA = 1
"""Raised when a reader of the old schema would misread the new one.

1: first.
"""


class RunStarted(
    Value, frozen=True, kw_only=True, tag_field="record", tag="run_started"
):
    """Always the first line, so that an interrupted run can be read."""

    schema: int = SCHEMA
    run_id: str
    started_at: str
    plan: Plan
    command: tuple[str, ...]
    """What was typed, to repeat it."""
    versions: dict[str, str]
    """`pocketbench`, `python`, `torch`, `adb` ..."""
    commit: str | None = None
    """Of the working directory's git repository, `+dirty` appended when it is."""


class RunResumed(
    Value, frozen=True, kw_only=True, tag_field="record", tag="run_resumed"
):
    """The run went on after it had been stopped."""

    started_at: str
    command: tuple[str, ...]


class ArtifactReady(
    Value, frozen=True, kw_only=True, tag_field="record", tag="artifact"
):
    """A model file as exported for this run."""

    artifact: Artifact


class ReadyProgram(Value, frozen=True, kw_only=True):
    """A measuring program that a device holds."""

    runner: str
    version: str | None
    sha256: str
    origin: str
    libc: str | None = None
    """`bionic`, `glibc`: what it was built for."""
    loader: str | None = None
    """What starts it where it brings that C library along: `ld-linux-aarch64.so.1`."""


class PrepackedModel(Value, frozen=True, kw_only=True):
    """What a phone's own program made of an exported model, for its kind of CPU."""

    artifact_sha256: str
    """Of the exported file."""
    path: str
    """Absolute, on the host at the time of the run."""
    sha256: str
    size_bytes: Count
    by: str
    """`torch 2.9.1`."""
    made_on: str
    """The device: `Pixel 8, arm64-v8a`."""
    operators: tuple[str, ...]
    sqnr_db: int | None
    """Of its answers against the exported file's; `None`: the same bits."""


class DeviceReady(Value, frozen=True, kw_only=True, tag_field="record", tag="device"):
    """A device was opened and holds what it needs."""

    device: DeviceInfo
    runner: str
    runner_version: str | None
    runner_sha256: str | None
    """`None`: it was another program than one of ours, of unknown content."""
    runner_origin: str
    program_libc: str | None = None
    loader: str | None = None
    """See `ReadyProgram`."""
    other_programs: tuple[ReadyProgram, ...] = ()
    """Besides that one, when the models need several engines."""
    objects: tuple[DeviceFile, ...]
    """Programs, libraries and models, with where each came from."""
    prepacked: tuple[PrepackedModel, ...] = ()
    """Models that it loads instead of the exported ones."""
    instead_of: str | None = None
    """The device whose missing blocks it measures, where that one went away."""

    @property
    def programs(self) -> tuple[ReadyProgram, ...]:
        """Every program it holds."""
        first = ReadyProgram(
            runner=self.runner,
            version=self.runner_version,
            sha256=self.runner_sha256 or "",
            origin=self.runner_origin,
            libc=self.program_libc,
            loader=self.loader,
        )
        return (first, *self.other_programs)


def spares_of(device_id: str, devices: Iterable[DeviceReady]) -> list[str]:
    """The devices that measured instead of one."""
    return [x.device.id for x in devices if x.instead_of == device_id]


class RunEnded(Value, frozen=True, kw_only=True, tag_field="record", tag="run_ended"):
    """The run came to an end of its own; absent after a kill."""

    ended_at: str
    outcome: Literal["finished", "interrupted"]


Record = (
    RunStarted
    | RunResumed
    | ArtifactReady
    | DeviceReady
    | Launch
    | OperatorProfile
    | ProfileFailure
    | SustainedLaunch
    | OutputCheck
    | OutputCheckMissing
    | Failure
    | RunEnded
)


class Run(Value, frozen=True, kw_only=True):
    """A stored run as read back."""

    folder: str
    started: RunStarted
    artifacts: tuple[Artifact, ...] = ()
    """The last one of each model and variant."""
    devices: tuple[DeviceReady, ...] = ()
    """The last one of each device."""
    launches: tuple[Launch, ...] = ()
    """All, broken blocks included, in order of time."""
    sustained: tuple[SustainedLaunch, ...] = ()
    """All, those that were stopped included, in order of time."""
    failures: tuple[Failure, ...] = ()
    profiles: tuple[OperatorProfile | ProfileFailure, ...] = ()
    output_checks: tuple[OutputCheck | OutputCheckMissing, ...] = ()
    """The last one of each variant on each device."""
    outcome: Outcome = "killed"

    @property
    def every_launch(self) -> tuple[Launch, ...]:
        """The long ones of a sustained run included: what need not be done again."""
        return (*self.launches, *(record.launch for record in self.sustained))

    @property
    def heap(self) -> Heap:
        """`steady` where a program made it so, see `--heap`."""
        parsed = {launch.measurement.heap for launch in self.every_launch}
        return "steady" if "steady" in parsed else "system"
