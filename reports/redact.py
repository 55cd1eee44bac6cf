"""Redact a summary once, field by field, before any report is built from it."""

from __future__ import annotations

import operator
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, TypeVar

import msgspec
from msgspec.structs import replace

from pocketbench.bench.judge.summary import Summary
from pocketbench.bench.records.conditions import Conditions
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.families import family_of
from pocketbench.bench.records.launch import Launch
from pocketbench.bench.units import shown

_MAY_CHANGE = ("\\", "\x7f", "::", "#")
"""In JSON of ASCII: a character not printable, or what may begin a command."""
_SHORTEST_SERIAL = 4
_AT_A_TIME = 200
_NAMES = frozenset(
    {
        "model", "variant", "variant_id", "variants", "name", "engine", "runner",
        "baseline", "candidate", "metric", "metrics", "title", "unit", "of_launch",
        "family", "abi", "abis", "libc", "precision", "dtype", "run_id", "sha256",
        "operator", "operators", "kind",
    }
)  # fmt: skip
"""Fields by which records find each other: a serial that is a common word, such as
`float32`, must not be replaced in them."""

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


def redact(summary: Summary) -> Summary:
    """Return the summary with adb serials hashed and control characters replaced.

    Devices choose their names and programs their messages: neither may steer a
    terminal or a CI log, and a report handed on must not carry a serial number.
    Numbers, enumerations and literals cannot hold text and are passed on as they are.
    """
    redaction = _Redaction([ready.device for ready in summary.devices])
    redaction.look_through(summary.run.launches)
    return _mapped(summary, redaction)


class _Redaction:
    """Redacts strings; remembers each, because the same ones come again and again."""

    def __init__(self, devices: list[DeviceInfo]) -> None:
        self._ids: dict[str, str] = {}
        self._serials: list[tuple[re.Pattern[str], str]] = []
        for info in devices:
            serial = info.id.partition(":")[2]
            if (
                not family_of(info).has_serial_in_id
                or not info.serial_hash
                or not serial
            ):
                continue
            self._ids[info.id] = info.id.replace(serial, info.serial_hash)
            if len(serial) >= _SHORTEST_SERIAL:
                self._serials.append((_anywhere(serial), info.serial_hash))
        self.launches: dict[int, Launch] = {}
        """By the id of the original: a run and a cell hold the same one."""
        serials = (known.partition(":")[2] for known in self._ids)
        self._suspicious = [text.encode() for text in (*_MAY_CHANGE, *serials)]
        self._clean: set[int] = set()
        self.name = cache(self._name)
        self.names = cache(self._names)
        self.text = cache(self._text)

    def _name(self, text: str) -> str:
        if text in self._ids:
            return self._ids[text]
        return shown(text)

    def _names(self, keys: tuple[Any, ...]) -> tuple[Any, ...]:
        """The keys of a mapping, those that are text redacted."""
        return tuple([self.name(key) if type(key) is str else key for key in keys])

    def look_through(self, launches: Sequence[Launch]) -> None:
        """Find the conditions in which nothing can change, many of them at a time.

        A run has tens of thousands of these, most of them clean.
        """
        for start in range(0, len(launches), _AT_A_TIME):
            readings = [
                conditions
                for launch in launches[start : start + _AT_A_TIME]
                for conditions in (launch.conditions_before, launch.conditions_after)
            ]
            text = msgspec.json.encode(readings)
            if text.isascii() and not any(x in text for x in self._suspicious):
                self._clean.update(map(id, readings))

    def is_clean(self, conditions: Conditions) -> bool:
        """Whether it is known that nothing in it can change."""
        return id(conditions) in self._clean

    def _text(self, text: str) -> str:
        for serial, hashed in self._serials:
            text = serial.sub(hashed, text)
        return self._name(text)


def _anywhere(serial: str) -> re.Pattern[str]:
    """A serial as part of any text; one that may be a word or a number, as a whole."""
    pattern = re.escape(serial)
    if not (re.search("[0-9]", serial) and re.search("[A-Za-z]", serial)):
        pattern = rf"(?<![0-9A-Za-z]){pattern}(?![0-9A-Za-z])"
    return re.compile(pattern)


def _mapped(value: T, redaction: _Redaction) -> T:
    """The value with its strings redacted; the very same where none changed."""
    if isinstance(value, Launch):
        key = id(value)
        if key not in redaction.launches:
            redaction.launches[key] = _changed(value, redaction)
        return typing.cast(T, redaction.launches[key])
    if isinstance(value, Conditions) and redaction.is_clean(value):
        return value
    if not isinstance(value, msgspec.Struct):
        return typing.cast(T, _within(value, redaction, redaction.text))
    return _changed(value, redaction)


def _changed(value: S, redaction: _Redaction) -> S:
    changes: dict[str, Any] = {}
    for field in _text_fields(type(value)):
        before = getattr(value, field)
        if not before:
            continue
        to = redaction.name if field in _NAMES else redaction.text
        after = _within(before, redaction, to)
        if after is not before:
            changes[field] = after
    return replace(value, **changes) if changes else value


def _within(value: Any, redaction: _Redaction, to: Callable[[str], str]) -> Any:
    kind = type(value)
    if kind is float or kind is int:
        return value
    if kind is str:
        shown = to(value)
        return value if shown == value else shown
    if isinstance(value, msgspec.Struct):
        return _mapped(value, redaction)
    if isinstance(value, tuple):
        items = [_within(item, redaction, to) for item in value]
        if all(map(operator.is_, items, value)):
            return value
        # A named tuple takes its fields apart, a plain one takes them together.
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if isinstance(value, Mapping):
        before = tuple(value)
        # The same few names are the keys of every launch's values.
        keys = redaction.names(before)
        items = [_within(x, redaction, to) for x in value.values()]
        if keys == before and all(map(operator.is_, items, value.values())):
            return value
        return dict(zip(keys, items, strict=True))
    return value


@cache
def _text_fields(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of a type that can hold text, found from its annotations."""
    return tuple(
        field.name
        for field in msgspec.structs.fields(struct)
        if _can_hold_text(field.type, frozenset({struct}))
    )


def _can_hold_text(hint: Any, within: frozenset[Any]) -> bool:
    if hint is str or hint is Any or hint is object:
        return True
    origin = typing.get_origin(hint)
    if origin is Literal:
        return False
    if origin is not None:
        return any(_can_hold_text(x, within) for x in typing.get_args(hint))
    if not isinstance(hint, type) or not issubclass(hint, msgspec.Struct):
        return hasattr(hint, "_fields")
    if hint in within:
        return False
    return any(
        _can_hold_text(field.type, within | {hint})
        for field in msgspec.structs.fields(hint)
    )
