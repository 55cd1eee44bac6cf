"""How a model is called: example inputs as its author writes them, and as tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.inputs.inputs import InputSet
from pocketbench.bench.models.inputs.structure import (
    Path,
    Slot,
    at,
    leaves,
    mapped,
    tensors_in,
)

Call = tuple[tuple[Any, ...], dict[str, Any]]
"""The arguments by place and by name, with a `Slot` where a tensor stands."""


class Examples(NamedTuple):
    """Checked example inputs."""

    sets: list[InputSet]
    is_list: bool
    """The author gave a list: these alone are used, none is added."""
    call: Call | None
    """Where each tensor goes; `None`: one after the other."""


class FromTensors(nn.Module):  # type: ignore[misc]  # torch is not followed
    """A model called with tensors in order, that gives tensors in order.

    A program for a phone takes and gives tensors. Putting them into dictionaries and
    taking them out is done while it is traced and costs nothing in it; what is no
    tensor (flags, `None`, numbers) is a constant of the program.
    """

    def __init__(
        self,
        module: nn.Module,
        call: Call | None = None,
        outputs: tuple[Path, ...] | None = None,
    ) -> None:
        """Call a module as its author's examples do."""
        super().__init__()
        self.module = module
        # Behind a function, which copies of the module share: a packed sequence of
        # slots cannot be made again.
        self._call: Callable[[], Call | None] = lambda: call
        self.outputs = outputs
        self.training = module.training

    @property
    def call(self) -> Call | None:
        """Where each tensor goes."""
        return self._call()

    def forward(self, *tensors: torch.Tensor) -> Any:
        """Call it with tensors in the order of the examples' keys."""
        if self.call is None:
            result = self.module(*tensors)
        else:
            args, kwargs = mapped(
                self.call,
                lambda _, leaf: (
                    tensors[leaf.number] if isinstance(leaf, Slot) else leaf
                ),
            )
            result = self.module(*args, **kwargs)
        if self.outputs is None:
            return result
        found = tuple(at(result, path) for path in self.outputs)
        return found[0] if len(found) == 1 else found


def checked_examples(given: Any, source: str, name: str) -> Examples | None:
    """Check what a factory gives as examples.

    One call is a tensor, a tuple of arguments, or a dictionary of arguments that are
    passed by their names. A list holds several. Arguments may be of any kind; what is
    no tensor is kept as it is.

    Raises:
        ExportError: No tensor is among them, or several call the model differently.
    """
    if given is None:
        return None
    calls = [_arguments(x) for x in (given if isinstance(given, list) else [given])]
    flat = [tensors_in(call) for call in calls]
    if not flat or not all(flat):
        raise ExportError(
            name,
            f"the example inputs of {source} hold no tensor",
            "Return a tensor, a tuple or a dictionary with tensors, or a list of such",
        )
    paths = [path for path, _ in flat[0]]
    constants = _constants(calls[0])
    if any(set(dict(x)) != set(paths) for x in flat) or any(
        _constants(call) != constants for call in calls
    ):
        raise ExportError(
            name,
            f"the example inputs of {source} are not all passed alike",
            "Give every one of the list the same tensors under the same names",
        )
    sets = [tuple(dict(found)[path] for path in paths) for found in flat]
    args, kwargs = calls[0]
    is_plain = not kwargs and all(isinstance(x, torch.Tensor) for x in args)
    return Examples(
        sets, isinstance(given, list), None if is_plain else _with_slots(calls[0])
    )


def _arguments(call: Any) -> Call:
    if isinstance(call, Mapping):
        return (), dict(call)
    is_plain_tuple = isinstance(call, tuple) and not hasattr(call, "_fields")
    return (call if is_plain_tuple else (call,)), {}


def _constants(call: Call) -> dict[Path, str]:
    """What is no tensor, in a form that can be compared."""
    return {p: repr(x) for p, x in leaves(call) if not isinstance(x, torch.Tensor)}


def _with_slots(call: Call) -> Call:
    numbers = {path: number for number, (path, _) in enumerate(tensors_in(call))}
    slotted: Call = mapped(
        call, lambda path, leaf: Slot(numbers[path]) if path in numbers else leaf
    )
    return slotted
