"""One process that runs on for minutes, and how its device was meanwhile."""

from __future__ import annotations

from pocketbench.bench.records.conditions import Conditions
from pocketbench.bench.records.launch import Launch
from pocketbench.bench.records.record import Value


class Sustained(Value, frozen=True, kw_only=True):
    """What `run --sustained` asks for: one process per variant and device."""

    duration_s: float
    """Of the main iterations."""
    interval_s: float = 5.0
    """Between two readings of the device's conditions."""


class Reading(Value, frozen=True, kw_only=True):
    """The device's conditions while the program ran on it.

    Read by a second stream beside the program, which therefore shares the device with
    the reading; `took_ns` says for how long.
    """

    at_ns: int
    """When it was asked for: the host's clock, since the program was started. The
    conditions' own `uptime_s` is the device's, as is the program's
    `began_uptime_ns`."""
    took_ns: int
    """Until the answer was there, transport included."""
    conditions: Conditions


class SustainedLaunch(
    Value, frozen=True, kw_only=True, tag_field="record", tag="sustained"
):
    """A launch that went on for a stated time; never a statistical unit.

    It is a record of its own so that nothing takes it for one of the launches that
    verdicts rest on. Its raw samples are in the launch: a latency and a gap each, some
    ten characters of JSON, so that ten minutes at 1 ms are 6 MB, read in 0.1 s.
    """

    launch: Launch
    asked: Sustained
    readings: tuple[Reading, ...]
    """In order of time; empty where the device reports nothing while a program runs."""
    cpus: tuple[int, ...] = ()
    """The device's own cores that it was pinned to; empty: not pinned."""
