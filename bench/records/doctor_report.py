"""What the doctor found: a value, whole enough to be read by a machine."""

from __future__ import annotations

from pocketbench.bench.records.conditions import Conditions, Missing
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.record import Value


class Check(Value, frozen=True, kw_only=True):
    """One thing of this computer that some job needs."""

    name: str
    """`C++ compiler`."""
    needed_for: str
    """`compiling our runners`: what goes without it otherwise."""
    is_there: bool
    fact: str
    """What and where it is, or why it is not there."""
    remedy: str | None = None
    """How to get it, when it is not there."""


class AdbFound(Value, frozen=True, kw_only=True):
    """The adb program and the server it talks to."""

    program_path: str | None = None
    """`None`: there is none."""
    program_version: str | None = None
    """Of the platform-tools: `36.0.0-13206524`."""
    program_protocol: int | None = None
    """41 for `1.0.41`; a server must speak the same."""
    server: str | None = None
    """Where it is looked for: `127.0.0.1:5037`."""
    server_protocol: int | None = None
    """`None`: none was running before the doctor came."""
    problem: str | None = None
    remedy: str | None = None


class RunnerFound(Value, frozen=True, kw_only=True):
    """Whether one engine's program of ours can run on a device."""

    engine: str
    is_usable: bool
    """Built, or compiled by itself on first use."""
    fact: str
    remedy: str | None = None


class Part(Value, frozen=True, kw_only=True):
    """One part of the conditions: whether it can be read without root."""

    name: str
    """As in `Conditions`, dotted: `thermal.status`."""
    title: str
    is_read: bool
    reason: str | None = None
    """Why it is not read, or what of it is not."""


class DeviceFound(Value, frozen=True, kw_only=True):
    """One device as it is now; the doctor changes nothing on it."""

    device: DeviceInfo
    runners: tuple[RunnerFound, ...] = ()
    conditions: Conditions | None = None
    parts: tuple[Part, ...] = ()
    """Of the conditions; empty for a device that was not opened."""
    free_bytes: int | Missing | None = None
    """Room for files; `None`: this device does not report it."""
    trouble: str | None = None
    """Why it could not be looked at although it is ready."""
    remedy: str | None = None
    advice: tuple[str, ...] = ()
    """What is missing or disturbs, and what to do, one sentence each."""

    @property
    def can_be_measured(self) -> bool:
        """Whether a run would find a device that is ready and a program for it."""
        return (
            self.device.state == "ready"
            and self.trouble is None
            and any(runner.is_usable for runner in self.runners)
        )


class DoctorReport(Value, frozen=True, kw_only=True):
    """This computer and everything attached to it."""

    pocketbench_version: str
    host: DeviceFound
    checks: dict[str, tuple[Check, ...]]
    """Of this computer, by what they are for."""
    adb: AdbFound
    devices: tuple[DeviceFound, ...]
    """All but the host."""
    troubles: tuple[str, ...] = ()
    """Families of devices that could not be looked for, a line each."""

    @property
    def can_measure(self) -> bool:
        """Whether anything can be measured."""
        return any(found.can_be_measured for found in (self.host, *self.devices))
