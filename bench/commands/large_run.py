"""What makes the reports of a large run quick."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator
from pathlib import Path

from pocketbench.bench import registry
from pocketbench.bench.measure.store import FILE_NAME

_LARGE_BYTES = 20_000_000
"""From here on a second process for the charts saves more than its start takes."""


@contextlib.contextmanager
def reporting_on(folder: Path, *, draws: bool) -> Iterator[None]:
    """Read and report a run: without the garbage collector, with a second process.

    The collector walks a large run again and again. It took a third of the time of a
    report of 1,000 cells and found nothing. What is left afterwards is left to the end
    of the process, which is near.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    with contextlib.ExitStack() as stack:
        if draws and _is_large(folder) and (os.cpu_count() or 1) > 1:
            charts = registry.load(
                registry.REPORT_VIEW, "report view", "second_process"
            )
            stack.enter_context(charts())
        try:
            yield
        finally:
            if was_enabled:
                gc.freeze()
                gc.enable()


def _is_large(folder: Path) -> bool:
    try:
        return (folder / FILE_NAME).stat().st_size >= _LARGE_BYTES
    except OSError:
        return False
