"""Which of a phone's cores a program runs on, by the name of a cluster or a list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.bench.errors import UsageError
from pocketbench.bench.records.families import family_of

if TYPE_CHECKING:
    from pocketbench.bench.records.device import DeviceInfo

NAMES = ("big", "mid", "little", "all")
_LIST = re.compile(r"[0-9]{1,3}(-[0-9]{1,3})?(,[0-9]{1,3}(-[0-9]{1,3})?)*")


def check_cores(text: str) -> str:
    """See that it is a cluster's name or a list such as `4-7` or `0,2`.

    Raises:
        UsageError: It is neither.
    """
    if text in NAMES or (_LIST.fullmatch(text) and _listed(text)):
        return text
    raise UsageError(
        f"--cores {text}",
        "is neither big, mid, little, all nor a list",
        "Such as --cores big, or --cores 4-7",
    )


def cores_of(info: DeviceInfo, asked: str | None) -> tuple[int, ...]:
    """The phone's cores that were asked for; empty: not known, or it does not matter.

    Clusters are distinguished by their capacity where the kernel reports it of all,
    else by their highest clock, which some chips have in common to big and little
    cores: the lowest is little, the highest big, all between are mid. A phone with one
    kind of core has only `all`.
    """
    if asked is None or not family_of(info).can_pin:
        return ()
    present = {cpu for cluster in info.clusters for cpu in cluster.cpus}
    if asked not in NAMES:
        return tuple(cpu for cpu in _listed(asked) if not present or cpu in present)
    if asked == "all":
        return tuple(sorted(present))
    sizes = [cluster.capacity for cluster in info.clusters]
    if None in sizes:
        sizes = [cluster.max_frequency_khz for cluster in info.clusters]
    ordered = sorted({size for size in sizes if size is not None})
    if len(ordered) < 2:
        return ()
    chosen = {"big": ordered[-1:], "little": ordered[:1], "mid": ordered[1:-1]}[asked]
    return tuple(
        sorted(
            cpu
            for cluster, size in zip(info.clusters, sizes, strict=True)
            if size in chosen
            for cpu in cluster.cpus
        )
    )


def biggest_core(info: DeviceInfo) -> tuple[int, ...]:
    """One core of the fastest cluster; empty: not known."""
    return cores_of(info, "big")[-1:]


def _listed(text: str) -> tuple[int, ...]:
    cpus: set[int] = set()
    for item in text.split(","):
        first, _, last = item.partition("-")
        cpus.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(cpus))
