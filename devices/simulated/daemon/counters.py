"""What is counted of a simulated phone's traffic."""

import msgspec


class Counters(msgspec.Struct, kw_only=True):
    """What went through the daemon since the counters were last set to zero."""

    streams: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0
    services: list[str] = msgspec.field(default_factory=list)
    """The names of the streams opened, in order; the first thousand."""
    busy_s: float = 0.0
    """While at least one shell command ran."""
