"""Our scripts about files, run on a phone, for as many files as fit a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.devices.android.adb.errors import lost
from pocketbench.devices.android.shell.quoting import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pocketbench.bench.records.device import CommandResult, LocalFile
    from pocketbench.devices.android.shell.shell import AdbShell

_TIMEOUT_S = 30.0
_ARGUMENTS_BYTES = 150
"""What a file adds to a command line besides its name; a bit more than it does."""


def run_script(
    shell: AdbShell,
    device_id: str,
    script: str,
    arguments: Sequence[str],
    *,
    timeout_s: float = _TIMEOUT_S,
) -> CommandResult:
    """Run a script in one round trip.

    Raises:
        DeviceLostError: The phone went away or did not answer in time.
        Cancelled: The cancel event was set.
    """
    done = shell.run(["sh", "-c", script, "sh", *arguments], timeout_s=timeout_s)
    if done.timed_out:
        raise lost(device_id, f"did not answer within {timeout_s:.0f} s")
    return done


def batches(
    objects: Sequence[LocalFile], room_bytes: int
) -> Iterator[Sequence[LocalFile]]:
    """As many at a time as fit into one command line; on most phones, all.

    Args:
        objects: What a script is given.
        room_bytes: For the arguments.
    """
    batch: list[LocalFile] = []
    used = 0
    for wanted in objects:
        size = _ARGUMENTS_BYTES + len(quote(wanted.name).encode(errors="replace"))
        if batch and used + size > room_bytes:
            yield batch
            batch, used = [], 0
        batch.append(wanted)
        used += size
    if batch:
        yield batch
