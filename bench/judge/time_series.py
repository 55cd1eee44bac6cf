"""What the reports show of a launch that ran on for minutes; no formatting."""

from __future__ import annotations

from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.conditions import TemperatureKind
from pocketbench.bench.records.record import Value


class Slice(Value, frozen=True, kw_only=True):
    """The iterations that began in one part of the time."""

    start_s: float
    """Since the main iterations began."""
    length_s: float
    median_ns: float
    low_ns: float
    """The 10th percentile: a spread of iterations, no interval of an estimate."""
    high_ns: float
    """The 90th."""
    iterations: int


class StateAt(Value, frozen=True, kw_only=True):
    """The device at one moment of that time; what it did not report is `None`."""

    at_s: float
    frequency_khz: int | None
    """Of the clock domain that is shown: its mean since the reading before, where the
    device counts that."""
    max_frequency_khz: int | None
    """What it might have reached."""
    temperature_c: float | None
    thermal_status: int | None


class SustainedCell(Value, frozen=True, kw_only=True):
    """One model and variant on one device: one process, so no interval, no verdict."""

    device_id: str
    model: str
    variant_id: str
    is_baseline: bool
    is_generation: bool = False
    """An iteration is the step of one token."""
    runner: str
    threads: int
    started_at: str
    asked_s: float
    duration_s: float
    """Of the main iterations, as it came to be."""
    was_stopped: bool
    iterations_kept: int
    kept_every: int
    """Each first of so many iterations is in the record."""
    window_s: float
    """The first and the last so many seconds are compared: a minute, or a third of
    what is shorter than two."""
    first_ns: float
    """Median latency of the first window."""
    last_ns: float
    slices: tuple[Slice, ...]
    states: tuple[StateAt, ...]
    clock_cpus: tuple[int, ...]
    """The cores of the clock domain that is shown."""
    is_pinned: bool
    """Whether those are the cores it was pinned to; else the busiest."""
    temperature_kind: TemperatureKind | None
    temperature_before_c: float | None
    """Right before the program was started."""
    slowed_down_at_s: float | None
    """When the device first reported that it throttles; `None`: it did not."""
    interval_s: float
    """The device was read every so often, beside the program."""
    reading_s: float | None
    """How long one of those readings took; `None`: there were none."""
    latency_while_read: float | None
    """Latency during a reading over that beside it; what the readings cost."""
    peak_rss_bytes: int | None
    """The samples that it held included."""
    caveats: tuple[Caveat, ...]

    @property
    def unit(self) -> str:
        """Of what is shown: the time of an iteration, or tokens per second."""
        return "tokens_per_s" if self.is_generation else "ns"

    def shown(self, ns: float) -> float:
        """The time of an iteration in that unit."""
        return 1e9 / ns if self.is_generation else ns

    @property
    def shown_ratio(self) -> float:
        """The last over the first, in that unit."""
        return self.shown(self.last_ns) / self.shown(self.first_ns)

    @property
    def last_over_first(self) -> float:
        """How much slower it was in the end."""
        return self.last_ns / self.first_ns
