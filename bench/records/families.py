"""The table of device families: what every device of one can do, by its traits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from pocketbench.bench.records.device import DeviceInfo


class Family(Value, frozen=True, kw_only=True):
    """What the core needs to know of a family; a new one has none of the traits."""

    is_this_computer: bool = False
    is_simulator: bool = False
    """Another system's programs run on this computer's processor (iOS Simulator)."""
    starts_on_request: bool = False
    """pocketbench starts its devices; nothing has to be attached."""
    needs_macos: bool = False
    can_pin: bool = False
    """Programs can be pinned to cores of the device."""
    can_cool: bool = False
    """Grows hot, and reports its temperature at any time."""
    can_examine: bool = False
    """Reports its conditions without being changed. An iPhone needs an app of ours."""
    can_watch: bool = False
    """Reports its conditions while a program runs."""
    has_serial_in_id: bool = False
    """The part of its id after the colon names one physical device."""
    attach_hint: str | None = None
    """Next step when there is no device of this family at all."""

    @property
    def is_at_hand(self) -> bool:
        """Whether nothing has to be attached for it."""
        return self.is_this_computer or self.starts_on_request


THIS_COMPUTER = "host"
PHONES = "android"
"""The family that is meant where none is named."""
SIMULATED = "simulated"
FAMILIES: dict[str, Family] = {
    THIS_COMPUTER: Family(is_this_computer=True, can_examine=True, can_watch=True),
    PHONES: Family(
        can_pin=True,
        can_cool=True,
        can_examine=True,
        can_watch=True,
        has_serial_in_id=True,
        attach_hint="Attach a phone with USB debugging on, run "
        "`adb connect HOST:PORT`, or simulate one: --device simulated:pixel-8",
    ),
    SIMULATED: Family(
        starts_on_request=True,
        can_pin=True,
        can_cool=True,
        can_examine=True,
        can_watch=True,
    ),
    "ios": Family(
        needs_macos=True,
        attach_hint="Connect an iPhone by cable, unlock it, tap Trust and turn on "
        "Settings > Privacy & Security > Developer Mode; docs/ios.md has every step",
    ),
    "ios-simulator": Family(
        is_simulator=True,
        needs_macos=True,
        attach_hint="Make a simulator: `xcrun simctl create bench 'iPhone 16'`, or in "
        "Xcode > Settings > Components",
    ),
}


def family_of(info: DeviceInfo) -> Family:
    """The traits of a device's family."""
    return FAMILIES.get(info.family, Family())
