"""Walk through what models take and give: tensors in containers of any kind."""

from __future__ import annotations

import copy
import enum
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

_DEEPEST = 8
"""Of nested containers; deeper ones refer to themselves."""


class Step(NamedTuple):
    """One step into a container: by index, by key, or to an attribute."""

    key: Any
    is_attribute: bool = False


Path = tuple[Step, ...]


class Slot:
    """The place of a tensor among the arguments; holds none."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        """Number the tensors in the order in which a program takes them."""
        self.number = number


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Give everything that is no container, in order, and where it stands."""
    inner = _children(value) if len(path) < _DEEPEST else None
    if inner is None:
        yield path, value
        return
    for step, child in inner:
        yield from leaves(child, (*path, step))


def tensors_in(value: Any) -> list[tuple[Path, torch.Tensor]]:
    """Give the tensors in a value, in order."""
    return [(path, x) for path, x in leaves(value) if isinstance(x, torch.Tensor)]


def mapped(value: Any, replace: Callable[[Path, Any], Any], path: Path = ()) -> Any:
    """Copy a value with each of its leaves replaced."""
    inner = _children(value) if len(path) < _DEEPEST else None
    if inner is None:
        return replace(path, value)
    made = [(step, mapped(child, replace, (*path, step))) for step, child in inner]
    if isinstance(value, tuple):
        items = [child for _, child in made]
        # Not by calling the type: a packed sequence checks what it is given.
        return tuple.__new__(type(value), items)
    if isinstance(value, list):
        return [child for _, child in made]
    if type(value) is dict:
        return {step.key: child for step, child in made}
    copied = copy.copy(value)
    for step, child in made:
        if step.is_attribute:
            # A frozen dataclass refuses a plain assignment.
            object.__setattr__(copied, step.key, child)
        else:
            copied[step.key] = child
    return copied


def at(value: Any, path: Path) -> Any:
    """Give what stands at a path."""
    for step in path:
        value = getattr(value, step.key) if step.is_attribute else value[step.key]
    return value


def name_of(path: Path) -> str:
    """Name a place as Python would: `layers[0]`, `boxes`; empty for the value."""
    text = ""
    for step in path:
        if isinstance(step.key, int):
            text += f"[{step.key}]"
        else:
            text += f".{step.key}" if text else str(step.key)
    return text


def _children(value: Any) -> list[tuple[Step, Any]] | None:
    """What a container holds; `None` for what is none."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return [
            (Step(name, is_attribute=True), child)
            for name, child in zip(value._fields, value, strict=True)
        ]
    if isinstance(value, torch.Size):
        return None
    if isinstance(value, (tuple, list)):
        return [(Step(index), child) for index, child in enumerate(value)]
    if isinstance(value, Mapping):
        return [(Step(key), child) for key, child in value.items()]
    if _is_leaf(value):
        return None
    return [
        (Step(name, is_attribute=True), getattr(value, name))
        for name in _attribute_names(value)
        if hasattr(value, name)
    ]


def _attribute_names(value: Any) -> list[str]:
    """Of an object, those in slots first."""
    names: list[str] = []
    for kind in reversed(type(value).__mro__):
        slots = vars(kind).get("__slots__", ())
        names += [slots] if isinstance(slots, str) else slots
    return [x for x in names if not x.startswith("__")] + [
        *getattr(value, "__dict__", ())
    ]


def _is_leaf(value: Any) -> bool:
    """Whether a value is of a kind that holds no tensors of a model's."""
    plain = (torch.Tensor, nn.Module, torch.fx.Proxy, enum.Enum, type, str, bytes, Slot)
    if isinstance(value, plain) or callable(value) or not _attribute_names(value):
        return True
    # A dtype, a device, a generator: torch's own values are no containers.
    return type(value).__module__.partition(".")[0] in ("torch", "builtins", "numpy")
