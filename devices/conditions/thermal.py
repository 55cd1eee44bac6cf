"""`dumpsys thermalservice` (Android 10 and later) and the kernel's thermal zones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pocketbench.bench.records.conditions import (
    SkinThresholds,
    Temperature,
    TemperatureKind,
    Thermal,
    ThermalSource,
)
from pocketbench.devices.conditions.reading import (
    Reading,
    clean,
    decimal,
    integer,
    nothing,
)

if TYPE_CHECKING:
    from pocketbench.devices.conditions.section import Files, Section

# android.os.Temperature. Kinds that count mV, mA or % (6 to 8) and kinds that say
# nothing of the processor (USB port, power amplifier, -1 unknown ...) are left out.
_KINDS: dict[int, TemperatureKind] = {
    0: "cpu",
    1: "gpu",
    2: "battery",
    3: "skin",
    9: "npu",
}
# Samsung's own service (Sdhms) counts from 1.
_SDHMS_SHIFT = 1
_WORDS: dict[str, int] = {"CPU": 0, "GPU": 1, "BATTERY": 2, "SKIN": 3, "NPU": 9}

COLDEST_C, HOTTEST_C = -40.0, 150.0

_CACHED = "Cached temperatures:"
_CURRENT = "Current temperatures from HAL:"
_COOLING = "Current cooling devices from HAL:"
_CONNECTION = "HAL connection:"
_THRESHOLDS = "Temperature static thresholds from HAL:"
_HEADERS = (_CACHED, _CURRENT, _COOLING, _CONNECTION, _THRESHOLDS)
_SOURCE = re.compile(r"( from\b[^:]*)?\s*:$")
"""The end of a header, which names another service on some vendors' phones."""
_HEADER_OF = {_SOURCE.sub("", header): header for header in _HEADERS}

_TEMPERATURE = re.compile(
    r"Temperature\{mValue=([^,}]*), mType=([^,}]*), mName=(.*), mStatus=([^,}]*)\}"
)
_COOLING_DEVICE = re.compile(
    r"CoolingDevice\{mValue=([^,}]*), mType=[^,}]*, mName=(.*)\}"
)
_THRESHOLD = re.compile(
    r"TemperatureThreshold\{mType=([^,}]*), mName=(.*), "
    r"mHotThrottlingThresholds=\[([^\]]*)\]"
)
_THRESHOLD_HIDL = re.compile(
    r"\{\.type = ([^,}]*), \.name = (.*), \.hotThrottlingThresholds = \[([^\]]*)\]"
)
_MOST_ITEMS = 256


class _Dump(NamedTuple):
    """The dump's lines: those before and after the blocks, and each block's own."""

    loose: list[str]
    blocks: dict[str, list[str]]


def parse_thermalservice(section: Section) -> Reading[Thermal]:
    """Status, temperatures, thresholds and cooling, each as far as it is there."""
    dump = _blocks(section.stdout)
    status = _loose(dump, "Thermal Status:")
    override = _loose(dump, "IsStatusOverride:")
    connection = dump.blocks.get(_CONNECTION, [])
    if status is None and override is None and not dump.blocks:
        return nothing(section.reason)
    missing: dict[str, str] = {}
    status_level = None if status is None else integer(status, 0, 6)
    if status_level is None:
        missing["status"] = clean(
            f"Thermal Status: {status}" if status else "not stated"
        )
    if override not in ("true", "false"):
        missing["is_status_override"] = "not stated"
    shift = _SDHMS_SHIFT if any("Sdhms" in line for line in connection) else 0
    # Some Samsung phones print the header of the current ones and nothing below it.
    current = dump.blocks.get(_CURRENT, [])
    source: ThermalSource = "hal" if current else "cached"
    lines = current or dump.blocks.get(_CACHED, [])
    temperatures = tuple(_temperatures(lines, shift))
    if not temperatures:
        missing["temperatures"] = _no_temperatures(dump, lines, section)
    thresholds = tuple(_thresholds(dump.blocks.get(_THRESHOLDS, []), shift))
    if not thresholds:
        missing["skin_thresholds"] = "the phone states none"
    if section.exit_code is None:
        missing[""] = "the output was cut off: what follows is what came"
    value = Thermal(
        status=status_level,
        is_status_override={"true": True, "false": False}.get(override or ""),
        hal=clean(connection[0].partition(" connected:")[0]) if connection else None,
        source=source if temperatures else None,
        temperatures=temperatures,
        skin_thresholds=thresholds,
        cooling=dict(_cooling(dump.blocks.get(_COOLING, []))),
    )
    return Reading(value, missing)


def parse_thermal_zones(files: Files) -> Reading[Thermal]:
    """Temperatures from /sys/class/thermal, where no thermal service answers.

    Kinds are guessed from the zones' names, units from the size of the number: the
    kernel says thousandths of a degree, some vendors tenths or whole degrees.
    """
    temperatures: list[Temperature] = []
    zones = {p.rpartition("/")[0] for p in files.texts if p.endswith("/temp")}
    for zone in sorted(zones, key=lambda z: (len(z), z))[:_MOST_ITEMS]:
        name = files.text(f"{zone}/type") or zone.rpartition("/")[2]
        raw = decimal(files.text(f"{zone}/temp") or "", -1e6, 1e6)
        value_c = None if raw is None else _zone_degrees(raw)
        if value_c is not None:
            temperatures.append(
                Temperature(name=clean(name), kind=_zone_kind(name), value_c=value_c)
            )
    if not temperatures:
        denied = [e for p, e in files.errors.items() if "/thermal/" in p]
        return nothing(denied[0] if denied else "no readable thermal zone")
    return Reading(Thermal(source="zones", temperatures=tuple(temperatures)), {})


def _blocks(text: str) -> _Dump:
    loose: list[str] = []
    blocks: dict[str, list[str]] = {}
    current = loose
    for raw in text.split("\n"):
        line = raw.strip()
        header = _HEADER_OF.get(_SOURCE.sub("", line)) if line.endswith(":") else None
        if header is not None:
            current = blocks.setdefault(header, [])
        elif current is not loose and line and not _belongs(line):
            loose.append(line)
            current = loose
        elif line:
            current.append(line)
    return _Dump(loose, blocks)


def _belongs(line: str) -> bool:
    """Whether a line is an item of a block; some captures lost the leading tabs."""
    return "{" in line or line.endswith(("connected: yes", "connected: no"))


def _loose(dump: _Dump, key: str) -> str | None:
    """The value after a key, from the first line that starts with it."""
    lines = (line for line in dump.loose if line.startswith(key))
    return next((line[len(key) :].strip() for line in lines), None)


def _no_temperatures(dump: _Dump, lines: list[str], section: Section) -> str:
    if lines:
        return "no sensor with a sensible temperature"
    if any(line.replace(" ", "") == "HALReady:false" for line in dump.loose):
        return "the thermal HAL is not ready"
    if section.exit_code is None:
        return section.reason
    return "the thermal HAL gives none"


def _temperatures(lines: list[str], shift: int) -> list[Temperature]:
    found: list[Temperature] = []
    for line in lines[:_MOST_ITEMS]:
        match = _TEMPERATURE.search(line)
        if match is None:
            continue
        kind = _kind(match[2], shift)
        value_c = decimal(match[1], COLDEST_C, HOTTEST_C)
        # Exactly 0.0 is how vendors say that there is no such sensor.
        if kind is None or not value_c:
            continue
        found.append(
            Temperature(
                name=clean(match[3]),
                kind=kind,
                value_c=round(value_c, 3),
                status=integer(match[4], 0, 6),
            )
        )
    return found


def _kind(text: str, shift: int) -> TemperatureKind | None:
    number = integer(text, -1, 99)
    if number is None:
        number = _WORDS.get(text.strip())
        shift = 0
    return None if number is None else _KINDS.get(number - shift)


def _thresholds(lines: list[str], shift: int) -> list[SkinThresholds]:
    found: list[SkinThresholds] = []
    for line in lines[:_MOST_ITEMS]:
        match = _THRESHOLD.search(line) or _THRESHOLD_HIDL.search(line)
        if match is None or _kind(match[1], shift) != "skin":
            continue
        values = [decimal(v, COLDEST_C, HOTTEST_C) for v in match[3].split(",")[:7]]
        hot_c = tuple(v or None for v in values)
        if any(hot_c):
            found.append(SkinThresholds(name=clean(match[2]), hot_c=hot_c))
    return found


def _cooling(lines: list[str]) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    for line in lines[:_MOST_ITEMS]:
        match = _COOLING_DEVICE.search(line)
        step = integer(match[1], 0, 10**6) if match else None
        if match and step:
            found.append((clean(match[2]), step))
    return found


def _zone_degrees(raw: float) -> float | None:
    size = abs(raw)
    value = raw / 1000 if size >= 1000 else raw / 10 if size > HOTTEST_C else raw
    # A zone at exactly 0 has no sensor behind it.
    return round(value, 3) if value and COLDEST_C <= value <= HOTTEST_C else None


_ZONE_KINDS: tuple[tuple[str, TemperatureKind], ...] = (
    ("skin", "skin"),
    ("batt", "battery"),
    ("gpu", "gpu"),
    ("g3d", "gpu"),
    ("tpu", "npu"),
    ("npu", "npu"),
    ("nsp", "npu"),
    ("cpu", "cpu"),
    ("little", "cpu"),
    ("x86_pkg", "cpu"),
    ("coretemp", "cpu"),
)


def _zone_kind(name: str) -> TemperatureKind:
    lower = name.lower()
    if lower in ("big", "mid"):
        return "cpu"
    return next((kind for word, kind in _ZONE_KINDS if word in lower), "other")
