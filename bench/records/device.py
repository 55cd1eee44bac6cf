"""What a device is: described, found and opened, used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from pocketbench.bench.records.record import Count, Value

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pocketbench.bench.records.conditions import Conditions, Missing

DeviceState = Literal[
    "ready",
    "unauthorized",
    "offline",
    "no_permissions",
    "busy",
    "not_paired",
    "developer_mode_off",
    "unavailable",
    "unknown",
]


ScreenWish = Literal["on", "off", "leave"]
"""What a phone's screen shall be while it is measured."""


class Holder(Value, frozen=True, kw_only=True, omit_defaults=True):
    """The process that uses a device."""

    pid: int
    run_id: str | None = None
    """`None`: it uses the device for something else than a run."""
    since: str
    """ISO-8601, UTC."""

    def __str__(self) -> str:
        """In words: `pid 4711, run 20261128-120000-net-1a2b, since ...`."""
        run = f", run {self.run_id}" if self.run_id else ""
        return f"pid {self.pid}{run}, since {self.since}"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants devices, and how long it waits for one that another run holds."""

    run_id: str | None = None
    wait_s: float = 0.0
    say: Callable[[str], None] | None = None
    """Called with one line when a device is waited for."""
    pushes_per_hub: int = 2
    """How many phones on one USB hub are sent files at once."""


class CoreCluster(Value, frozen=True, kw_only=True):
    """Cores of one kind."""

    cpus: tuple[int, ...]
    name: str | None = None
    """Microarchitecture where known: `Cortex-A715`."""
    max_frequency_khz: int | None = None
    capacity: int | None = None
    """How much one of them does, in the kernel's scale: 1024 for the biggest."""


class DeviceInfo(Value, frozen=True, kw_only=True):
    """A device as found; fields that its state does not let us read are `None`."""

    id: str
    """What selects it again: `host`, `android:SERIAL`, `simulated:pixel-8`."""
    family: str
    """`host`, `android`, `simulated`, `ios`, `ios-simulator`."""
    name: str
    """For people: `Pixel 8`, `this computer (AMD EPYC)`."""
    state: DeviceState = "ready"
    remedy: str | None = None
    """What makes it ready, when it is not."""
    serial_hash: str | None = None
    """First 8 hex digits of the sha256 of the physical serial; reports show this."""
    manufacturer: str | None = None
    model: str | None = None
    soc: str | None = None
    abis: tuple[str, ...] = ()
    """Best first, in Android's words: `arm64-v8a`, `x86_64`."""
    libc: str | None = None
    """`bionic`, `glibc`, `darwin`: programs are keyed by ABI and C library."""
    clusters: tuple[CoreCluster, ...] = ()
    core_count: Count | None = None
    ram_bytes: int | None = None
    page_size_bytes: Count | None = None
    os_name: str | None = None
    os_version: str | None = None
    api_level: int | None = None
    build_fingerprint: str | None = None
    is_emulated: bool = False
    is_simulated: bool = False
    is_replayed: bool = False
    """A stand-in for the device's own tools answered: nothing of it is a device's."""
    simulated_of: str | None = None
    """What a simulated phone is modelled on: `Pixel 8 (arm64-v8a, 9 cores)`."""
    is_heatless: bool = False
    """Never grows hot, so cooling it down would be waiting for nothing: a simulated
    phone without a script of heat."""
    shares_host_cpu: bool = False
    """Its launches run on this computer's cores, so they need the CPU lease."""
    transport: str | None = None
    """How it is reached: `usb`, `tcp 127.0.0.1:26001`; `None` for the host."""
    held_by: Holder | None = None
    """The run that uses it, when devices were looked for; `None`: no other does."""


class LocalFile(Value, frozen=True, kw_only=True):
    """A file of this computer that a device needs, addressed by its content."""

    path: str
    name: str
    """File name on the device; any characters but `/` and NUL."""
    sha256: str
    size_bytes: Count
    executable: bool = False


class DeviceFile(Value, frozen=True, kw_only=True):
    """A file that is on the device now."""

    name: str
    sha256: str
    size_bytes: Count
    remote_path: str
    origin: Literal["sent", "present", "preinstalled", "local"]
    """`sent` by this call, already `present` from an earlier one, `preinstalled` by a
    simulated phone's read-only bind, or `local`: the device is this computer."""


class CommandResult(Value, frozen=True, kw_only=True):
    """How one command on a device ended."""

    stdout: bytes
    stderr: bytes
    exit_code: int | None
    """`None` when a signal or our deadline ended it."""
    signal: int | None = None
    timed_out: bool = False
    pid: int | None = None
    """On the device."""
    duration_ns: int = 0
    """Wall time on the host, transport included."""
    log: bytes = b""
    """Lines of the system log, as `logcat -v threadtime` prints them: what it wrote
    there under its command's `log_tag`, or, if it failed, what it says about the
    failure."""

    @property
    def failed(self) -> bool:
        """Whether it ended otherwise than by itself with exit code 0."""
        return self.timed_out or self.signal is not None or self.exit_code != 0


_LAST_SIGNAL = 31


def exit_of_shell(code: int | None) -> tuple[int | None, int | None]:
    """Exit code and signal, one of them `None`: 129 to 159 is how shells report one."""
    if code and 128 < code <= 128 + _LAST_SIGNAL:
        return None, code - 128
    return code, None


class Device(Protocol):
    """An opened device: exclusive until its context ends."""

    @property
    def info(self) -> DeviceInfo:
        """What is known of it, complete."""
        ...

    def push(self, objects: Sequence[LocalFile]) -> tuple[DeviceFile, ...]:
        """Put files on the device that it lacks, verified by sha256; same order.

        Raises:
            PushError: With the device's own reason; a full disk is DISK_FULL.
            DeviceLostError: The device went away.
        """
        ...

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        env: Mapping[str, str] | None = None,
        cores: Sequence[int] = (),
        host_cpus: Sequence[int] = (),
        log_tag: str | None = None,
        grace_s: float = 0.0,
    ) -> CommandResult:
        """Run a command and wait; at the deadline kill it by its pid.

        Args:
            argv: The program's path on the device and its arguments, unquoted.
            timeout_s: Deadline for the whole command.
            env: Added to the environment.
            cores: The device's own cores to pin to, where its family `can_pin`.
            host_cpus: Leased cores of THIS computer to pin to, for a device whose
                `shares_host_cpu` is true; empty: not pinned.
            log_tag: Return what the command wrote to the system log under this tag,
                where the device has such a log.
            grace_s: When cancelled, ask the command to end (SIGTERM), and return what
                it printed if it ends within this time; 0: kill it at once.

        Raises:
            DeviceLostError: The device went away; its partial output is in the text.
            Cancelled: The cancel event given to `open` was set; the command is ended.
        """
        ...

    def conditions(self) -> Conditions | None:
        """Read heat, clocks, battery and the rest: one round trip on a phone.

        What cannot be read has its reason in it; `None`: this device reports none.

        Raises:
            DeviceLostError: The device went away.
            Cancelled: The cancel event given to `open` was set.
        """
        ...


@runtime_checkable
class SupportsQuiesce(Protocol):
    """A device whose settings can be made quiet for measuring (phones)."""

    def quiesced(
        self, screen: ScreenWish = "on"
    ) -> AbstractContextManager[tuple[str, ...]]:
        """Quiet it until the context ends; gives in words what was changed.

        Args:
            screen: What it shall be until then.

        Raises:
            DeviceLostError: The device went away.
            Cancelled: The cancel event was set.
        """
        ...

    def restore(self) -> bool:
        """Put back what a run has changed; return whether everything is."""
        ...

    @property
    def is_restored(self) -> bool:
        """Whether nothing of what this run changed is left to put back."""
        ...


@runtime_checkable
class SupportsLog(Protocol):
    """A device whose system log can be read (Android)."""

    def with_log(self, result: CommandResult) -> CommandResult:
        """Add what the log says about a command that has just failed, where readable.

        Raises:
            Cancelled: The cancel event given to `open` was set.
        """
        ...


@runtime_checkable
class SupportsStorage(Protocol):
    """A device that reports how much room it has for files (phones)."""

    def free_bytes(self) -> int | Missing:
        """Of the place that `push` puts files in.

        Raises:
            DeviceLostError: The device went away.
            Cancelled: The cancel event was set.
        """
        ...

    def lacking(self, objects: Sequence[LocalFile]) -> tuple[LocalFile, ...]:
        """Those of some files that `push` would have to send.

        Raises:
            DeviceError: The device went away, or its own folder cannot be used.
            Cancelled: The cancel event was set.
        """
        ...

    def make_room(self, size_bytes: int, keep: Sequence[LocalFile]) -> int:
        """Remove what was pushed and not used for longest; gives the bytes removed.

        Args:
            size_bytes: To become free, if there is so much to remove.
            keep: Files that are needed now.

        Raises:
            DeviceLostError: The device went away.
            Cancelled: The cancel event was set.
        """
        ...

    def clean(self) -> int:
        """Remove all that was ever pushed; gives the bytes removed.

        Raises:
            DeviceUnavailableError: Settings that a run has changed cannot be put back,
                and their record is kept there too.
            DeviceLostError: The device went away.
            Cancelled: The cancel event was set.
        """
        ...


class DeviceDriver(Protocol):
    """Finds and opens the devices of one family."""

    def discover(self) -> tuple[DeviceInfo, ...]:
        """Every device that can be seen, usable or not; empty when there is none.

        Raises:
            ToolMissingError: The family's tool (adb, xcrun) is not there.
        """
        ...

    def open(
        self, info: DeviceInfo, *, cancel: threading.Event
    ) -> AbstractContextManager[Device]:
        """Take exclusive use of a device until the context ends.

        Raises:
            DeviceUnavailableError: Unauthorized, offline or locked by another run.
        """
        ...


@runtime_checkable
class SupportsClaim(Protocol):
    """A driver whose devices may be in use by another run."""

    claim: Claim
    """For all devices that are opened from now on."""


@runtime_checkable
class SupportsCheck(Protocol):
    """A driver whose devices can only be known to work by opening one."""

    def check(self, info: DeviceInfo) -> None:
        """Open a device and close it again.

        Raises:
            ToolMissingError: What this computer needs for it is not there.
            DeviceError: It does not open.
        """
        ...


@runtime_checkable
class SupportsPreinstall(Protocol):
    """A driver whose devices can hold files from the start (simulated phones)."""

    def preinstall(self, objects: Sequence[LocalFile]) -> None:
        """Bind these read-only into every device that is opened from now on."""
        ...


def describe_local_file(
    path: Path, *, sha256: str, executable: bool = False
) -> LocalFile:
    """Describe a file of this computer whose hash is already known."""
    return LocalFile(
        path=str(path),
        name=path.name,
        sha256=sha256,
        size_bytes=path.stat().st_size,
        executable=executable,
    )
