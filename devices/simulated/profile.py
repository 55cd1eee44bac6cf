"""What a simulated phone is modelled on: TOML data, typed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Any, Literal

import msgspec

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.devices.simulated.behaviour import Behaviour
from pocketbench.devices.simulated.changes import apply_changes
from pocketbench.devices.simulated.profile_tables import (
    Adb,
    Battery,
    Cluster,
    Cpu,
    Identity,
    Memory,
    Part,
    Rail,
    Storage,
    Thermal,
)

_COMMAND_SINCE = {
    "cmd": 24,
    "timeout": 24,
    "sha224sum": 26,
    "sha256sum": 26,
    "sha384sum": 26,
    "sha512sum": 26,
    "getconf": 28,
    "settaskprofile": 33,
}
"""The API level that first had a command, where some profile is older."""


class Profile(Part, frozen=True, kw_only=True):
    """Everything a simulated phone knows of itself."""

    name: str
    title: str
    """For people: `Pixel 8`."""
    modelled_on: str
    """`Pixel 8 (arm64-v8a, 9 cores)`."""
    identity: Identity
    adb: Adb
    cpu: Cpu
    clusters: tuple[Cluster, ...]
    memory: Memory
    storage: Storage
    battery: Battery
    thermal: Thermal = Thermal()
    meters: tuple[tuple[Rail, ...], ...] = ()
    """Power rails, by chip."""
    fixed_performance: bool = False
    """Its power service knows Android 11's fixed-performance mode."""
    screen_size: str = "1080x2400"
    screen_density: int = 420
    behaviour: Behaviour = msgspec.field(default_factory=Behaviour)
    absent: tuple[str, ...] = ()
    """Commands it lacks besides those that came after its Android."""
    properties: dict[str, str] = msgspec.field(default_factory=dict)
    translated_abi: Literal["arm64-v8a"] | None = None
    """What its programs are compiled for, where that is not this computer's ABI."""

    @property
    def core_count(self) -> int:
        """Of the phone it is modelled on."""
        return sum(len(cluster.cpus) for cluster in self.clusters)

    @property
    def absent_commands(self) -> tuple[str, ...]:
        """Commands that are not found on it."""
        later = (
            name
            for name, api_level in _COMMAND_SINCE.items()
            if self.identity.api_level < api_level
        )
        return (*later, *self.absent)

    def banner(self) -> str:
        """What the daemon says of itself in the handshake."""
        identity = self.identity
        parts = {
            "ro.product.name": identity.product,
            "ro.product.model": identity.model,
            "ro.product.device": identity.device,
        }
        text = "".join(f"{key}={value};" for key, value in parts.items())
        if self.adb.features:
            text += f"features={','.join(self.adb.features)}"
        return f"device::{text}"


def names() -> tuple[str, ...]:
    """Every profile there is."""
    folder = resources.files("pocketbench.devices.simulated") / "profiles"
    files = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name[:-5] for name in files if name.endswith(".toml")))


def load(name: str, changes: Sequence[str] = ()) -> Profile:
    """Read a profile.

    Args:
        name: One of `names`.
        changes: What shall be different; see `apply_changes`.

    Raises:
        UnknownNameError: There is none of that name.
        UsageError: A change makes no sense.
    """
    if name not in names():
        raise UnknownNameError("phone profile", name, names())
    if not changes:
        return msgspec.convert(_tables(name), Profile)
    try:
        return msgspec.convert(apply_changes(_tables(name), changes), Profile)
    except msgspec.ValidationError as error:
        raise UsageError(
            " ".join(f"--set {change}" for change in changes),
            str(error),
            f"See devices/simulated/profiles/{name}.toml for what there is",
        ) from error


def _tables(name: str) -> dict[str, Any]:
    """A profile's tables; with `like = "NAME"`, another's where it has none."""
    file = (
        resources.files("pocketbench.devices.simulated") / "profiles" / f"{name}.toml"
    )
    tables: dict[str, Any] = msgspec.toml.decode(file.read_bytes())
    like = tables.pop("like", None)
    return _tables(like) | tables if like else tables
