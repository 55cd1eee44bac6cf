"""What a phone does wrong, on purpose: scripted by a profile or over the control."""

from __future__ import annotations

import errno
import os
from typing import Literal

import msgspec


class CommandRule(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What happens to commands whose text contains something."""

    contains: str
    action: Literal["kill", "hang", "garbage", "unplug", "reboot"]
    """`kill`: the innermost program is killed by a signal, as lmkd does; `hang`: no
    answer ever; `garbage`: `text` instead of the output; `unplug`: the connection
    drops; `reboot`: the phone restarts."""
    after_s: float = 0.0
    """From the start of the command."""
    signal: int = 9
    text: str = ""
    times: int | None = None
    """Only so many commands; `None`: all."""


class Behaviour(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The script of one phone; can be changed while it runs."""

    handshake: Literal["accept", "unauthorized", "silent"] = "accept"
    disk_free_bytes: int | None = None
    """Pushes fail with `No space left on device` after so many bytes."""
    unplug_after_sent_bytes: int | None = None
    """The connection drops in the middle of a stream, so many bytes from now."""
    reboot_s: float = 2.0
    """How long the phone is away when it reboots."""
    rules: tuple[CommandRule, ...] = ()

    def take_space(self, count: int) -> None:
        """Use up space.

        Raises:
            OSError: ENOSPC, once the scripted space is gone.
        """
        if self.disk_free_bytes is None:
            return
        if count > self.disk_free_bytes:
            self.disk_free_bytes = 0
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
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
