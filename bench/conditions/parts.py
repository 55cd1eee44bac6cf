"""Which parts of a device's conditions could be read, and why the others not; pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from pocketbench.bench.records.conditions import Conditions
from pocketbench.bench.records.doctor_report import Part
from pocketbench.bench.units import cpu_words

_Find = Callable[[Conditions], object]


def _policies(name: str) -> _Find:
    """The first clock domain that has a value of that name."""

    def find(conditions: Conditions) -> object:
        found = (getattr(p, name) for p in conditions.cpu_policies or ())
        return next((value for value in found if value is not None), None)

    return find


def _temperatures_now(conditions: Conditions) -> object:
    thermal = conditions.thermal
    return (
        None if thermal is None or thermal.is_cached else thermal.temperatures or None
    )


_PARTS: tuple[tuple[str, str, _Find], ...] = (
    ("thermal.status", "thermal status", lambda c: c.thermal and c.thermal.status),
    ("thermal.temperatures", "temperatures now", _temperatures_now),
    (
        "thermal.skin_thresholds",
        "skin thresholds",
        lambda c: c.thermal and (c.thermal.skin_thresholds or None),
    ),
    (
        "cpu_policies.current_frequency_khz",
        "clocks now",
        _policies("current_frequency_khz"),
    ),
    ("cpu_policies.max_frequency_khz", "clock caps", _policies("max_frequency_khz")),
    (
        "cpu_policies.time_in_state_ticks",
        "clocks that ran",
        _policies("time_in_state_ticks"),
    ),
    ("online_cpus", "cores switched on", lambda c: c.online_cpus),
    ("battery.level", "battery level", lambda c: c.battery and c.battery.level),
    (
        "battery.temperature_c",
        "battery temperature",
        lambda c: c.battery and c.battery.temperature_c,
    ),
    ("battery.plugged", "charging", lambda c: c.battery and c.battery.is_charging),
    (
        "battery.current_ua",
        "battery current",
        lambda c: c.battery and c.battery.current_ua,
    ),
    ("energy", "power rails", lambda c: c.energy),
    ("is_battery_saver", "battery saver", lambda c: c.is_battery_saver),
    ("is_dozing", "Doze", lambda c: c.is_dozing),
    ("screen.state", "screen", lambda c: c.screen and c.screen.state),
    ("screen.wakefulness", "wakefulness", lambda c: c.screen and c.screen.wakefulness),
    (
        "memory.available_bytes",
        "free memory",
        lambda c: c.memory and c.memory.available_bytes,
    ),
    ("load_averages", "load", lambda c: c.load_averages),
    ("cpuset", "cpuset", lambda c: c.cpuset),
    ("allowed_cpus", "allowed cores", lambda c: c.allowed_cpus),
    (
        "is_fixed_performance",
        "fixed performance",
        lambda c: c.is_fixed_performance,
    ),
    ("build", "kind of build", lambda c: c.build),
    ("uptime_s", "uptime", lambda c: c.uptime_s),
)


def availability(conditions: Conditions) -> Hashable:
    """What decides the parts: readings with an equal one have equal parts."""
    thermal = conditions.thermal
    return (
        tuple([find(conditions) is not None for _, _, find in _PARTS]),
        tuple(conditions.missing.items()),
        thermal is not None and thermal.is_cached,
        tuple((policy.id, policy.cpus) for policy in conditions.cpu_policies or ()),
    )


def parts_of(conditions: Conditions) -> tuple[Part, ...]:
    """Every part, each read or with its reason."""
    found = []
    for name, title, find in _PARTS:
        is_read = find(conditions) is not None
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
