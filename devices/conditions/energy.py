"""Power rails of Pixel phones (ODPM): counters under /sys/bus/iio."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.bench.records.conditions import EnergyMeter
from pocketbench.devices.conditions.reading import Reading, clean, integer

if TYPE_CHECKING:
    from pocketbench.devices.conditions.section import Files

_PATH = re.compile(r"/sys/bus/iio/devices/([\w:.-]{1,40})/energy_value", re.ASCII)
_CLOCK = re.compile(r"^t=([0-9]{1,15})\s*$", re.M | re.A)
_RAIL = re.compile(
    r"^CH[0-9]{1,3}(?:\(T=[0-9]+\))?\[([^\]\n]{1,60})\], ?([0-9]{1,18})\s*$",
    re.M | re.A,
)
_MOST_RAILS = 64


def parse_energy(files: Files) -> Reading[tuple[EnergyMeter, ...]]:
    """One value per chip; one whose clock or rails are not understood is left out."""
    missing: dict[str, str] = {}
    meters: list[EnergyMeter] = []
    for path, text in sorted(files.texts.items()):
        match = _PATH.fullmatch(path)
        if match is None:
            continue
        at_ms, rails = _CLOCK.search(text), _rails(text)
        if at_ms is None or not rails:
            missing[match[1]] = "not understood" if text.strip() else "empty"
            continue
        meters.append(EnergyMeter(device=match[1], at_ms=int(at_ms[1]), rails_uj=rails))
    if not meters:
        denied = [e for p, e in files.errors.items() if _PATH.fullmatch(p)]
        missing[""] = denied[0] if denied else "no power rails (Pixel 6 and later)"
        return Reading(None, missing)
    return Reading(tuple(meters), missing)


def _rails(text: str) -> dict[str, int]:
    """Counters in uWs, which are uJ, by rail; a name that comes twice is numbered."""
    rails: dict[str, int] = {}
    for name, number in _RAIL.findall(text)[:_MOST_RAILS]:
        value = integer(number, 0, 10**18)
        key = clean(name)
        while key in rails:
            key += "'"
        if value is not None:
            rails[key] = value
    return rails
