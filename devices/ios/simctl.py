"""What simctl lists, and what it says when it fails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from pocketbench.bench.errors import DeviceUnavailableError
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.device_lock import serial_hash
from pocketbench.devices.host_info import describe_host

if TYPE_CHECKING:
    from pocketbench.bench.records.device import CommandResult

_RUNTIME = re.compile(r"(?:SimRuntime\.)?iOS[ -](?P<version>\d+(?:[.-]\d+)*)$")
_NOT_BOOTED = re.compile(
    r"device is not booted|current state: (?:Shutdown|Shutting Down|Creating)"
    r"|No devices are booted",
    re.IGNORECASE,
)
_SIGNAL = re.compile(r"terminated with signal (\d+)")


class _Device(msgspec.Struct, rename="camel"):
    udid: str
    name: str
    state: str = "Shutdown"
    is_available: bool = True
    availability_error: str | None = None
    device_type_identifier: str | None = None


class _Named(msgspec.Struct, rename="camel"):
    identifier: str = ""
    name: str = ""
    version: str | None = None
    buildversion: str | None = None


class _Listing(msgspec.Struct, rename="camel"):
    devices: dict[str, tuple[_Device, ...]]
    devicetypes: tuple[_Named, ...] = ()
    runtimes: tuple[_Named, ...] = ()
    pocketbench_stand_in: bool = False


def parse_simulators(text: bytes) -> tuple[tuple[DeviceInfo, str], ...]:
    """Every iOS simulator of `simctl list -j`, with simctl's word for its state.

    Raises:
        DeviceUnavailableError: It is not that listing.
    """
    try:
        listing = msgspec.json.decode(text, type=_Listing)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DeviceUnavailableError(
            "ios-simulator",
            f"`simctl list -j` cannot be read ({error})",
            "Open Xcode once, so that it installs its components",
            FailureReason.OFFLINE,
        ) from error
    types = {item.identifier: item.name for item in listing.devicetypes}
    runtimes = {item.identifier: item for item in listing.runtimes}
    return tuple(
        (
            _describe(
                device,
                _version(runtime_id, runtimes),
                model=types.get(device.device_type_identifier or ""),
                build=runtimes[runtime_id].buildversion
                if runtime_id in runtimes
                else None,
                is_replayed=listing.pocketbench_stand_in,
            ),
            device.state,
        )
        for runtime_id, devices in listing.devices.items()
        for device in devices
        if _RUNTIME.search(runtime_id)
    )


def _version(runtime_id: str, runtimes: dict[str, _Named]) -> str:
    parsed = runtimes.get(runtime_id)
    if parsed is not None and parsed.version:
        return parsed.version
    found = _RUNTIME.search(runtime_id)
    assert found is not None
    return found["version"].replace("-", ".")


def _describe(
    device: _Device, version: str, *, model: str | None, build: str | None, **more: Any
) -> DeviceInfo:
    # Its programs run on the Mac's own cores, through no translation.
    mac = describe_host()
    return DeviceInfo(
        id=f"ios-simulator:{device.udid}",
        family="ios-simulator",
        name=f"{device.name} simulator",
        state="ready" if device.is_available else "unavailable",
        remedy=None
        if device.is_available
        else f"Install iOS {version} in Xcode > Settings > Components"
        + (f" ({device.availability_error})" if device.availability_error else ""),
        serial_hash=serial_hash(device.udid),
        manufacturer="Apple",
        model=model or device.name,
        soc=mac.model,
        abis=mac.abis,
        libc="darwin",
        clusters=mac.clusters,
        core_count=mac.core_count,
        ram_bytes=mac.ram_bytes,
        page_size_bytes=mac.page_size_bytes,
        os_name="iOS",
        os_version=version,
        build_fingerprint=f"simulator {version}" + (f" ({build})" if build else ""),
        shares_host_cpu=True,
        transport="simctl",
        **more,
    )


def says_not_booted(done: CommandResult) -> bool:
    """Whether simctl refused because the simulator does not run."""
    if done.exit_code in (0, None) or done.stdout:
        return False
    return bool(_NOT_BOOTED.search(done.stderr.decode("utf-8", "replace")))


def with_signal(done: CommandResult) -> CommandResult:
    """The result with the signal that simctl gives only in words."""
    found = _SIGNAL.search(done.stderr.decode("utf-8", "replace"))
    if done.exit_code in (0, None) or found is None:
        return done
    return msgspec.structs.replace(done, exit_code=None, signal=int(found[1]))
