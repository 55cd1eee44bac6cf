"""What changes on a phone while it runs: heat, clocks, charge, memory, space."""

from __future__ import annotations

import uuid

import msgspec


class State(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Differences from the profile; scripts and tests set them."""

    heat_c: float = 0.0
    """Added to every sensor and zone, as much as each feels of it."""
    thermal_status: int | None = None
    """`None`: the profile's."""
    capped_khz: dict[int, int] = msgspec.field(default_factory=dict)
    """By the first core of a cluster."""
    battery_level: int | None = None
    charging: bool | None = None
    """`None`: the profile's; `False`: unplugged and discharging."""
    available_kb: int | None = None
    free_storage_kb: int | None = None
    screen_on: bool = True
    boot_id: str = msgspec.field(default_factory=lambda: str(uuid.uuid4()))
    """The kernel's; another one after a restart."""
