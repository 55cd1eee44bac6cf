"""What a model keeps from one call to the next, and copies that start afresh."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any, cast

import torch
from torch import nn

from pocketbench.bench.models.inputs.structure import (
    leaves,
    mapped,
    name_of,
    tensors_in,
)

State = Mapping[str, Any]
"""Tensors and plain numbers, by the names under which a model holds them."""

_OWN = frozenset(vars(nn.Module())) | {"_modules"}
"""The attributes that torch itself gives a module."""


def fresh(module: nn.Module) -> nn.Module:
    """Copy a model, so that what a call changes in it does not stay in the original.

    What cannot be copied (a lock, an open file) is shared.
    """
    try:
        return cast("nn.Module", copy.deepcopy(module))
    except (RuntimeError, TypeError):
        return cast("nn.Module", copy.deepcopy(module, _made_ready(module)))


def _made_ready(module: nn.Module) -> dict[int, Any]:
    """Detach what a call with gradients left; gives what is to be shared."""
    shared: dict[int, Any] = {}
    for part in module.modules():
        for name, value in list(vars(part).items()):
            if name in _OWN or isinstance(part, torch.jit.ScriptModule):
                continue
            if tensors_in(value):
                vars(part)[name] = mapped(value, _detached)
                continue
            try:
                copy.deepcopy(value)
            except (RuntimeError, TypeError):
                shared[id(value)] = value
    return shared


def _detached(path: object, leaf: object) -> object:
    return leaf.detach() if isinstance(leaf, torch.Tensor) else leaf


def state_of(module: nn.Module) -> State:
    """Copy everything in a module that a call could change, by name."""
    found = {
        name: tensor.detach().clone()
        for name, tensor in (*module.named_buffers(), *module.named_parameters())
    }
    for name, value in _attributes(module):
        for path, leaf in leaves(value):
            inside = name_of(path)
            dot = "" if not inside or inside.startswith("[") else "."
            if isinstance(leaf, torch.Tensor) or type(leaf) in (int, float):
                found[f"{name}{dot}{inside}"] = _copied(path, leaf)
    return found


def kept_between_calls(script: torch.jit.ScriptModule) -> State:
    """Copy what a program could keep: buffers and attributes, and no parameters."""
    buffers = {name: x.detach().clone() for name, x in script.named_buffers()}
    return buffers | {name: mapped(x, _copied) for name, x in _attributes(script)}


def _copied(path: object, leaf: Any) -> Any:
    return leaf.detach().clone() if isinstance(leaf, torch.Tensor) else leaf


def _attributes(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """What a module holds beside parameters and buffers."""
    for prefix, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            continue
        for name, value in vars(part).items():
            if name not in _OWN:
                yield ".".join(filter(None, (prefix, name))), value
    if isinstance(module, torch.jit.ScriptModule):
        registered = {
            x for x, _ in (*module.named_buffers(), *module.named_parameters())
        }
        for name in sorted(_names_in(module) - registered):
            yield name, reduce(getattr, name.split("."), module)


def _names_in(script: torch.jit.ScriptModule) -> set[str]:
    """What a program reads or assigns; it does not list its attributes."""
    found, graph = set(), script.inlined_graph
    own = next(graph.inputs()).debugName()
    for kind in ("prim::GetAttr", "prim::SetAttr"):
        for node in graph.findAllNodes(kind):
            owner, names = next(node.inputs()), [node.s("name")]
            while owner.node().kind() == "prim::GetAttr":
                names.insert(0, owner.node().s("name"))
                owner = next(owner.node().inputs())
            is_module = kind == "prim::GetAttr" and _is_object(node.output())
            if not is_module and owner.debugName() == own:
                found.add(".".join(names))
    return found


def _is_object(value: torch._C.Value) -> bool:
    return value.type().kind() in ("ClassType", "InterfaceType")


def restore(module: nn.Module, kept: State) -> None:
    """Give a module what it kept before; other values (observers') stay."""
    for name, value in kept.items():
        *owners, own = name.split(".")
        # TorchScript has no `get_submodule`.
        setattr(reduce(getattr, owners, module), own, mapped(value, _copied))


def changed_names(before: State, after: State) -> tuple[str, ...]:
    """Name what differs between two states, by the names an author knows.

    A number counts where there was one before: many a model notes the size of its
    input, which changes nothing.
    """
    changed = [
        name
        for name in {**before, **after}
        if not _is_same(before.get(name), after.get(name))
    ]
    return tuple(name.removeprefix("module.") for name in changed)


def _is_same(before: Any, after: Any) -> bool:
    if isinstance(before, torch.Tensor) and isinstance(after, torch.Tensor):
        return (
            before.shape == after.shape
            and before.dtype == after.dtype
            and bool(torch.equal(_bits(before), _bits(after)))
        )
    if isinstance(before, torch.Tensor) or isinstance(after, torch.Tensor):
        return False
    return before is None or after is None or bool(before == after)


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    """By which a NaN is like itself, in dtypes that torch cannot compare, too."""
    if tensor.layout != torch.strided or tensor.is_quantized:
        return tensor
    return tensor.resolve_conj().contiguous().reshape(-1).view(torch.uint8)
