"""Run a tool of this computer (git, a compiler, pip) as everything else is run."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import NamedTuple

from pocketbench.bench.processes.child import run_child

TIMEOUT_S = 900.0
"""Of a tool whose caller knows nothing better: a compiler, a download."""


class ToolResult(NamedTuple):
    """How a tool ended, with what it wrote as text."""

    exit_code: int | None
    """`None`: it was killed, or did not end in time."""
    stdout: str
    stderr: str

    @property
    def succeeded(self) -> bool:
        """Whether it ended of itself with exit code 0."""
        return self.exit_code == 0


def run_to_end(
    *argv: str | os.PathLike[str],
    timeout_s: float = TIMEOUT_S,
    env: Mapping[str, str] | None = None,
    cwd: os.PathLike[str] | None = None,
    stdin: str = "",
) -> ToolResult:
    """Run to the end; whatever it starts ends with it, with Ctrl-C and at the deadline.

    Exit code 127 when there is no such program, 126 when it cannot be executed.
    """
    done = run_child(
        [os.fspath(word) for word in argv],
        timeout_s=timeout_s,
        env=env,
        cwd=cwd,
        stdin=stdin.encode(),
        # Ctrl-C raises in the main thread, where the tools of this computer run.
        cancel=threading.Event(),
        subject=os.fspath(argv[0]),
    )
    stderr = done.stderr.decode(errors="replace")
    if done.timed_out:
        stderr += f"it did not end within {timeout_s:.0f} s\n"
    return ToolResult(done.exit_code, done.stdout.decode(errors="replace"), stderr)
