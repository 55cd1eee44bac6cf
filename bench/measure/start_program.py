"""Start a program on a quiesced device, and read the log if it fails."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pocketbench.bench.measure.changed_phones import listed
from pocketbench.bench.records.device import SupportsLog, SupportsQuiesce

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pocketbench.bench.measure.observer import Observer
    from pocketbench.bench.records.device import CommandResult, Device
    from pocketbench.bench.records.plan import Plan
    from pocketbench.bench.records.runner import Command


@contextlib.contextmanager
def quiesced(device: Device, plan: Plan, observer: Observer) -> Iterator[None]:
    """Settings that disturb are changed until the end, where a device has such."""
    if not (plan.quiesce and isinstance(device, SupportsQuiesce)):
        yield
        return
    with listed(device.info.id, device), device.quiesced(plan.screen) as changed:
        if changed:
            text = ", ".join(changed)
            observer.note(device.info.id, f"temporarily changed settings: {text}")
        yield


def start_program(
    device: Device,
    command: Command,
    *,
    cores: Sequence[int],
    timeout_s: float,
    host_cpus: Sequence[int],
    grace_s: float = 0.0,
) -> CommandResult:
    """Run a program to its end; one that fails costs a round trip more, for the log.

    Args:
        device: Where.
        command: The program's.
        cores: The phone's cores to pin it to.
        timeout_s: Deadline for the whole command.
        host_cpus: Leased cores of this computer, for a simulated phone.
        grace_s: How long a stopped program may take to end and report what it has.

    Raises:
        DeviceLostError: The device went away.
        Cancelled: The run was stopped.
    """
    result = device.run(
        command.argv,
        timeout_s=timeout_s,
        env=command.env,
        cores=cores,
        host_cpus=host_cpus,
        log_tag=command.log_tag,
        grace_s=grace_s,
    )
    if result.failed and isinstance(device, SupportsLog):
        return device.with_log(result)
    return result
