"""What the user says about cooldown, as limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.records.plan import CooldownLimits

_HIGHEST_C = 120.0
_HIGHEST_S = 86_400.0
_RANGES: dict[str, tuple[float, float]] = {
    "margin_c": (0.0, 50.0),
    "usual_temperature_c": (1.0, _HIGHEST_C),
    "max_temperature_c": (1.0, _HIGHEST_C),
    "spin_ms": (200.0, 10_000.0),
    "spin_ratio": (1.0, 100.0),
    "first_wait_s": (0.0, _HIGHEST_S),
    "step_s": (1.0, _HIGHEST_S),
    "max_wait_s": (0.0, _HIGHEST_S),
    "redos": (0.0, 100.0),
}
"""Every limit by name, with what makes sense; a spin probe of less than 200 ms says
little."""


def cooldown_limits(
    given: Mapping[str, object],
    *,
    max_temperature_c: float | None = None,
    is_on: bool = True,
) -> CooldownLimits:
    """The limits with what the user said about them.

    Args:
        given: By name, as text or number: `--cooldown-limit KEY=VALUE` or a suite's
            `[cooldown]`.
        max_temperature_c: From the option of its own.
        is_on: False with --no-cooldown.

    Raises:
        UnknownNameError: No such limit.
        UsageError: Not a number, or one that makes no sense.
    """
    values: dict[str, object] = {"is_on": is_on}
    if max_temperature_c is not None:
        given = {**given, "max_temperature_c": max_temperature_c}
    for name, value in given.items():
        if name not in _RANGES:
            raise UnknownNameError("cooldown limit", name, tuple(_RANGES))
        values[name] = _number(name, value)
    return msgspec.convert(values, CooldownLimits)


def parse_cooldown_limits(pairs: Iterable[str]) -> dict[str, object]:
    """Read `KEY=VALUE` options; of the same key the last one counts.

    Raises:
        UsageError: Not of that form.
    """
    found: dict[str, object] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise UsageError(
                f"--cooldown-limit {pair}",
                "is not KEY=VALUE",
                "Such as --cooldown-limit max_wait_s=900",
            )
        found[name] = value
    return found


def _number(name: str, value: object) -> float | int:
    low, high = _RANGES[name]
    whole = name in ("spin_ms", "redos")
    try:
        number = int(str(value)) if whole else float(str(value))
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise UsageError(
            f"{name}={value}",
            f"is not a {'whole ' if whole else ''}number from {low:g} to {high:g}",
            "Give another one",
        )
    return number
