"""Run one program of this computer to its end, its deadline or a cancel."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from pocketbench.bench.errors import Cancelled
from pocketbench.bench.processes.bounded_output import BoundedOutput
from pocketbench.bench.records.device import CommandResult

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

_POLL_S = 0.05
"""How often the cancel event is looked at; output and exit wake us at once."""
_GRACE_S = 5.0
"""How long a killed group may take to close its pipes."""
_LAST_WORDS_S = 0.5
"""How long what a program left running may go on writing before it is ended."""
_CHUNK_BYTES = 1 << 18


def run_child(
    argv: Sequence[str],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None,
    cancel: threading.Event,
    subject: str,
    grace_s: float = 0.0,
    cwd: os.PathLike[str] | None = None,
    stdin: bytes = b"",
) -> CommandResult:
    """Run a program in a process group of its own and collect both its outputs.

    When cancelled it is asked to end first, and has `grace_s` for that.

    A program that cannot be started ends as a shell would report it: exit code 127
    when it is not there, 126 when it cannot be executed.

    Raises:
        Cancelled: The event was set; the whole group is dead.
    """
    began_ns = time.perf_counter_ns()
    try:
        with tempfile.TemporaryFile() if stdin else nullcontext() as given:
            if given is not None:
                given.write(stdin)
                given.seek(0)
            child = subprocess.Popen(
                list(argv),
                stdin=given or subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                process_group=0,
            )
    except OSError as error:
        return CommandResult(
            stdout=b"",
            stderr=f"{argv[0]}: {error.strerror}\n".encode(),
            exit_code=127 if isinstance(error, FileNotFoundError) else 126,
            duration_ns=time.perf_counter_ns() - began_ns,
        )
    reader = _Reader(child)
    try:
        timed_out = _watch(child, reader, timeout_s, cancel, subject, grace_s)
        if not timed_out:
            # What looked on while it ran, as a memory sampler does, reports now.
            reader.drain(time.monotonic() + _LAST_WORDS_S)
    finally:
        _end_group(child)
        reader.drain(time.monotonic() + _GRACE_S)
        reader.close()
    code = child.returncode
    ended = code is not None and not timed_out
    return CommandResult(
        stdout=bytes(reader.stdout),
        stderr=bytes(reader.stderr) + reader.stdout.note + reader.stderr.note,
        exit_code=code if ended and code >= 0 else None,
        signal=-code if ended and code < 0 else None,
        timed_out=timed_out,
        pid=child.pid,
        duration_ns=time.perf_counter_ns() - began_ns,
    )


def _watch(
    child: subprocess.Popen[bytes],
    reader: _Reader,
    timeout_s: float,
    cancel: threading.Event,
    subject: str,
    grace_s: float,
) -> bool:
    """Read until the program ends; return whether its deadline came first."""
    deadline = time.monotonic() + timeout_s
    is_ending = False
    while child.poll() is None:
        now = time.monotonic()
        if cancel.is_set() and not is_ending and grace_s > 0:
            # Asked once; whatever it does, its time is short now.
            child.terminate()
            deadline = min(deadline, now + grace_s)
            is_ending = True
        elif cancel.is_set() and (not is_ending or now >= deadline):
            raise Cancelled(subject, "stopped", "Its program was ended")
        elif now >= deadline:
            return True
        reader.read(min(_POLL_S, max(0.0, deadline - now)))
    return False


class _Reader:
    """Reads both outputs as they come."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self.stdout, self.stderr = BoundedOutput(), BoundedOutput()
        self._selector = selectors.DefaultSelector()
        for pipe, output in ((child.stdout, self.stdout), (child.stderr, self.stderr)):
            assert pipe is not None
            self._selector.register(pipe, selectors.EVENT_READ, output)
        self._pipes = (child.stdout, child.stderr)
        self._child = child

    def read(self, timeout_s: float) -> None:
        """Take what comes within this time; an exit wakes us soon, output at once."""
        if not self._selector.get_map():
            # It has closed its outputs and goes on.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(timeout=timeout_s)
            return
        for key, _ in self._selector.select(timeout_s):
            data = os.read(key.fd, _CHUNK_BYTES)
            if data:
                key.data.add(data)
            else:
                self._selector.unregister(key.fileobj)

    def drain(self, deadline: float) -> None:
        """Take what is left of a program that has ended."""
        while self._selector.get_map() and (left_s := deadline - time.monotonic()) > 0:
            self.read(min(_POLL_S, left_s))

    def close(self) -> None:
        """Close both pipes, also where a process outside the group holds them."""
        self._selector.close()
        for pipe in self._pipes:
            if pipe is not None:
                pipe.close()


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """Kill the program and whatever it started, if anything of it is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
