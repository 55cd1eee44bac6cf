"""Export in a process of its own, so that torch never stays in the one that measures.

Torch's 400 MB and threads would otherwise lie beside every launch on the host.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from pocketbench.bench.errors import ExportError, UsageError
from pocketbench.bench.models.exporting.export_messages import (
    Done,
    Message,
    Order,
    Progress,
    Refused,
)

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

_ERRORS = {"ExportError": ExportError, "UsageError": UsageError}
_TAIL_LINES = 3


def export_in_child(order: Order, progress: Callable[[str], None]) -> Done:
    """Make one export and wait for it; whatever happens here, the child ends.

    Raises:
        ExportError: The model cannot be made into this variant.
        UsageError: The source is not what it was taken for.
    """
    with tempfile.TemporaryFile() as stderr:
        try:
            outcome, code = _converse(order, stderr, progress)
        finally:
            stderr.seek(0)
            words = stderr.read().decode(errors="replace").strip()
            if words:
                logger.debug("export of %s: %s", order.source.spec, words)
    if isinstance(outcome, Done):
        return outcome
    if isinstance(outcome, Refused):
        raise _ERRORS[outcome.error](outcome.subject, outcome.fact, outcome.next_step)
    end = f"signal {-code}" if code < 0 else f"exit code {code}"
    tail = " | ".join(words.splitlines()[-_TAIL_LINES:])
    raise ExportError(
        f"{order.model} {order.variant}",
        f"the exporting process ended with {end}" + (f": {tail}" if tail else ""),
        "Check that the computer has memory to spare, then try again",
    )


def _converse(
    order: Order, stderr: IO[bytes], progress: Callable[[str], None]
) -> tuple[Done | Refused | None, int]:
    process = subprocess.Popen(
        # -P: the folder of the program must not be where its imports are found.
        [sys.executable, "-P", str(Path(__file__).parents[1] / "__main__.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        cwd=order.folder,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    outcome: Done | Refused | None = None
    try:
        _send(process.stdin, order)
        for line in process.stdout:
            message = msgspec.json.decode(line, type=Message)
            if isinstance(message, Progress):
                progress(message.text)
            else:
                outcome = message
        return outcome, process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()
        _close(process.stdin)


def _send(pipe: IO[bytes], order: Order) -> None:
    """Give the order to a child that may have ended already; its exit code tells."""
    try:
        pipe.write(msgspec.json.encode(order) + b"\n")
        pipe.flush()
    except BrokenPipeError:
        logger.debug("the exporting process left before it read its order")


def _close(pipe: IO[bytes]) -> None:
    """Close a pipe whose reader may be gone."""
    with contextlib.suppress(BrokenPipeError):
        pipe.close()
