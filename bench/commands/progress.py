"""What a person sees while a run goes on: a display on a terminal, else plain lines."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from pocketbench.bench.measure.observer import Observer
from pocketbench.bench.records.conditions import skin_temperature_c
from pocketbench.bench.records.device_kind import tagged_name
from pocketbench.bench.units import format_size, format_span, format_time, shown

if TYPE_CHECKING:
    from pocketbench.bench.records.conditions import Conditions
    from pocketbench.bench.records.device import DeviceInfo
    from pocketbench.bench.records.launch import Failure, Launch


_MINUTE_S = 60.0


def _latency_ns(launch: Launch) -> float | None:
    """One launch's median, only to show something while the run goes on.

    Of a generation its mean time from token to token.
    """
    tokens = launch.measurement.generation
    if tokens and len(tokens.token_ns) > 1:
        return (tokens.token_ns[-1] - tokens.token_ns[0]) / (len(tokens.token_ns) - 1)
    if tokens and tokens.decode_tokens_per_s:
        return 1e9 / tokens.decode_tokens_per_s
    ordered = sorted(launch.measurement.latencies_ns)
    if ordered:
        return ordered[len(ordered) // 2]
    printed = launch.measurement.latency_statistics_ns
    return printed.get("p50", launch.measurement.mean_latency_ns)


@dataclass(slots=True)
class _Standing:
    """How far a device is."""

    name: str
    total: int = 0
    done: int = 0
    began: float = field(default_factory=time.monotonic)
    skin_c: float | None = None
    is_busy: bool = True

    @property
    def left_s(self) -> float:
        """At the pace until now; 0 before the first launch."""
        elapsed_s = time.monotonic() - self.began
        left = max(0, self.total - self.done)
        return elapsed_s / self.done * left if self.done else 0.0

    def finished(self, launch: Launch) -> None:
        """Count a launch, and take its temperature."""
        self.done += 1
        self.heard(launch.conditions_after or launch.conditions_before)

    def heard(self, conditions: Conditions | None) -> None:
        """Take the temperature."""
        if conditions is not None:
            self.skin_c = skin_temperature_c(conditions)


class LineProgress(Observer):
    """A line per finished configuration, and one per minute, for a file or a CI log."""

    def __init__(self, console: Console, blocks: int) -> None:
        """Write to `console`; a job is done after `blocks` launches."""
        self._console = console
        self._blocks = blocks
        self._failed: set[tuple[str, str]] = set()
        self._counts: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
        self._lock = threading.Lock()
        self._standings: dict[str, _Standing] = {}
        self._over = threading.Event()

    def __enter__(self) -> LineProgress:
        """Begin to print one line per minute."""
        threading.Thread(target=self._print_minutes, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the lines."""
        self._over.set()

    def _print_minutes(self) -> None:
        while not self._over.wait(_MINUTE_S):
            self._line(self.summary())

    def summary(self) -> str:
        """All devices in one line: launches, temperature, time left."""
        standings = list(self._standings.values())
        done, total = sum(x.done for x in standings), sum(x.total for x in standings)
        busy = [x for x in standings if x.is_busy]
        words = [
            f"{done} of {total} launches",
            f"{len(busy)} of {len(standings)} devices in use",
        ]
        warm = [(x.skin_c, x.name) for x in busy if x.skin_c is not None]
        if warm:
            words.append("hottest {1} ({0:.1f} C)".format(*max(warm)))
        left_s = max((x.left_s for x in busy), default=0.0)
        if left_s:
            words.append(f"about {format_span(left_s)} left")
        return ", ".join(words)

    def note(self, subject: str, text: str) -> None:
        """A line."""
        self._line(f"{subject}: {text}")

    def device_started(self, info: DeviceInfo, launches: int) -> None:
        """More is to be done on a device."""
        new = _Standing(tagged_name(info))
        standing = self._standings.setdefault(info.id, new)
        standing.total += launches
        standing.is_busy = True

    def conditions_read(
        self, info: DeviceInfo, conditions: Conditions, *, at_s: float, of_s: float
    ) -> None:
        """Take the temperature."""
        self._standings[info.id].heard(conditions)

    def device_finished(self, info: DeviceInfo) -> None:
        """It is free, for now."""
        self._standings[info.id].is_busy = False

    def going_on_to(self, blocks: int) -> None:
        """A job is done after so many launches."""
        self._blocks = blocks

    def device_ready(self, info: DeviceInfo, sent_bytes: int) -> None:
        """A line that says what was sent."""
        sent = f"sent {format_size(sent_bytes)}" if sent_bytes else "nothing to send"
        self._line(f"{info.id}: ready, {sent}")

    def launch_finished(self, info: DeviceInfo, launch: Launch) -> None:
        """A line when it was the job's last."""
        key = (info.id, launch.model, launch.variant_id)
        self._standings[info.id].finished(launch)
        with self._lock:
            values = self._counts[key]
            latency = _latency_ns(launch)
            if latency is not None:
                values.append(latency)
            done = launch.block == self._blocks - 1
        if done:
            parsed = format_time(sorted(values)[len(values) // 2]) if values else "done"
            self._line(f"{info.id}: {launch.model} {launch.variant_id}: {parsed}")

    def launch_failed(self, info: DeviceInfo, failure: Failure) -> None:
        """A line with the reason and the remedy, the first time."""
        with self._lock:
            is_known = (failure.fact, failure.remedy) in self._failed
            self._failed.add((failure.fact, failure.remedy))
        if is_known:
            return
        what = " ".join(x for x in (failure.model, failure.variant_id) if x)
        self._line(
            f"{info.id}: {what + ': ' if what else ''}{failure.reason}: "
            f"{failure.fact}. {failure.remedy}"
        )

    def _line(self, text: str) -> None:
        with self._lock:
            self._console.print(escape(shown(text)), soft_wrap=True, highlight=False)


class BarProgress(LineProgress):
    """A table by device: progress, temperature, time left, what it does now."""

    def __init__(self, console: Console, blocks: int) -> None:
        """Draw on `console`, which is a terminal."""
        super().__init__(console, blocks)
        self._progress = Progress(
            TextColumn("{task.description}", table_column=None),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[heat]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("[dim]{task.fields[now]}"),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> BarProgress:
        """Begin to draw."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last picture standing."""
        self._progress.stop()

    def device_started(self, info: DeviceInfo, launches: int) -> None:
        """A bar appears, or has more before it."""
        super().device_started(info, launches)
        task = self._tasks.get(info.id)
        if task is not None:
            (bar,) = (x for x in self._progress.tasks if x.id == task)
            total = (bar.total or 0) + launches
            self._progress.update(task, total=total, now="opening")
            return
        self._tasks[info.id] = self._progress.add_task(
            escape(shown(tagged_name(info))), total=launches, now="opening", heat=""
        )

    def device_ready(self, info: DeviceInfo, sent_bytes: int) -> None:
        """The bar says so."""
        self._now(info, "ready")

    def launch_started(self, info: DeviceInfo, model: str, variant_id: str) -> None:
        """The bar says what runs."""
        self._now(info, f"{model} {variant_id}")

    def conditions_read(
        self, info: DeviceInfo, conditions: Conditions, *, at_s: float, of_s: float
    ) -> None:
        """The bar says how far it is and how warm."""
        super().conditions_read(info, conditions, at_s=at_s, of_s=of_s)
        self._now(info, f"{at_s:.0f} of {of_s:.0f} s")

    def launch_finished(self, info: DeviceInfo, launch: Launch) -> None:
        """One step."""
        self._standings[info.id].finished(launch)
        latency = _latency_ns(launch)
        parsed = f" {format_time(latency)}" if latency is not None else ""
        self._progress.advance(self._tasks[info.id])
        self._now(info, f"{launch.model} {launch.variant_id}{parsed}")

    def device_finished(self, info: DeviceInfo) -> None:
        """The bar is as full as it gets."""
        super().device_finished(info)
        self._now(info, "done")

    def note(self, subject: str, text: str) -> None:
        """A line; of a device also what it does now."""
        super().note(subject, text)
        if subject in self._tasks:
            now = escape(shown(text.partition(":")[0]))
            self._progress.update(self._tasks[subject], now=now)

    def _now(self, info: DeviceInfo, text: str) -> None:
        if info.id in self._tasks:
            skin_c = self._standings[info.id].skin_c
            heat = "" if skin_c is None else f"{skin_c:.1f} C"
            self._progress.update(
                self._tasks[info.id], now=escape(shown(text)), heat=heat
            )


def progress_on(console: Console, blocks: int) -> LineProgress:
    """The display that fits a console."""
    return (BarProgress if console.is_terminal else LineProgress)(console, blocks)
