"""Which parts of a device's conditions could be read, and why the others not; pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable

from pocketbench.bench.records.conditions import Conditions
from pocketbench.bench.records.doctor_report import Part
from pocketbench.bench.units import cpu_words

_Find = Callable[[Conditions], object]

_PARTS = {
    "thermal.status": "thermal status",
    "thermal.temperatures": "temperatures now",
    "thermal.skin_thresholds": "skin thresholds",
    "cpu_policies.current_frequency_khz": "clocks now",
    "cpu_policies.max_frequency_khz": "clock caps",
    "cpu_policies.time_in_state_ticks": "clocks that ran",
    "online_cpus": "cores switched on",
    "battery.level": "battery level",
    "battery.temperature_c": "battery temperature",
    "battery.plugged": "charging",
    "battery.current_ua": "battery current",
    "energy": "power rails",
    "is_battery_saver": "battery saver",
    "is_dozing": "Doze",
    "screen.state": "screen",
    "screen.wakefulness": "wakefulness",
    "memory.available_bytes": "free memory",
    "load_averages": "load",
    "cpuset": "cpuset",
    "allowed_cpus": "allowed cores",
    "is_fixed_performance": "fixed performance",
    "build": "kind of build",
    "uptime_s": "uptime",
}
"""By dotted name: what a person calls it."""


def _policies(name: str) -> _Find:
    """The first clock domain that has a value of that name."""

    def find(conditions: Conditions) -> object:
        for policy in conditions.cpu_policies or ():
            if (value := getattr(policy, name)) is not None:
                return value
        return None

    return find


def _attribute(name: str) -> _Find:
    """The attribute of a dotted name; `None` where what should have it is `None`."""
    whole, _, inner = name.partition(".")

    def find(conditions: Conditions) -> object:
        found = getattr(conditions, whole)
        return getattr(found, inner) if inner and found is not None else found

    return find


def _temperatures_now(conditions: Conditions) -> object:
    thermal = conditions.thermal
    return (
        None if thermal is None or thermal.is_cached else thermal.temperatures or None
    )


def _skin_thresholds(conditions: Conditions) -> object:
    return (conditions.thermal and conditions.thermal.skin_thresholds) or None


_UNLIKE_THEIR_NAMES: dict[str, _Find] = {
    "thermal.temperatures": _temperatures_now,
    "thermal.skin_thresholds": _skin_thresholds,
    "battery.plugged": _attribute("battery.is_charging"),
    **{
        name: _policies(name.partition(".")[2])
        for name in _PARTS
        if name.startswith("cpu_policies.")
    },
}
_ATTRIBUTES = tuple(name for name in _PARTS if name not in _UNLIKE_THEIR_NAMES)
_FINDS = {name: _UNLIKE_THEIR_NAMES.get(name) or _attribute(name) for name in _PARTS}
_all_attributes = operator.attrgetter(*_ATTRIBUTES)


def availability(conditions: Conditions) -> Hashable:
    """What decides the parts: readings with an equal one have equal parts."""
    thermal = conditions.thermal
    try:
        # One call of C: a large run has tens of thousands of readings.
        values = _all_attributes(conditions)
    except AttributeError:
        values = tuple([_FINDS[name](conditions) for name in _ATTRIBUTES])
    return (
        tuple([value is not None for value in values]),
        tuple([x(conditions) is not None for x in _UNLIKE_THEIR_NAMES.values()]),
        tuple(conditions.missing.items()),
        thermal is not None and thermal.is_cached,
        tuple([(policy.id, policy.cpus) for policy in conditions.cpu_policies or ()]),
    )


def parts_of(conditions: Conditions) -> tuple[Part, ...]:
    """Every part, each read or with its reason."""
    found = []
    for name, title in _PARTS.items():
        is_read = _FINDS[name](conditions) is not None
        reason = _reasons(conditions, name, is_read=is_read)
        found.append(Part(name=name, title=title, is_read=is_read, reason=reason))
    return tuple(found)


def _reasons(conditions: Conditions, name: str, *, is_read: bool) -> str | None:
    """Why a part is not there, or which of several clock domains lack it."""
    missing = conditions.missing
    whole, _, inner = name.partition(".")
    if whole == "cpu_policies" and conditions.cpu_policies:
        lacking = {
            _cores(policy.cpus): reason
            for policy in conditions.cpu_policies
            if (reason := missing.get(f"{whole}.{policy.id}.{inner}"))
        }
        if is_read or len(set(lacking.values())) > 1:
            parsed = "; ".join(
                f"{cores}: {reason}" for cores, reason in lacking.items()
            )
            return parsed or None
        return next(iter(lacking.values()), "unavailable")
    if is_read:
        return None
    thermal = conditions.thermal
    if name == "thermal.temperatures" and thermal is not None and thermal.is_cached:
        return "only cached ones, which may be hours old"
    return missing.get(name) or missing.get(whole) or "unavailable"


def _cores(cpus: tuple[int, ...]) -> str:
    return f"cores {cpu_words(cpus)}" if len(cpus) > 1 else f"core {cpus[0]}"
