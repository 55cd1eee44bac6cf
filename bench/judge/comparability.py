"""Whether two cells were measured under like conditions; else what differed."""

from __future__ import annotations

import operator
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from pocketbench.bench.judge.summary import Cell, Unlike

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pocketbench.bench.records.conditions import Conditions
    from pocketbench.bench.records.launch import Launch
    from pocketbench.bench.records.run import DeviceReady

MOST_APART = 0.5
"""Two sides are unlike when more than this share of the launches of one would have to
change to give the other's. Interleaved launches share what changes in the middle of a
run to within one launch; of two runs apart mostly all or none have it."""

_RUNNER = "runner"

Facts = dict[str, Counter[str]]
"""By what it is about, how many launches had which value; unknown ones left out."""


def launch_facts(launches: Iterable[Launch]) -> Facts:
    """What the conditions read before each launch say."""
    states = Counter(
        _state(launch.conditions_before)
        for launch in launches
        if launch.conditions_before is not None
    )
    found: Facts = {}
    for (domains, *others), count in states.items():
        state = _State(tuple([_Domain(*x) for x in domains]), *others)
        for name, value in _said(state).items():
            found.setdefault(name, Counter())[value] += count
    return found


def device_facts(ready: DeviceReady | None, runner: str) -> Facts:
    """What a run says of a device and of the program that measured on it."""
    if ready is None:
        return {}
    info = ready.device
    programs = {program.runner: program for program in ready.programs}
    program = programs.get(runner)
    version = program.version if program else None
    said = {
        "device": None if info.is_simulated else info.serial_hash,
        "model": info.model,
        "core count": info.core_count and str(info.core_count),
        "OS build": f"{info.os_version or ''} {info.build_fingerprint or ''}".strip(),
        _RUNNER: f"{runner} {version or ''}".strip(),
        "C library of the runner": program.libc if program else None,
    }
    return {name: Counter([value]) for name, value in said.items() if value}


def generation_facts(launches: Iterable[Launch]) -> Facts:
    """What launches generated: after an end token fewer tokens than were asked for."""
    found: Facts = {}
    for launch in launches:
        if tokens := launch.measurement.generation:
            for name, value in (
                ("prompt tokens", tokens.prompt_tokens),
                ("tokens in the KV cache", tokens.kv_depth),
                ("tokens generated", tokens.token_count),
            ):
                if value is not None:
                    found.setdefault(name, Counter())[str(value)] += 1
    return found


def facts_within(cell: Cell) -> Facts:
    """What two variants of one device in one run may differ in."""
    return (
        launch_facts(cell.records)
        | generation_facts(cell.records)
        | {_RUNNER: Counter(launch.runner for launch in cell.records)}
    )


def unlike_within(
    baseline: Facts, candidate: Facts, *, is_one_engine: bool
) -> tuple[Unlike, ...]:
    """What differed between two variants of one device in one run.

    Engines differ where they are what is compared; of one engine, the programs.
    """
    found = unlike(baseline, candidate)
    return tuple(x for x in found if is_one_engine or x.what != _RUNNER)


def unlike_apart(
    baseline: tuple[Cell, DeviceReady | None],
    candidate: tuple[Cell, DeviceReady | None],
) -> tuple[Unlike, ...]:
    """What differed between two runs of one cell, each with its run's device."""
    before, after = (
        device_facts(ready, measured.runner)
        | launch_facts(measured.records)
        | generation_facts(measured.records)
        | {
            "threads": Counter([str(measured.threads)]),
            "heap": Counter(x.measurement.heap for x in measured.records),
            "prepacked for XNNPACK on the phone by": Counter(
                [_prepacked_by(measured, ready)]
            ),
        }
        for measured, ready in (baseline, candidate)
    )
    return unlike(before, after)


def _prepacked_by(measured: Cell, ready: DeviceReady | None) -> str:
    models = ready.prepacked if ready else ()
    exported = measured.artifact.sha256
    return next((x.by for x in models if x.artifact_sha256 == exported), "nothing")


def unlike(before: Mapping[str, Counter[str]], after: Facts) -> tuple[Unlike, ...]:
    """The facts known of both sides that are further apart than MOST_APART."""
    return tuple(
        Unlike(what=name, baseline=_mostly(was), candidate=_mostly(now))
        for name, was in before.items()
        if (now := after.get(name)) and _apart(was, now) > MOST_APART
    )


def _apart(one: Counter[str], other: Counter[str]) -> float:
    """Total variation distance: 0 for the same shares, 1 for nothing in common."""
    first, second = one.total(), other.total()
    return 0.5 * sum(
        abs(one[value] / first - other[value] / second) for value in one | other
    )


def _mostly(values: Counter[str]) -> str:
    value, count = values.most_common(1)[0]
    if count == values.total():
        return value
    return f"{value} ({count} of {values.total()} launches)"


class _Domain(NamedTuple):
    """What is compared of a clock domain."""

    id: int
    governor: str | None
    is_capped: bool | None
    max_frequency_khz: int | None
    hardware_max_frequency_khz: int | None


class _State(NamedTuple):
    """All that is compared of one reading; most readings of a device are alike."""

    domains: tuple[_Domain, ...]
    is_charging: bool | None
    is_battery_saver: bool | None
    is_fixed_performance: bool | None


_domain = operator.attrgetter(*_Domain._fields)


def _state(read: Conditions) -> tuple[Any, ...]:
    """What a `_State` is made of, each domain a plain tuple: a large run has many."""
    battery = read.battery
    return (
        tuple([_domain(policy) for policy in read.cpu_policies or ()]),
        None if battery is None else battery.is_charging,
        read.is_battery_saver,
        read.is_fixed_performance,
    )


def _said(state: _State) -> dict[str, str]:
    """Each fact of one state, in words."""
    said = {}
    governors = {p.id: p.governor for p in state.domains if p.governor}
    if governors:
        names = sorted(set(governors.values()))
        each = ", ".join(f"{g} (policy {i})" for i, g in governors.items())
        said["governor"] = names[0] if len(names) == 1 else each
    caps = [cap for domain in state.domains if (cap := _cap(domain)) is not None]
    if caps:
        said["clock caps"] = ", ".join(filter(None, caps)) or "none"
    if state.is_charging is not None:
        said["charging"] = "yes" if state.is_charging else "no"
    if state.is_battery_saver is not None:
        said["battery saver"] = "on" if state.is_battery_saver else "off"
    if state.is_fixed_performance is not None:
        said["fixed performance"] = "on" if state.is_fixed_performance else "off"
    return said


def _cap(policy: _Domain) -> str | None:
    """How far a clock domain is held down, in quarters; empty where it is not.

    Vendors move a cap by a step or two all the time: that is no other condition.
    """
    if not policy.is_capped:
        return None if policy.is_capped is None else ""
    highest, now = policy.hardware_max_frequency_khz, policy.max_frequency_khz
    assert highest is not None
    assert now is not None
    quarters = round(4 * now / highest)
    if quarters == 4:
        return ""
    return f"policy {policy.id} at about {25 * quarters} % of its highest clock"
