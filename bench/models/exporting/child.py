"""Export in a process of its own, so that torch never stays in the one that measures.

Torch's 400 MB and threads would otherwise lie beside every launch on the host.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from pocketbench.bench.errors import ExportError, UsageError
from pocketbench.bench.models.exporting.export_messages import (
    Done,
    Ended,
    Message,
    Order,
    Progress,
    Refused,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

logger = logging.getLogger(__name__)

_ERRORS = {"ExportError": ExportError, "UsageError": UsageError}
_TAIL_LINES = 3
_CHECK_FAILED = re.compile(
    r"^\[\w+\.cpp:\d+\] (?:Check failed \(.*\)|Internal Error): (\S.*)", re.M
)
"""ExecuTorch raises an error number and prints what was wrong."""


@contextlib.contextmanager
def export_process() -> Iterator[ExportProcess]:
    """Give a process for several exports, which has ended when the context has."""
    with tempfile.TemporaryFile() as stderr:
        process = ExportProcess(stderr)
        try:
            yield process
        finally:
            process.end()


class ExportProcess:
    """The process that exports, started with the first order."""

    def __init__(self, stderr: IO[bytes]) -> None:
        """Start nothing yet; all that is printed goes into a file."""
        self._stderr = stderr
        self._words_seen = 0
        self._running: subprocess.Popen[bytes] | None = None

    def export(self, order: Order, progress: Callable[[str], None]) -> Done:
        """Make one export and wait for it; when that fails here, the process ends.

        Raises:
            ExportError: The model cannot be made into this variant.
            UsageError: The source is not what it was taken for.
        """
        words = ""
        try:
            outcome, code = self._converse(order, progress)
        except BaseException:
            self.end()
            raise
        finally:
            words = self._new_words()
            if words:
                logger.debug("export of %s: %s", order.source.spec, words)
        if isinstance(outcome, Done):
            return outcome
        if isinstance(outcome, Refused):
            fact, next_step = outcome.fact, outcome.next_step
            if failed := _CHECK_FAILED.search(words):
                fact += f"; ExecuTorch says: {failed[1].rstrip(' .')}"
                next_step = (
                    "Take that out of the model, or measure it with --engine lite"
                )
            raise _ERRORS[outcome.error](outcome.subject, fact, next_step)
        end = f"signal {-code}" if code < 0 else f"exit code {code}"
        tail = " | ".join(words.splitlines()[-_TAIL_LINES:])
        raise ExportError(
            f"{order.model} {order.variant}",
            f"the exporting process ended with {end}" + (f": {tail}" if tail else ""),
            "Check that the computer has memory to spare, then try again",
        )

    def _converse(
        self, order: Order, progress: Callable[[str], None]
    ) -> tuple[Done | Refused | None, int]:
        process = self._running or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        outcome: Done | Refused | None = None
        _send(process.stdin, order)
        for line in process.stdout:
            message = msgspec.json.decode(line, type=Message)
            if isinstance(message, Progress):
                progress(message.text)
            elif isinstance(message, Ended):
                return outcome, message.exit_code
            else:
                outcome = message
        # One that takes no second order, or that did not live to say how it ended.
        code = process.wait()
        self._running = None
        _close(process)
        return outcome, code

    def _start(self) -> subprocess.Popen[bytes]:
        self._running = subprocess.Popen(
            # -P: the folder of the program must not be where its imports are found.
            [sys.executable, "-P", str(Path(__file__).parents[1] / "__main__.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,
        )
        return self._running

    def _new_words(self) -> str:
        """What was printed since this was asked last."""
        # Not by reading on: the child writes where the file's one position is.
        file = self._stderr.fileno()
        size = os.fstat(file).st_size
        words = os.pread(file, size - self._words_seen, self._words_seen)
        self._words_seen = size
        return words.decode(errors="replace").strip()

    def end(self) -> None:
        """Kill it and what it started, if it still runs."""
        process, self._running = self._running, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    """Close both pipes of a process that is gone."""
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


def _send(pipe: IO[bytes], order: Order) -> None:
    """Give the order to a child that may have ended already; its exit code shows it."""
    try:
        pipe.write(msgspec.json.encode(order) + b"\n")
        pipe.flush()
    except BrokenPipeError:
        logger.debug("the exporting process left before it read its order")
