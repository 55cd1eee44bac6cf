"""What a phone does wrong, on purpose: scripted by a profile or over the control."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Literal

import msgspec

_PUSHED = "/data/local/tmp"


class CommandRule(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What happens to commands whose text contains something."""

    contains: str
    action: Literal["kill", "hang", "delay", "garbage", "unplug", "reboot", "remember"]
    """`kill`: the innermost program is killed by a signal, as lmkd does; `hang`: no
    answer ever; `delay`: it starts late; `garbage`: `text` instead of the output;
    `unplug`: the connection drops; `reboot`: the phone restarts; `remember`: it runs
    three times, and is then answered as the fastest of them, after as long or after
    `after_s`: many phones on few cores."""
    after_s: float = 0.0
    """From the start of the command; of `delay`, before it."""
    signal: int = 9
    text: str = ""
    times: int | None = None
    """Only so many commands; `None`: all."""


class Heat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a phone warms while it works, and what it does about it.

    Above `throttle_at_c` its clocks are capped and every program on it is paused in a
    duty cycle, until it has cooled to `recover_at_c`.
    """

    warming_c_per_s: float = 2.0
    """Of processor time of the commands that warm it."""
    cooling_c_per_s: float = 1.0
    """Of time in which none of them runs."""
    warmed_by: str = "/objects/"
    """What commands that warm it hold in their words: measuring programs, and not the
    looks at its conditions."""
    throttle_at_c: float = 12.0
    """Of heat gained; what a sensor shows of it is the profile's affair."""
    recover_at_c: float = 4.0
    hottest_c: float = 20.0
    """It gains no more than this."""
    slowdown: float = 2.0
    """Programs take so many times as long, and clocks are capped to that part."""
    iteration_ms: float
    """How long one inference of what will be measured takes on the cool phone."""
    period_ms: float
    """Of the duty cycle: at most a third of an iteration. A longer one lets whole
    iterations pass between two pauses, and their median does not see it."""
    reports_status: bool = True
    """Whether the thermal service raises its status; some phones only cap clocks."""
    caps_clocks: bool = True

    def __post_init__(self) -> None:
        """See that the duty cycle is fine enough.

        Raises:
            ValueError: Some medians would not see it.
        """
        if not 0 < self.period_ms * 3 <= self.iteration_ms:
            raise ValueError(
                f"a duty cycle of {self.period_ms} ms is too coarse for iterations of "
                f"{self.iteration_ms} ms: at most a third of one"
            )
        if self.slowdown <= 1:
            raise ValueError(f"a slowdown of {self.slowdown} is none")

    @property
    def paused_s(self) -> float:
        """The part of each period in which programs stand still."""
        return self.period_ms / 1000 - self.running_s

    @property
    def running_s(self) -> float:
        """The part of each period in which programs run."""
        return self.period_ms / 1000 / self.slowdown


class Behaviour(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The script of one phone; can be changed while it runs."""

    handshake: Literal["accept", "unauthorized", "silent"] = "accept"
    disk_free_bytes: int | None = None
    """Pushes fail with `No space left on device` after so many bytes."""
    storage_bytes: int | None = None
    """Pushes fail where /data/local/tmp would hold more; removing makes room again."""
    link_bytes_per_s: float | None = None
    """How fast the cable carries what the host sends; `None`: as this computer can."""
    unplug_after_sent_bytes: int | None = None
    """The connection drops in the middle of a stream, so many bytes from now."""
    replug_s: float | None = None
    """When it is plugged in again after it was unplugged by its script; `None`: not."""
    reboot_s: float = 2.0
    """How long the phone is away when it reboots."""
    rules: tuple[CommandRule, ...] = ()
    heat: Heat | None = None
    """`None`: it never grows hot by itself."""

    def take_space(self, count: int) -> None:
        """Use up space.

        Raises:
            OSError: ENOSPC, once the scripted space is gone.
        """
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if (
            self.storage_bytes is not None
            and _held_bytes() + count > self.storage_bytes
        ):
            raise full
        if self.disk_free_bytes is None:
            return
        if count > self.disk_free_bytes:
            self.disk_free_bytes = 0
            raise full
        self.disk_free_bytes -= count

    def rule_for(self, command: str) -> CommandRule | None:
        """Take the first rule that applies to a command, and count it."""
        for index, rule in enumerate(self.rules):
            if rule.contains not in command or rule.times == 0:
                continue
            if rule.times is not None:
                used = msgspec.structs.replace(rule, times=rule.times - 1)
                self.rules = (*self.rules[:index], used, *self.rules[index + 1 :])
            return rule
        return None


def _held_bytes() -> int:
    """Of all files in the folder for pushed ones, as this process sees it."""
    return sum(
        (Path(folder) / name).lstat().st_size
        for folder, _, names in os.walk(_PUSHED)
        for name in names
    )
