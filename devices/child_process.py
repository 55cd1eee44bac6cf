"""Run one program of this computer to its end, its deadline or a cancel."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from pocketbench.bench.errors import Cancelled
from pocketbench.bench.records.device import CommandResult

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

_POLL_S = 0.05
"""How often the cancel event is looked at; output and exit wake us at once."""
_GRACE_S = 5.0
"""How long a killed group may take to close its pipes."""


def run_child(
    argv: Sequence[str],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None,
    cancel: threading.Event,
    subject: str,
    grace_s: float = 0.0,
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
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            process_group=0,
        )
    except OSError as error:
        return CommandResult(
            stdout=b"",
            stderr=f"{argv[0]}: {error.strerror}\n".encode(),
            exit_code=127 if isinstance(error, FileNotFoundError) else 126,
            duration_ns=time.perf_counter_ns() - began_ns,
        )
    deadline = time.monotonic() + timeout_s
    is_ending = False
    try:
        while True:
            remaining_s = deadline - time.monotonic()
            try:
                stdout, stderr = child.communicate(
                    timeout=max(0.0, min(_POLL_S, remaining_s))
                )
            except subprocess.TimeoutExpired:
                if cancel.is_set() and grace_s > 0:
                    # Asked once; whatever it does, its time is short now.
                    child.terminate()
                    deadline = min(deadline, time.monotonic() + grace_s)
                    grace_s, is_ending = 0.0, True
                    continue
                if cancel.is_set() and (remaining_s <= _POLL_S or not is_ending):
                    raise Cancelled(
                        subject, "stopped", "Its program was ended"
                    ) from None
                if remaining_s > _POLL_S:
                    continue
                stdout, stderr = _kill(child)
                timed_out = True
            else:
                timed_out = False
            break
    finally:
        if child.returncode is None:
            _kill(child)
    code = child.returncode
    ended = code is not None and not timed_out
    return CommandResult(
        stdout=stdout,
        stderr=stderr,
        exit_code=code if ended and code >= 0 else None,
        signal=-code if ended and code < 0 else None,
        timed_out=timed_out,
        pid=child.pid,
        duration_ns=time.perf_counter_ns() - began_ns,
    )


def _kill(child: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Kill the whole group and return what it had printed."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    try:
        return child.communicate(timeout=_GRACE_S)
    except subprocess.TimeoutExpired as left:
        # A process that left the group holds the pipes; ours is dead all the same.
        child.wait()
        return left.stdout or b"", left.stderr or b""
    finally:
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
