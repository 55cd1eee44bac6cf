"""Resolve `--device` selectors to the devices that are attached."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pocketbench.bench import registry
from pocketbench.bench.errors import NoDeviceError, UnknownNameError, UsageError
from pocketbench.bench.records.families import FAMILIES, PHONES, SIMULATED
from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from pocketbench.bench.records.device import DeviceDriver, DeviceInfo

_KEYS = ("model", "name", "soc", "manufacturer")


class Selector(Value, frozen=True, kw_only=True):
    """One parsed selector."""

    text: str
    family: str
    server: str | None = None
    """`HOST:PORT` of a remote adb server: `android@labhost:5037:*`."""
    pattern: str = "*"
    """A serial, profile or udid, possibly with `*`, or `key=value`."""


class SelectedDevice:
    """A device that was selected, with the driver that opens it."""

    def __init__(self, driver: DeviceDriver, info: DeviceInfo) -> None:
        """Keep the two together."""
        self.driver = driver
        self.info = info


def parse_selector(text: str) -> Selector:
    """Read `host`, `android:*`, `android:model=Pixel 8`, `android@lab:5037:SERIAL`.

    Raises:
        UnknownNameError: No such family.
        UsageError: A remote server without its port.
    """
    head, _, pattern = text.partition(":")
    family, at, server = head.partition("@")
    if family not in registry.DEVICES:
        raise UnknownNameError("device", text, [*registry.DEVICES, *_suggestions(text)])
    if at:
        port, _, pattern = pattern.partition(":")
        if not port.isdigit():
            raise UsageError(
                text, "a remote adb server needs its port", "Write android@HOST:PORT:*"
            )
        server = f"{server}:{port}"
    return Selector(
        text=text,
        family=family,
        server=server or None,
        pattern=pattern or "*",
    )


def _suggestions(text: str) -> list[str]:
    """Whole selectors that a bare word may have meant: a profile, or a serial."""
    profiles = registry.load(registry.SIMULATION, "simulation", "list")()
    found = [f"{SIMULATED}:{profile[0]}" for profile in profiles]
    words = text.casefold()
    near = [name for name in found if words in name.casefold()]
    return near or [f"{PHONES}:{text}", *found]


def select(
    selectors: Iterable[str], make_driver: Callable[[Selector], DeviceDriver]
) -> tuple[SelectedDevice, ...]:
    """The devices that any of the selectors names, each once, in that order.

    Raises:
        NoDeviceError: A selector matches nothing; says how to attach one.
        UnknownNameError: A name that is near to an existing one.
        ToolMissingError: The tool of a family (adb) is not there.
    """
    chosen: dict[str, SelectedDevice] = {}
    drivers: dict[tuple[str, str | None], tuple[DeviceDriver, list[DeviceInfo]]] = {}
    for text in selectors:
        selector = parse_selector(text)
        key = (selector.family, selector.server)
        if key not in drivers:
            driver = make_driver(selector)
            drivers[key] = (driver, list(driver.discover()))
        driver, infos = drivers[key]
        matches = [info for info in infos if _matches(selector, info)]
        if not matches:
            raise _nothing(selector, infos)
        for info in matches:
            chosen.setdefault(info.id, SelectedDevice(driver, info))
    return tuple(chosen.values())


def _tail(info: DeviceInfo) -> str:
    head, _, tail = info.id.partition(":")
    return tail.partition(":")[2] if "@" in head else tail


def _matches(selector: Selector, info: DeviceInfo) -> bool:
    key, equals, value = selector.pattern.partition("=")
    if equals and key in _KEYS:
        return str(getattr(info, key) or "").casefold() == value.casefold()
    return selector.text == info.id or fnmatch.fnmatchcase(
        _tail(info), selector.pattern
    )


def _nothing(selector: Selector, infos: list[DeviceInfo]) -> UsageError:
    if not infos or selector.pattern == "*":
        traits = FAMILIES.get(selector.family)
        return NoDeviceError(
            selector.text,
            "no such device is attached",
            (traits.attach_hint if traits else None) or "See `pocketbench devices`",
        )
    return UnknownNameError(
        f"{selector.family} device", selector.pattern, [_tail(info) for info in infos]
    )
