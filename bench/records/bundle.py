"""What a bundle measures, and what its script prints: one JSON line each."""

from __future__ import annotations

from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.record import Value
from pocketbench.bench.records.run import DeviceReady, RunStarted
from pocketbench.bench.records.runner import LaunchRequest

BUNDLE_SCHEMA = 1


class BundledVariant(Value, frozen=True, kw_only=True):
    """A variant of the plan, and what each of its launches asks."""

    model: str
    id: str
    runner: str
    artifact_sha256: str
    request: LaunchRequest


class Bundle(Value, frozen=True, kw_only=True, tag_field="record", tag="bundle"):
    """The first line: all that reading the rest needs."""

    schema: int = BUNDLE_SCHEMA
    started: RunStarted
    """As of a run; its id, its time and its devices are known when it is read back."""
    artifacts: tuple[Artifact, ...]
    ready: DeviceReady
    """Its device is what the bundle was made for."""
    variants: tuple[BundledVariant, ...]
    token: str
    """Of the probe that reads conditions."""


class BundlePhone(
    Value, frozen=True, kw_only=True, tag_field="record", tag="bundle_phone"
):
    """The phone that the script runs on."""

    identity: bytes


class BundleLaunch(
    Value, frozen=True, kw_only=True, tag_field="record", tag="bundle_launch"
):
    """One process start; outputs as they came."""

    variant: int
    """Its place in the bundle."""
    block: int
    attempt: int
    position: int
    started_s: int
    """Of the phone's clock, since 1970."""
    began_s: float
    """Since the phone's start, like `ended_s`."""
    ended_s: float
    exit_code: int
    is_settled: bool
    """Whether the phone became cool enough in time."""
    stdout: bytes
    stderr: bytes
    before: bytes
    after: bytes


class BundleEnded(
    Value, frozen=True, kw_only=True, tag_field="record", tag="bundle_ended"
):
    """The script came to its end."""

    ended_s: int


BundleLine = Bundle | BundlePhone | BundleLaunch | BundleEnded
