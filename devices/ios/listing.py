"""Phones as devicectl and pymobiledevice3 list them, in every layout there is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.device_lock import serial_hash
from pocketbench.devices.ios.tools import STAND_IN_MARK

if TYPE_CHECKING:
    from pocketbench.bench.records.device import DeviceState

_PLATFORMS = ("iOS", "iPadOS")
_KINDS = ("iPhone", "iPad", "iPod")
_TRANSPORTS = {"wired": "usb", "localNetwork": "wifi"}
_UNREACHABLE = "Connect it by cable, or bring it into this Mac's network, and unlock it"


def parse_devicectl(result: dict[str, Any]) -> tuple[DeviceInfo, ...]:
    """The phones in the result of `devicectl list devices`.

    Versions 2 to 4 of its JSON hold `hardwareProperties`, `deviceProperties` and
    `connectionProperties`; version 5 has them as `properties` and keeps the old
    ones for a while, or not at all with `--omit-deprecated-fields-in-json`. Since
    then it lists simulators too, which are another family here.
    """
    devices = result.get("devices")
    entries = devices if isinstance(devices, list) else []
    return tuple(
        _describe(entry)
        for entry in entries
        if isinstance(entry, dict) and _is_phone(entry)
    )


def parse_usbmux(text: str) -> tuple[DeviceInfo, ...]:
    """The phones of `pymobiledevice3 usbmux list`, each once, by cable if it can.

    Raises:
        ValueError: It is not that listing.
    """
    entries = json.loads(text)
    if not isinstance(entries, list):
        raise ValueError("not a list")
    found: dict[str, DeviceInfo] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        parsed = {key: entry[key] for key in entry if isinstance(entry[key], str)}
        udid = parsed.get("UniqueDeviceID") or parsed.get("Identifier")
        if not udid or parsed.get("DeviceClass", "iPhone") not in _KINDS:
            continue
        is_cable = parsed.get("ConnectionType") == "USB"
        if udid not in found or is_cable:
            found[udid] = _info(
                udid,
                name=parsed.get("DeviceName"),
                model=parsed.get("ProductType"),
                version=parsed.get("ProductVersion"),
                build=parsed.get("BuildVersion"),
                transport="usb" if is_cable else "wifi",
                is_replayed=entry.get(STAND_IN_MARK) is True,
            )
    return tuple(found.values())


def _get(entry: dict[str, Any], *paths: str) -> Any:
    """The first of several dotted paths that leads to something."""
    for path in paths:
        here: Any = entry
        for name in path.split("."):
            here = here.get(name) if isinstance(here, dict) else None
        if here is not None:
            return here
    return None


def _text(entry: dict[str, Any], *paths: str) -> str | None:
    found = _get(entry, *paths)
    return found if isinstance(found, str) and found else None


def _is_phone(entry: dict[str, Any]) -> bool:
    reality = _text(entry, "properties.hardware.reality", "hardwareProperties.reality")
    if reality not in (None, "physical"):
        return False
    platform = _text(
        entry, "properties.hardware.platform", "hardwareProperties.platform"
    )
    kind = _text(
        entry, "properties.hardware.deviceType", "hardwareProperties.deviceType"
    )
    if platform is None and kind is None:
        # One that is not paired says nothing about itself; it may well be a phone.
        return _text(entry, "identifier") is not None
    return platform in _PLATFORMS or kind in _KINDS


def _describe(entry: dict[str, Any]) -> DeviceInfo:
    udid = _text(entry, "properties.hardware.udid", "hardwareProperties.udid")
    state, remedy = _state(entry)
    product = _text(
        entry, "properties.hardware.productType", "hardwareProperties.productType"
    )
    transport = _text(
        entry,
        "properties.connection.transportType",
        "connectionProperties.transportType",
    )
    return _info(
        udid or _text(entry, "identifier") or "",
        name=_text(entry, "properties.state.name", "deviceProperties.name"),
        model=_text(
            entry,
            "properties.hardware.marketingName",
            "hardwareProperties.marketingName",
        )
        or product,
        version=_text(
            entry,
            "properties.software.osVersionNumber.stringValue",
            "properties.software.osVersionNumber",
            "deviceProperties.osVersionNumber",
        ),
        build=_text(
            entry,
            "properties.software.osBuildVersions.buildVersion.name",
            "deviceProperties.osBuildUpdate",
        ),
        product=product,
        transport=_TRANSPORTS.get(transport or "", transport),
        state=state,
        remedy=remedy,
        is_replayed=entry.get(STAND_IN_MARK) is True,
    )


def _state(entry: dict[str, Any]) -> tuple[DeviceState, str | None]:
    pairing = _text(
        entry,
        "properties.connection.pairingState",
        "connectionProperties.pairingState",
    )
    if pairing not in (None, "paired"):
        return "not_paired", FailureReason.NOT_PAIRED.remedy
    reach = _text(
        entry, "properties.connection.state", "connectionProperties.tunnelState"
    )
    if reach == "unavailable":
        return "offline", _UNREACHABLE
    mode = _get(
        entry,
        "properties.state.developerModeStatus",
        "properties.software.developerModeStatus",
        "deviceProperties.developerModeStatus",
    )
    # A word before version 5, since then an object whose only key is the word.
    words = mode.keys() if isinstance(mode, dict) else {mode}
    if "disabled" in words:
        return "developer_mode_off", FailureReason.DEVELOPER_MODE_OFF.remedy
    return "ready", None


def _info(
    udid: str,
    *,
    name: str | None,
    model: str | None,
    version: str | None,
    build: str | None,
    transport: str | None,
    product: str | None = None,
    **more: Any,
) -> DeviceInfo:
    parsed = (product or model, version, f"({build})" if build else None)
    return DeviceInfo(
        id=f"ios:{udid}",
        family="ios",
        # The owner's name for it stays out of reports: it is mostly a person's.
        name=model or name or "unknown Apple device",
        serial_hash=serial_hash(udid),
        manufacturer="Apple",
        model=model,
        # Every iPhone that iOS 12 or newer runs on.
        abis=("arm64-v8a",),
        libc="darwin",
        os_name="iOS",
        os_version=version,
        build_fingerprint=" ".join(word for word in parsed if word) or None,
        transport=transport,
        **more,
    )
