"""Marks of simulated, emulated and replayed devices, shown wherever one is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.families import family_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pocketbench.bench.records.device import DeviceInfo

DEVICE_CAVEATS: dict[Caveat, Callable[[DeviceInfo], bool]] = {
    Caveat.SIMULATED: lambda info: info.is_simulated,
    Caveat.EMULATED: lambda info: info.is_emulated,
    Caveat.SIMULATOR: lambda info: family_of(info).is_simulator,
    Caveat.REPLAYED: lambda info: info.is_replayed,
}
"""The caveats that are the device's own, whatever was measured on it."""


def device_caveats(info: DeviceInfo) -> tuple[Caveat, ...]:
    """Those that hold for a device."""
    return tuple(caveat for caveat, holds in DEVICE_CAVEATS.items() if holds(info))


def device_tag(info: DeviceInfo) -> str | None:
    """What must stand beside a device's name: `SIMULATOR, REPLAYED`."""
    return ", ".join(caveat.value.upper() for caveat in device_caveats(info)) or None


def tagged_name(info: DeviceInfo) -> str:
    """The device's name with its marks: `Pixel 8 [simulated]`."""
    marks = "".join(f" [{caveat.value}]" for caveat in device_caveats(info))
    return info.name + marks


def interchangeable(info: DeviceInfo) -> tuple[object, ...]:
    """What devices have in common that may measure for each other (`--spread`)."""
    kind = (info.family, info.manufacturer, info.model, info.soc, info.is_simulated)
    return kind if info.model else (info.id,)
