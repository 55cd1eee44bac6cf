"""What a user wants different from a profile: `battery.level=15`, heat, behaviour."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from typing import Any

import msgspec

from pocketbench.bench.errors import UsageError

_OLD_NAMES = {"tells_status": "reports_status"}
_EXAMPLE = "Such as --set battery.level=15 or --set thermal.zones_readable=false"


def heat_changes(pairs: Iterable[str]) -> tuple[str, ...]:
    """`KEY=VALUE` of a script of heat as changes of a profile.

    The duty cycle's period is, unless it is given, the longest that a median still
    sees: a third of an iteration.

    Raises:
        UsageError: Not of that form, or the length of an iteration is missing.
    """
    split = [_split(pair, "--thermal-model") for pair in pairs]
    parsed = {_OLD_NAMES.get(key, key): value for key, value in split}
    if not parsed:
        return ()
    if "period_ms" not in parsed:
        try:
            iteration_ms = float(parsed["iteration_ms"])
        except (KeyError, ValueError):
            raise UsageError(
                "--thermal-model",
                "it needs the length of the iterations that will be measured",
                "Say it: --thermal-model iteration_ms=20",
            ) from None
        parsed["period_ms"] = str(math.floor(iteration_ms / 3 * 1000) / 1000)
    return tuple(f"behaviour.heat.{key}={value}" for key, value in parsed.items())


def apply_changes(tables: dict[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """A profile's tables with some values replaced.

    Args:
        tables: As TOML gives them; left as they are.
        changes: `PATH=VALUE` each, the path dotted, places in a list as numbers, the
            value as in TOML; words need no quotes, and `null` is nothing.

    Raises:
        UsageError: Not of that form, or there is no such place.
    """
    changed = dict(tables)
    for change in changes:
        path, value = _split(change, "--set")
        _put(changed, path.split("."), _value(value), change)
    return changed


def _put(place: Any, path: list[str], value: Any, change: str) -> None:
    for step, key in enumerate(path):
        at: Any = key
        if isinstance(place, list):
            at = int(key) if key.isdecimal() and int(key) < len(place) else None
        if at is None or not isinstance(place, dict | list):
            raise UsageError(
                f"--set {change}", f"the profile has no {'.'.join(path)}", _EXAMPLE
            )
        if step == len(path) - 1:
            place[at] = value
            return
        inner = place.get(at, {}) if isinstance(place, dict) else place[at]
        # Each place on the way is copied, and nothing else.
        place[at] = copy.copy(inner)
        place = place[at]


def _split(pair: str, option: str) -> tuple[str, str]:
    name, equals, value = pair.partition("=")
    if not (name and equals and value):
        raise UsageError(f"{option} {pair}", "is not KEY=VALUE", _EXAMPLE)
    return name.strip(), value.strip()


def _value(text: str) -> Any:
    if text == "null":
        return None
    try:
        return msgspec.toml.decode(f"value = {text}")["value"]
    except msgspec.DecodeError:
        return text
