"""What a model keeps from one call to the next, and copies that start afresh."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import reduce
from typing import cast

import torch
from torch import nn

from pocketbench.bench.models.inputs.structure import mapped, name_of, tensors_in

State = Mapping[str, torch.Tensor]

_OWN = frozenset(vars(nn.Module())) | {"_modules"}
"""The attributes that torch itself gives a module."""


def fresh(module: nn.Module) -> nn.Module:
    """Copy a model, so that what a call changes in it does not stay in the original."""
    try:
        return cast("nn.Module", copy.deepcopy(module))
    except RuntimeError:
        # Torch copies no tensor that a call with gradients left in an attribute.
        for part in module.modules():
            for name, value in list(vars(part).items()):
                if name not in _OWN and tensors_in(value):
                    vars(part)[name] = mapped(value, _detached)
        return cast("nn.Module", copy.deepcopy(module))


def _detached(path: object, leaf: object) -> object:
    return leaf.detach() if isinstance(leaf, torch.Tensor) else leaf


def state_of(module: nn.Module) -> State:
    """Copy everything in a module that a call could change, by name."""
    found = {
        name: tensor.detach().clone()
        for name, tensor in (*module.named_buffers(), *module.named_parameters())
    }
    for prefix, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            continue
        for name, value in vars(part).items():
            if name in _OWN:
                continue
            for path, tensor in tensors_in(value):
                inside = name_of(path)
                dot = "" if not inside or inside.startswith("[") else "."
                key = ".".join(filter(None, (prefix, name)))
                found[f"{key}{dot}{inside}"] = tensor.detach().clone()
    return found


def restore(module: nn.Module, buffers: State) -> None:
    """Give a module's buffers the values they had; others (observers') stay."""
    for name, value in buffers.items():
        *owners, own = name.split(".")
        # TorchScript has no `get_submodule`.
        setattr(reduce(getattr, owners, module), own, value.detach().clone())


def changed_names(before: State, after: State) -> tuple[str, ...]:
    """Name what differs between two states, by the names an author knows."""
    changed = [
        name
        for name in {**before, **after}
        if name not in before
        or name not in after
        or not _is_same(before[name], after[name])
    ]
    return tuple(name.removeprefix("module.") for name in changed)


def _is_same(before: torch.Tensor, after: torch.Tensor) -> bool:
    return (
        before.shape == after.shape
        and before.dtype == after.dtype
        and bool(torch.equal(before.nan_to_num(), after.nan_to_num()))
    )
