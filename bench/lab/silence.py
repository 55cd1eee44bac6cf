"""How long a scheduler may be silent before it counts as gone.

TCP notices a cut by itself. A computer that hangs still acknowledges what comes to it,
so clients of a scheduler ask it for an answer.
"""

from __future__ import annotations

import dask
from dask.utils import parse_timedelta


def silence_limit_s() -> float:
    """As long as Dask has TCP wait: `distributed.comm.timeouts.tcp`."""
    limit: float = parse_timedelta(dask.config.get("distributed.comm.timeouts.tcp"))
    return limit
