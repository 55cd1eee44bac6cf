"""The spin probe: fixed work on one pinned core shows how fast a phone is now."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.runner import SupportsSpin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.records.device import Device
    from pocketbench.bench.records.runner import LaunchRequest, Runner

logger = logging.getLogger(__name__)

_GRACE_S = 20.0


def spin_once(
    device: Device,
    runner: Runner,
    request: LaunchRequest,
    *,
    spin_ms: int,
    cores: Sequence[int] = (),
    host_cpus: Sequence[int] = (),
) -> float | None:
    """Nanoseconds per round of the work; `None` where it cannot be done.

    Args:
        device: The phone.
        runner: Of a program that can spin; another one gives `None`.
        request: Of any launch of that program.
        spin_ms: The least length.
        cores: The phone's cores to pin to.
        host_cpus: Leased cores of this computer, for a simulated phone.

    Raises:
        DeviceLostError: The phone went away.
        Cancelled: The run was stopped.
    """
    if not isinstance(runner, SupportsSpin):
        return None
    command = runner.spin_command(request, spin_ms)
    result = device.run(
        command.argv,
        timeout_s=spin_ms / 1000 + _GRACE_S,
        env=command.env,
        cores=cores,
        host_cpus=host_cpus,
    )
    try:
        return runner.parse_spin(result)
    except LaunchError as error:
        logger.info("%s: no spin probe: %s", device.info.id, error)
        return None
