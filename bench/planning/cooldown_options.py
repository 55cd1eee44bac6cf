"""Make cooldown limits from the user's options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.records.plan import CooldownLimits

_T = TypeVar("_T")
_N = TypeVar("_N", int, float)
_HIGHEST_C = 120.0
_HIGHEST_S = 86_400.0


def cooldown_limits(
    given: Mapping[str, object],
    *,
    max_temperature_c: float | None = None,
    is_on: bool = True,
) -> CooldownLimits:
    """Make the limits: the defaults, changed as the user asked.

    Args:
        given: By name, as text or number: `--cooldown-limit KEY=VALUE` or a suite's
            `[cooldown]`.
        max_temperature_c: From the option of its own.
        is_on: False with --no-cooldown.

    Raises:
        UnknownNameError: No such limit.
        UsageError: Not a number, or one that makes no sense.
    """
    if max_temperature_c is not None:
        given = {**given, "max_temperature_c": max_temperature_c}
    usual = CooldownLimits()
    names = []

    def number(name: str, default: _T, low: float, high: float) -> _T | float:
        names.append(name)
        return (
            _number(name, given[name], low, high, float) if name in given else default
        )

    def whole(name: str, default: int, low: int, high: int) -> int:
        names.append(name)
        return _number(name, given[name], low, high, int) if name in given else default

    limits = CooldownLimits(
        is_on=is_on,
        margin_c=number("margin_c", usual.margin_c, 0, 50),
        usual_temperature_c=number(
            "usual_temperature_c", usual.usual_temperature_c, 1, _HIGHEST_C
        ),
        max_temperature_c=number(
            "max_temperature_c", usual.max_temperature_c, 1, _HIGHEST_C
        ),
        # A shorter spin probe says little.
        spin_ms=whole("spin_ms", usual.spin_ms, 200, 10_000),
        spin_ratio=number("spin_ratio", usual.spin_ratio, 1, 100),
        first_wait_s=number("first_wait_s", usual.first_wait_s, 0, _HIGHEST_S),
        step_s=number("step_s", usual.step_s, 1, _HIGHEST_S),
        max_wait_s=number("max_wait_s", usual.max_wait_s, 0, _HIGHEST_S),
        redos=whole("redos", usual.redos, 0, 100),
    )
    for name in given:
        if name not in names:
            raise UnknownNameError("cooldown limit", name, tuple(names))
    return limits


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


def _number(
    name: str, value: object, low: float, high: float, kind: Callable[[str], _N]
) -> _N:
    number: _N | None
    try:
        number = kind(str(value))
    except ValueError:
        number = None
    if number is None or not low <= number <= high:
        raise UsageError(
            f"{name}={value}",
            f"is not a {'whole ' if kind is int else ''}number from {low:g} to "
            f"{high:g}",
            "Give another one",
        )
    return number
