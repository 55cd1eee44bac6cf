"""How a model is called: example inputs as its author writes them, and as tensors."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils import _pytree

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.inputs.inputs import InputSet

Call = tuple[tuple[Any, ...], dict[str, Any]]
"""The arguments by place and by name, with a tensor's number where it stands."""


class Examples(NamedTuple):
    """Checked example inputs."""

    sets: list[InputSet]
    is_list: bool
    """The author gave a list: these are to be used themselves."""
    call: Call | None
    """Where each tensor goes; `None`: one after the other."""


class FromTensors(nn.Module):  # type: ignore[misc]  # torch is not followed
    """A model that is called with dictionaries, called with their tensors in order.

    A program for a phone takes tensors; putting them back into dictionaries is done
    while it is traced and costs nothing in it.
    """

    def __init__(self, module: nn.Module, call: Call) -> None:
        """Call a module as its author's examples do."""
        super().__init__()
        self.module = module
        self.call = call
        self.train(module.training)

    def forward(self, *tensors: torch.Tensor) -> Any:
        """Call it with tensors in the order of the examples' keys."""
        args, kwargs = _pytree.tree_map(lambda number: tensors[number], self.call)
        return self.module(*args, **kwargs)


def checked_examples(given: Any, source: str, name: str) -> Examples | None:
    """Check what a factory gives as examples.

    One call is a tensor, a tuple of tensors, a dictionary of tensors, which are
    passed by their names, or a tuple with dictionaries in it. A list holds several.

    Raises:
        ExportError: They are none of these, or several that call it differently.
    """
    if given is None:
        return None
    calls = given if isinstance(given, list) else [given]
    flat = [_flattened(call) for call in calls]
    shapes = {shape for _, shape in flat}
    if not flat or not all(
        leaves and all(isinstance(x, torch.Tensor) for x in leaves)
        for leaves, _ in flat
    ):
        raise ExportError(
            name,
            f"the example inputs of {source} are not all tensors",
            "Return a tensor, a tuple or a dictionary of tensors, or a list of such",
        )
    if len(shapes) > 1:
        raise ExportError(
            name,
            f"the example inputs of {source} are not all passed alike",
            "Give every one of the list the same tensors under the same names",
        )
    sets = [tuple(leaves) for leaves, _ in flat]
    (shape,) = shapes
    is_plain = shape == _flattened(sets[0])[1]
    call = _pytree.tree_unflatten(range(len(sets[0])), shape)
    return Examples(sets, isinstance(given, list), None if is_plain else call)


def _flattened(call: Any) -> tuple[list[Any], _pytree.TreeSpec]:
    named = call if isinstance(call, dict) else {}
    placed = () if isinstance(call, dict) else call
    args = placed if isinstance(placed, tuple) else (placed,)
    leaves, shape = _pytree.tree_flatten((args, named))
    return leaves, shape
