"""One process start on a device and what it measured, or why it did not."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import msgspec

from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.conditions import Conditions
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.generation import GeneratedTokens
from pocketbench.bench.records.record import Count, Value

Heap = Literal["steady", "system"]
"""Where a program's memory lies: as the system's C library puts it, or so that no build
is favoured by that, see android_runner/native/lite_heap.h."""


class Memory(Value, frozen=True, kw_only=True):
    """Memory of the measuring process, from /proc/PID/status and smaps_rollup.

    On Apple's systems it is phys_footprint, which counts compressed pages and not the
    clean ones of a mapped file: compare it with other Apple devices only.
    """

    rss_before_load_bytes: int | None = None
    """With the runtime loaded and no model."""
    rss_after_load_bytes: int | None = None
    peak_rss_bytes: int | None = None
    """VmHWM at the end."""
    swap_bytes: int | None = None
    """VmSwap at the end; compressed memory hides there."""
    rss_end_bytes: int | None = None
    """VmRSS at the end."""
    pss_bytes: int | None = None
    """At the end, pages shared with other processes counted by their share."""
    read_by: Literal["itself", "sampler"] | None = None
    """`sampler`: looked at from outside while it ran, for it reports none; peaks
    between two looks are in VmHWM, swap between them was not seen."""
    sampling_interval_s: float | None = None
    sampling_cost_ns: int | None = None
    """CPU time that the sampler took beside the program."""

    @property
    def peak_bytes(self) -> int | None:
        """The most memory it held: resident at its highest, or with what was swapped.

        VmHWM does not count pages that were swapped out before the rest came in.
        """
        if self.peak_rss_bytes is None:
            return None
        at_end = (self.rss_end_bytes or 0) + (self.swap_bytes or 0)
        return max(self.peak_rss_bytes, at_end)


class Delegation(Value, frozen=True, kw_only=True):
    """How much of a model a delegate or execution provider runs, as the program says.

    What it does not run is left to the CPU.
    """

    delegate: str
    """In the field's spelling: `NNAPI`, `GPU`, `XNNPACK`, `QNN`."""
    extent: Literal["none", "part", "all"]
    node_count: Count | None = None
    """Nodes of the graph that it runs."""
    total_node_count: Count | None = None
    is_requested: bool = True
    """False: the program applied it by itself, as LiteRT does with XNNPACK."""


class Measurement(Value, frozen=True, kw_only=True):
    """What one launch measured. Raw samples; statistics are derived, never stored."""

    load_ns: int | None = None
    first_latency_ns: int | None = None
    """The very first inference of the process, which is also the first warm-up one."""
    warmup_latencies_ns: tuple[int, ...] = ()
    latencies_ns: tuple[int, ...] = ()
    """Main iterations in order, from the device's monotonic clock."""
    gaps_ns: tuple[int, ...] = ()
    """Before each main iteration the time since the end of the one before (of the
    first: since measuring began), where it was asked for. Added up with the latencies
    they give when each began, and are shorter to store than that."""
    began_uptime_ns: int | None = None
    """The device's uptime when the main iterations began."""
    kept_every: int = 1
    """Of so many main iterations the first was kept: a launch that lasts for a time may
    do more than there is room for."""
    was_stopped: bool = False
    """Stopped before its time was reached."""
    mean_latency_ns: int | None = None
    """Only from a program that prints statistics instead of single iterations."""
    latency_statistics_ns: dict[str, int] = msgspec.field(default_factory=dict)
    """Other statistics that such a program prints, by name: `min`, `p5`, `p50` (its
    median), `p90`, `p95`, `p99`, `p999`, `max`."""
    latency_resolution_ns: int = 1
    """1000 for a program that prints whole microseconds."""
    memory: Memory = Memory()
    threads: Count | None = None
    heap: Heap = "system"
    """A program that reports none left it to the system."""
    runtime_version: str | None = None
    seed: int | None = None
    output_digest: str | None = None
    """sha256 of the output's bytes for the first input."""
    generation: GeneratedTokens | None = None
    """What it generated; the latencies above are empty then. A sustained launch has
    there the steps of many generations, each token's but the first's."""
    delegations: tuple[Delegation, ...] = ()
    """What really ran the model, where the program says so."""

    @property
    def samples_ns(self) -> tuple[int, ...]:
        """Main iterations; of a generation the times from token to token."""
        if self.generation is None:
            return self.latencies_ns
        stamps = self.generation.token_ns
        return tuple(after - before for before, after in pairwise(stamps))


class Launch(Value, frozen=True, kw_only=True, tag_field="record", tag="launch"):
    """ONE process start on a device: the statistical unit."""

    device_id: str
    model: str
    variant_id: str
    artifact_sha256: str
    runner: str
    block: int
    attempt: int
    """0 at first; a block that was broken is repeated whole with the next number."""
    position: int
    """Place within the block, from 0."""
    started_at: str
    """ISO-8601, UTC."""
    wall_ns: int | None
    """On the host, transport included; `None`: another program did the launch."""
    host_cpus: tuple[int, ...] = ()
    """The leased cores of the host it ran on, when it ran on the host's cores."""
    caveats: tuple[Caveat, ...] = ()
    measurement: Measurement
    conditions_before: Conditions | None = None
    """Read right before; `None` where the device reports none."""
    conditions_after: Conditions | None = None


class Failure(Value, frozen=True, kw_only=True, tag_field="record", tag="failure"):
    """A launch, a job or a whole device that could not be measured."""

    device_id: str
    reason: FailureReason
    fact: str
    """What happened, in the device's or program's own words where there are any."""
    remedy: str
    model: str | None = None
    """`None`: the whole device."""
    variant_id: str | None = None
    block: int | None = None
    attempt: int | None = None
    position: int | None = None
    started_at: str
    retry: int = 0
    """The device was opened again after it, for this number of a time in a row; 0: it
    was not."""
    exit_code: int | None = None
    signal: int | None = None
    stdout_tail: str = ""
    stderr_tail: str = ""
    log_tail: str = ""
    """What the device's own log says about it: Android's, by pid and time."""
