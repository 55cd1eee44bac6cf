"""What the doctor found, as one page of plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from pocketbench.bench.conditions.cooldown_rules import STATUS_WORDS
from pocketbench.bench.conditions.throttling import caps
from pocketbench.bench.records.conditions import (
    Conditions,
    first_skin_threshold_c,
    skin_temperature_c,
    temperature_c,
)
from pocketbench.bench.records.device import CoreCluster, DeviceInfo
from pocketbench.bench.records.device_kind import tagged_name
from pocketbench.bench.records.doctor_report import (
    AdbFound,
    Check,
    DeviceFound,
    DoctorReport,
    Part,
    RunnerFound,
)
from pocketbench.bench.records.families import family_of
from pocketbench.bench.units import cpu_words, format_size, shown

WIDTH = 80
_LABEL = 20
"""Columns of a line's name, indent included."""


def render(report: DoctorReport) -> str:
    """The page; no line is longer than 80 columns unless one of its words is."""
    lines = [*_computer(report), *_adb(report.adb)]
    for found in report.devices:
        lines += ["", *_device(found)]
    lines += ["", *_conclusion(report)]
    return shown("\n".join(line.rstrip() for line in lines)) + "\n"


def _computer(report: DoctorReport) -> Iterator[str]:
    yield f"pocketbench {report.pocketbench_version} on {report.host.device.name}"
    yield from _facts(report.host)
    for name, checks in report.checks.items():
        yield ""
        yield f"For {name}"
        for check in checks:
            yield from _check(check)


def _check(check: Check) -> Iterator[str]:
    if check.is_there:
        yield from _line(check.name, check.fact)
        return
    remedy = f". {check.remedy}" if check.remedy else ""
    yield from _line(check.name, f"no: {check.fact}{remedy} (for {check.needed_for})")


def _adb(adb: AdbFound) -> Iterator[str]:
    yield ""
    yield "For Android phones"
    if adb.program_path is None:
        yield from _line("adb", f"no: {adb.problem}. {adb.remedy}")
        return
    yield from _line("adb", f"{adb.program_version} ({adb.program_path})")
    if adb.problem is not None:
        parsed = f"no, {adb.server}: {adb.problem}. {adb.remedy}"
    elif adb.server_protocol is None:
        parsed = f"{adb.server}: none was running"
    else:
        parsed = f"{adb.server}: version {adb.server_protocol}, as this adb"
    yield from _line("adb server", parsed)


def _device(found: DeviceFound) -> Iterator[str]:
    info = found.device
    yield f"{info.id}: {tagged_name(info)}"
    if info.simulated_of:
        yield from _line("modelled on", info.simulated_of)
    state = info.state.replace("_", " ")
    if found.trouble is not None:
        state += f", but {found.trouble}"
    if found.remedy is not None:
        state += f". {found.remedy}"
    yield from _line("state", state)
    yield from _facts(found)
    for sentence in found.advice:
        yield from _wrapped(f"{sentence}.", first="  ! ", then="    ")


def _facts(found: DeviceFound) -> Iterator[str]:
    info = found.device
    yield from _lines(_identity(info))
    if found.conditions is not None:
        yield from _lines(_now(found.conditions, info))
    if found.free_bytes is not None:
        free = found.free_bytes
        yield from _line(
            "free space",
            f"{format_size(free)} in /data/local/tmp"
            if isinstance(free, int)
            else f"not known: {free.reason}",
        )
    for runner in found.runners:
        yield from _line(f"{runner.engine} runner", _runner(runner, found))
    if found.parts and not family_of(info).is_this_computer:
        yield from _read_without_root(found.parts)


def _identity(info: DeviceInfo) -> Iterator[tuple[str, str]]:
    system = " ".join(word for word in (info.os_name, info.os_version) if word)
    if info.api_level is not None:
        system += f" (API {info.api_level})"
    yield "system", system
    yield "processor", info.soc or ""
    yield "ABI", ", ".join(info.abis)
    for cluster in info.clusters:
        yield "cores", _cluster(cluster)
    if not info.clusters and info.core_count:
        yield "cores", str(info.core_count)
    if info.ram_bytes:
        yield "memory", format_size(info.ram_bytes)
    if info.page_size_bytes:
        yield "page size", format_size(info.page_size_bytes)


def _cluster(cluster: CoreCluster) -> str:
    words = f"{cpu_words(cluster.cpus)}: {len(cluster.cpus)} x "
    words += cluster.name or "of unknown kind"
    if cluster.max_frequency_khz is not None:
        words += f", up to {cluster.max_frequency_khz / 1e6:.2f} GHz"
    return words


def _now(conditions: Conditions, info: DeviceInfo) -> Iterator[tuple[str, str]]:
    yield "temperature", _heat(conditions, info)
    for cap in caps(conditions):
        if cap.now_khz is not None and cap.before_khz is not None:
            yield (
                "cap now",
                f"{cpu_words(cap.cpus)}: {cap.now_khz / 1e6:.2f} of "
                f"{cap.before_khz / 1e6:.2f} GHz",
            )
    battery = conditions.battery
    if battery is not None:
        words = [] if battery.level is None else [f"{battery.level} %"]
        words.append(
            {None: "charging not known", True: "charging", False: "not charging"}[
                battery.is_charging
            ]
        )
        if battery.plugged:
            words[-1] += f" ({', '.join(battery.plugged)})"
        if battery.temperature_c is not None:
            words.append(f"{battery.temperature_c:.1f} C")
        yield "battery", ", ".join(words)
    if conditions.screen is not None and conditions.screen.state is not None:
        yield "screen now", conditions.screen.state.lower()
    if conditions.memory is not None and conditions.memory.available_bytes is not None:
        yield "free memory", format_size(conditions.memory.available_bytes)


def _heat(conditions: Conditions, info: DeviceInfo) -> str:
    thermal = conditions.thermal
    if thermal is None:
        return f"unavailable: {conditions.missing.get('thermal', 'no reason given')}"
    words = []
    if thermal.status is not None:
        words.append(f"status {STATUS_WORDS[thermal.status]}")
    elif not family_of(info).is_this_computer:
        reason = conditions.missing.get("thermal.status", "no reason given")
        words.append(f"no status ({reason})")
    skin_c = skin_temperature_c(conditions)
    cpu_c = temperature_c(conditions, "cpu")
    if skin_c is not None:
        words.append(f"skin {skin_c:.1f} C")
    if cpu_c is not None:
        words.append(f"CPU {cpu_c:.1f} C")
    if (first_c := first_skin_threshold_c(conditions)) is not None:
        words.append(f"throttles from {first_c:.1f} C")
    if thermal.source == "zones":
        words.append("from the kernel's zones")
    if thermal.is_cached:
        words.append("temperatures are old ones and not shown")
    return ", ".join(words) or "nothing reported"


def _runner(runner: RunnerFound, found: DeviceFound) -> str:
    if runner.is_usable:
        return runner.fact
    if any(each.is_usable for each in found.runners):
        return f"no: {runner.fact}. {runner.remedy}"
    # The advice says the rest.
    return f"no: {runner.fact}"


def _read_without_root(parts: Iterable[Part]) -> Iterator[str]:
    parts = tuple(parts)
    whole = [part.title for part in parts if part.is_read and part.reason is None]
    yield from _line("read without root", ", ".join(whole) or "nothing")
    for part in parts:
        if part.is_read and part.reason is not None:
            yield from _line("  in part", f"{part.title}; not of {part.reason}")
    for part in parts:
        if not part.is_read:
            yield from _line("  not", f"{part.title}: {part.reason}")


def _conclusion(report: DoctorReport) -> Iterator[str]:
    for trouble in report.troubles:
        yield from _wrapped(f"! {trouble}", first="", then="  ")
    able = [
        found.device.id
        for found in (report.host, *report.devices)
        if found.can_be_measured
    ]
    if able:
        words = f"Ready to measure: {', '.join(able)}."
    else:
        words = "Nothing can be measured yet: see the lines with `no` or `!`."
    yield from _wrapped(words, first="", then="  ")
    if not report.devices:
        yield from _wrapped(
            "No phone is attached. Attach one with USB debugging on, or look at a "
            "simulated one: pocketbench doctor --device simulated:pixel-8",
            first="",
            then="  ",
        )


def _lines(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, words in pairs:
        if words:
            yield from _line(name, words)


def _line(name: str, words: str) -> Iterator[str]:
    yield from _wrapped(words, first=f"  {name}".ljust(_LABEL), then=" " * _LABEL)


def _wrapped(words: str, *, first: str, then: str) -> Iterator[str]:
    # Paths and commands are kept whole, so that they can be copied.
    yield from textwrap.wrap(
        words,
        WIDTH,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )
