"""Ask a device's program once what it can load, and cache the answer by content."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pocketbench.bench.errors import LaunchError
from pocketbench.bench.paths import cache_dir, replace_file
from pocketbench.bench.records.conditions import Missing
from pocketbench.bench.records.device import DeviceFile
from pocketbench.bench.records.runner import Capabilities, SupportsCapabilities

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pocketbench.bench.measure.runner_binding import RunnerBinding
    from pocketbench.bench.records.device import Device, LocalFile
    from pocketbench.bench.records.runner import Program

    Push = Callable[[Sequence[LocalFile]], Sequence[DeviceFile]]

logger = logging.getLogger(__name__)

TIMEOUT_S = 120.0
"""A big runtime in a translated phone takes its time to start."""
_FORM = b"1"
"""Another form of `Capabilities` has other files."""


def capabilities_of(
    binding: RunnerBinding,
    device: Device,
    push: Push | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
) -> Capabilities | Missing:
    """Ask a program what it can load, on its device and nowhere else.

    The program, which every launch needs, is pushed for it; models are not.

    Args:
        binding: The program and what drives it.
        device: Where it is to run.
        push: Instead of the device's own, for who keeps account.
        timeout_s: For its answer.

    Raises:
        DeviceError: The device went away, or did not take the program.
        Cancelled: The run was stopped.
    """
    runner, program, _ = binding
    if not isinstance(runner, SupportsCapabilities):
        return Missing(reason=f"{runner.name} cannot be asked what it loads")
    place = _place(program)
    known = _read(place)
    if known is not None:
        return known
    try:
        executable, *libraries = (push or device.push)(program.objects)
        command = runner.capabilities_command(executable, libraries)
        result = device.run(
            command.argv, timeout_s=min(timeout_s, TIMEOUT_S), env=command.env
        )
        parsed = runner.parse_capabilities(result)
    except LaunchError as error:
        return Missing(reason=f"{runner.name} does not report what it loads: {error}")
    _write(place, parsed)
    return parsed


def program_digest(program: Program) -> str:
    """Of the content of all that makes up a program."""
    digest = hashlib.sha256(_FORM)
    for item in program.objects:
        digest.update(item.sha256.encode())
    return digest.hexdigest()


def _place(program: Program) -> Path:
    return cache_dir() / "capabilities" / f"{program_digest(program)}.json"


def _read(place: Path) -> Capabilities | None:
    try:
        return msgspec.json.decode(place.read_bytes(), type=Capabilities)
    except (OSError, msgspec.MsgspecError):
        return None


def _write(place: Path, parsed: Capabilities) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    replace_file(place, msgspec.json.encode(parsed))
