"""The shell words that put a program on some of a phone's cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.records.device import DeviceInfo

_PROFILES_SINCE = 33
"""`settaskprofile` came with Android 13."""


def pin_to(info: DeviceInfo, cpus: Sequence[int]) -> tuple[str, ...]:
    """The words before a command that put it on these cores; none for no cores.

    The mask is as toybox's and util-linux's taskset take it: hexadecimal, without 0x.
    A shell's programs may be kept from the big cores; since Android 13 the profile
    MaxPerformance puts them into the group of the app in front, which may use all.
    """
    if not cpus:
        return ()
    pinned = ("taskset", f"{sum(1 << cpu for cpu in cpus):x}")
    if (info.api_level or 0) < _PROFILES_SINCE:
        return pinned
    lifted = 'settaskprofile $$ MaxPerformance >/dev/null 2>&1; exec "$@"'
    return ("sh", "-c", lifted, "sh", *pinned)
