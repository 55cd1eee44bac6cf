"""Starting a program on a device, and what the device's log tells of how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.device import Logging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.device import CommandResult, Device
    from bench.runner import Command


def start_program(
    device: Device,
    command: Command,
    *,
    prefix: Sequence[str],
    timeout_s: float,
    host_cpus: Sequence[int],
) -> CommandResult:
    """Run a program to its end; one that fails costs a round trip more, for the log.

    Args:
        device: Where.
        command: The program's.
        prefix: What pins it on the phone.
        timeout_s: Deadline for the whole command.
        host_cpus: Leased cores of this computer, for a simulated phone.

    Raises:
        DeviceLostError: The device went away.
        Cancelled: The run was stopped.
    """
    argv = (*prefix, *command.argv)
    if not isinstance(device, Logging):
        return device.run(
            argv, timeout_s=timeout_s, env=command.env, host_cpus=host_cpus
        )
    if command.log_tag is None:
        result = device.run(
            argv, timeout_s=timeout_s, env=command.env, host_cpus=host_cpus
        )
    else:
        result = device.run_logged(
            argv,
            log_tag=command.log_tag,
            timeout_s=timeout_s,
            env=command.env,
            host_cpus=host_cpus,
        )
    return device.with_log(result) if result.failed else result
