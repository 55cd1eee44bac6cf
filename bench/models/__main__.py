"""The exporting process: one order per line in, one artifact for each out.

Started by `pocketbench.bench.models.exporting.child`; not meant to be started by hand.
On Linux each order is carried out by a fork of a process that has imported torch, so
that several take its two seconds once and one that crashes leaves the others alone.
Elsewhere, where torch does not outlive a fork, the process ends after the first.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import IO


def main() -> None:
    """Read orders, carry them out, and say what came of each."""
    # The process that ordered this decides when it ends, by closing our input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    started_ns = time.time_ns()
    orders, replies = _keep_to_ourselves()
    order = orders.readline()
    if not order:
        return
    # Ours first: a `pocketbench.py` of the user's must not hide it.
    sys.path.insert(0, str(Path(__file__).parents[3]))
    import pocketbench  # noqa: F401

    sys.path[:] = json.loads(order)["sys_path"]

    from pocketbench.bench.models import work

    if sys.platform != "linux":
        _end_with(orders)
        work.carry_out(order, replies, started_ns=started_ns)
        return
    gc.freeze()
    while order:
        process = os.fork()
        if process == 0:
            _end_with(orders)
            work.carry_out(order, replies, started_ns=time.time_ns())
            sys.stderr.flush()
            os._exit(0)
        _, status = os.waitpid(process, 0)
        work.say_ended(os.waitstatus_to_exitcode(status), replies)
        order = orders.readline()


def _keep_to_ourselves() -> tuple[IO[bytes], IO[bytes]]:
    """Take standard input and output away from the user's code.

    What a factory prints goes to standard error, and it has nothing to read.
    """
    orders = os.dup(0)
    replies = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(orders, "rb"), os.fdopen(replies, "wb")


def _end_with(orders: IO[bytes]) -> None:
    """End when nobody waits any more, even when the waiting process was killed."""

    def wait() -> None:
        while os.read(orders.fileno(), 4096):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main()
