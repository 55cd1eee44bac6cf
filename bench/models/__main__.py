"""The exporting process: one order in, one artifact out.

Started by `pocketbench.bench.models.exporting.child`; not meant to be started by hand.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import IO


def main() -> None:
    """Read an order, carry it out, and say what came of it."""
    started_ns = time.time_ns()
    # The process that ordered this decides when it ends, by closing our input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = sys.stdin.buffer.readline()
    replies = _keep_to_ourselves()
    # Ours first: a `pocketbench.py` of the user's must not hide it.
    sys.path.insert(0, str(Path(__file__).parents[3]))
    import pocketbench  # noqa: F401

    sys.path[:] = json.loads(order)["sys_path"]

    from pocketbench.bench.models.exporting.work import carry_out

    carry_out(order, replies, started_ns=started_ns)


def _keep_to_ourselves() -> IO[bytes]:
    """Take standard input and output away from the user's code.

    What a factory prints goes to standard error, and it has nothing to read.
    """
    orders = os.dup(0)
    replies = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    threading.Thread(target=_end_with_input, args=(orders,), daemon=True).start()
    return os.fdopen(replies, "wb")


def _end_with_input(orders: int) -> None:
    """End when nobody waits any more, even when the waiting process was killed."""
    while os.read(orders, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
