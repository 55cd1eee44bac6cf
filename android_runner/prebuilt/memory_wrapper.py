"""Sampling the memory of a program that reports none, on the device itself."""

from __future__ import annotations

import importlib.resources
import re
import secrets
from typing import TYPE_CHECKING

import msgspec

from pocketbench.bench.records.conditions import Missing
from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from pocketbench.bench.records.device import CommandResult
    from pocketbench.bench.records.runner import Command

DEFAULT_INTERVAL_S = 0.05
_SHORTEST_S, _LONGEST_S = 0.01, 60.0
_NAME = "pocketbench-memory"
_MOST_KIB = 2**34

_COUNT = re.compile(r"count ([0-9]{1,9})", re.A)
_SAMPLE = re.compile(
    r"([0-9]{1,12}\.?[0-9]{0,6}) ([0-9]{1,12}) ([0-9]{1,12}) ([0-9]{1,12})", re.A
)
_RAN = re.compile(r"ran ([0-9]{1,18})", re.A)
_CPU_TIME = re.compile(r"\b([0-9]{1,6})m([0-9]{1,2}\.[0-9]{1,9})s", re.A)


class MemorySample(Value, frozen=True, kw_only=True):
    """What /proc/PID/status said at one time."""

    uptime_s: float
    peak_rss_bytes: int
    """VmHWM, the kernel's own high-water mark so far."""
    rss_bytes: int
    swap_bytes: int


class SampledMemory(Value, frozen=True, kw_only=True):
    """The memory of one program as seen from outside while it ran."""

    interval_s: float
    """What grew and shrank between two looks, or after the last one, was not seen;
    the kernel's high-water mark covers the former."""
    count: int
    """Looks taken; `samples` holds only those that differ from the one before."""
    samples: tuple[MemorySample, ...]
    cost_ns: int | None
    """CPU time of the sampler itself: exact where the kernel keeps schedstat, and
    else in ticks of 10 ms, which make it look dearer than it is."""

    @property
    def peak_bytes(self) -> int:
        """The most memory seen: resident high-water mark, or resident and swapped."""
        return max(
            max(s.peak_rss_bytes, s.rss_bytes + s.swap_bytes) for s in self.samples
        )


def new_token() -> str:
    """A line start that no program prints by chance."""
    return f"@@{secrets.token_hex(8)}"


def wrap(
    command: Command,
    *,
    token: str,
    shell: str = "/system/bin/sh",
    interval_s: float = DEFAULT_INTERVAL_S,
) -> Command:
    """The same command with its memory looked at from outside every `interval_s`.

    Its pid, input, output, exit code and signals stay its own; after its stderr come
    the samples, which `unwrap` takes off again.

    Args:
        command: The program; its argv[0] as the shell finds it.
        token: From `new_token`.
        shell: A POSIX shell on the device.
        interval_s: 0.01 to 60; clipped.
    """
    interval_s = min(max(interval_s, _SHORTEST_S), _LONGEST_S)
    argv = (shell, "-c", script(), _NAME, token, f"{interval_s:g}", *command.argv)
    return msgspec.structs.replace(command, argv=argv)


def unwrap(
    result: CommandResult, *, token: str, interval_s: float = DEFAULT_INTERVAL_S
) -> tuple[CommandResult, SampledMemory | Missing]:
    """The program's own result, and what the sampler saw of it."""
    stderr, found, report = result.stderr.partition(f"\n{token} count ".encode())
    if not found:
        return result, Missing(reason="the sampler did not report: it was killed too")
    own = msgspec.structs.replace(result, stderr=stderr)
    return own, _parse(f"count {report.decode('utf-8', 'replace')}", token, interval_s)


def script() -> str:
    """The wrapper as a shell script; no comments, for old phones take 4 KB at once."""
    folder = importlib.resources.files("pocketbench.android_runner.prebuilt")
    lines = (folder / "memory_wrapper.sh").read_text(encoding="utf-8").splitlines()
    code = (line.lstrip(" ") for line in lines)
    return "".join(f"{line}\n" for line in code if line and not line.startswith("#"))


_BEYOND_NUMBERS = re.compile(r"\d{40,}")
"""No count, time or size has so many digits."""


def _parse(report: str, token: str, interval_s: float) -> SampledMemory | Missing:
    lines = report.replace("\r", "").split("\n")
    count = _COUNT.fullmatch(lines[0])
    if count is None or _BEYOND_NUMBERS.search(report):
        return Missing(reason="the sampler's report is not understood")
    samples = []
    ran_ns: int | None = None
    cpu_times: list[tuple[str, str]] = []
    for line in lines[1:]:
        words = line.removeprefix(f"{token} ")
        if words == line:
            cpu_times += _CPU_TIME.findall(line)
        elif (match := _SAMPLE.fullmatch(words)) and _is_plausible(match):
            samples.append(_sample(match))
        elif ran := _RAN.fullmatch(words):
            ran_ns = int(ran[1])
    if not samples:
        return Missing(
            reason=f"the program ended before the first look, after {interval_s:g} s"
        )
    return SampledMemory(
        interval_s=interval_s,
        count=int(count[1]),
        samples=tuple(samples),
        cost_ns=_cost_ns(ran_ns, cpu_times),
    )


def _cost_ns(ran_ns: int | None, cpu_times: list[tuple[str, str]]) -> int | None:
    """The shell's `times` are its own user and system time, then its children's."""
    ticks_ns = [round((int(m) * 60 + float(s)) * 1e9) for m, s in cpu_times]
    if len(ticks_ns) != 4:
        return ran_ns
    if ran_ns is None:
        return sum(ticks_ns)
    return ran_ns + ticks_ns[2] + ticks_ns[3]


def _is_plausible(match: re.Match[str]) -> bool:
    """A process being replaced by its program shows no memory for a moment."""
    peak, rss, swap = (int(match[i]) for i in (2, 3, 4))
    return 0 < peak <= _MOST_KIB and 0 < rss <= _MOST_KIB and swap <= _MOST_KIB


def _sample(match: re.Match[str]) -> MemorySample:
    return MemorySample(
        uptime_s=float(match[1]),
        peak_rss_bytes=int(match[2]) * 1024,
        rss_bytes=int(match[3]) * 1024,
        swap_bytes=int(match[4]) * 1024,
    )
