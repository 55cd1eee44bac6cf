"""The model as its author wrote it: what every variant is made from."""

from __future__ import annotations

import importlib
import inspect
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import torch
from torch import nn

from pocketbench.bench.errors import ExportError, PocketbenchError, UsageError
from pocketbench.bench.models.inputs.arguments import FromTensors, checked_examples
from pocketbench.bench.models.inputs.inputs import (
    InputSet,
    Range,
    dtype_named,
    laid_out,
    range_of,
    seeded_inputs,
    spec_of,
)
from pocketbench.bench.models.summarize_exception import last_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pocketbench.bench.planning.sources import Source
    from pocketbench.bench.records.artifact import TensorSpec


class HeldBack(NamedTuple):
    """Inputs that a trained model has never seen, and what is right for each."""

    inputs: tuple[InputSet, ...]
    labels: tuple[int, ...]
    """The class whose score should be the highest in the first output."""


class Original(NamedTuple):
    """A model in evaluation mode, and what it takes."""

    name: str
    module: nn.Module
    """A `torch.jit.ScriptModule` when its Python source is not known."""
    specs: tuple[TensorSpec, ...]
    ranges: tuple[Range, ...]
    given: tuple[InputSet, ...]
    """Real inputs of the author's own; often none."""
    held_back: HeldBack | None = None

    def with_channels_last(self) -> Original:
        """Take its images [n, c, h, w] with the channels of a pixel together.

        Raises:
            ExportError: It takes no image.
        """
        specs = tuple(_channels_last(spec) for spec in self.specs)
        if specs == self.specs:
            raise ExportError(
                self.name,
                "takes no image [n, c, h, w] whose channels could come last",
                "Leave channels-last out",
            )
        return self._replace(
            specs=specs,
            given=tuple(
                tuple(laid_out(x, y) for x, y in zip(inputs, specs, strict=True))
                for inputs in self.given
            ),
        )

    @property
    def is_script(self) -> bool:
        """Whether only its TorchScript is known."""
        return isinstance(self.module, torch.jit.ScriptModule)

    def inputs(self, count: int, *, seed: int, purpose: str) -> list[InputSet]:
        """Seeded inputs that fit it."""
        return seeded_inputs(
            self.specs, count, seed=seed, purpose=purpose, ranges=self.ranges
        )


def _channels_last(spec: TensorSpec) -> TensorSpec:
    if len(spec.shape) != 4 or not dtype_named(spec.dtype).is_floating_point:
        return spec
    return msgspec.structs.replace(spec, memory_format="channels-last")


def load_original(
    source: Source, name: str, inputs: Sequence[TensorSpec], *, seed: int
) -> Original:
    """Make or load the model.

    A factory takes nothing, or a `seed`. It returns a module, or a pair of the
    module and example inputs: a tensor, a tuple or a dictionary of tensors (they tell
    shapes, dtypes and the range of integers), or a list of such (they are used
    themselves, and may differ in length).
    A third part may be held-back inputs and their labels, two lists of one length.
    The inputs the user asks for win over all of these.

    Raises:
        ExportError: The factory raised, or its result is no model.
        UsageError: Nobody says what the inputs are.
    """
    if source.kind == "file":
        module = load_script(source.spec, name)
        examples, held_back = bundled_with(module), None
    else:
        module, examples, held_back = _call_factory(source.spec, name, seed=seed)
    module.eval()
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    for spec in inputs:
        dtype_named(spec.dtype)
    if inputs:
        specs = tuple(inputs)
        return Original(name, module, specs, _ranges(specs, examples), ())
    if not examples:
        if source.inputs:
            ranges = _ranges(source.inputs, None)
            return Original(name, module, source.inputs, ranges, ())
        raise UsageError(
            name,
            "nothing tells the shape of its inputs",
            "Give --input 1x3x224x224:float32, or let the factory return "
            "(module, example_inputs)",
        )
    sets = examples if isinstance(examples, list) else [examples]
    specs = tuple(spec_of(tensor) for tensor in sets[0])
    given = tuple(sets) if isinstance(examples, list) else ()
    ranges = _ranges(specs, sets[0])
    return Original(name, module, specs, ranges, given, held_back)


def _ranges(specs: Sequence[TensorSpec], examples: Any) -> tuple[Range, ...]:
    """Draw integers from the examples' range where there are examples like these."""
    first = examples[0] if isinstance(examples, list) and examples else examples
    if not first or len(first) != len(specs):
        return tuple(range_of(torch.empty(0)) for _ in specs)
    return tuple(range_of(tensor) for tensor in first)


def load_script(path: str, name: str) -> torch.jit.ScriptModule:
    """Load a TorchScript file.

    Raises:
        ExportError: It is damaged, or of another version of torch.
    """
    try:
        return torch.jit.load(path, map_location="cpu")
    except RuntimeError as error:
        raise ExportError(
            name,
            f"torch cannot load {path} ({last_words(error)})",
            "Save it again with torch.jit.save and this version of torch",
        ) from error


def bundled_with(module: torch.jit.ScriptModule) -> list[InputSet] | None:
    """The inputs that a TorchScript file brings, if they are tensors."""
    if not hasattr(module, "get_all_bundled_inputs"):
        return None
    sets = [tuple(inputs) for inputs in module.get_all_bundled_inputs()]
    plain = all(isinstance(x, torch.Tensor) for inputs in sets for x in inputs)
    return sets if plain else None


def _call_factory(
    source: str, name: str, *, seed: int
) -> tuple[nn.Module, Any, HeldBack | None]:
    module_name, _, attribute = source.partition(":")
    torch.manual_seed(seed)
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
        made = factory(seed=seed) if _takes_seed(factory) else factory()
    except PocketbenchError:
        raise
    except Exception as error:
        raise ExportError(
            name,
            f"{source} raised {last_words(error)}",
            f'Try it alone: python -c "import {module_name}; '
            f'{module_name}.{attribute}()"',
        ) from error
    examples: Any = None
    held_back: Any = None
    if isinstance(made, tuple) and len(made) in (2, 3):
        made, examples, *rest = made
        held_back = rest[0] if rest else None
    if not isinstance(made, nn.Module):
        raise ExportError(
            name,
            f"{source} returned {type(made).__name__} and no torch.nn.Module",
            "Return a module, or (module, example_inputs)",
        )
    found = checked_examples(examples, source, name)
    checked = _as_held_back(held_back, source, name)
    if found is None:
        return made, None, checked
    if found.call is not None:
        made = FromTensors(made, found.call)
    return made, found.sets if found.is_list else found.sets[0], checked


def _takes_seed(factory: Any) -> bool:
    try:
        parameter = inspect.signature(factory).parameters.get("seed")
    except (TypeError, ValueError):
        return False
    return parameter is not None and parameter.kind != parameter.POSITIONAL_ONLY


def _as_held_back(given: Any, source: str, name: str) -> HeldBack | None:
    """Check held-back inputs: as many sets as labels, of whole numbers."""
    if given is None:
        return None
    try:
        inputs, labels = given
        sets = checked_examples(list(inputs), source, name)
        found = HeldBack(tuple(sets.sets if sets else ()), tuple(map(int, labels)))
    except (TypeError, ValueError):
        found = None
    if not found or not found.inputs or len(found.inputs) != len(found.labels):
        raise ExportError(
            name,
            f"the third part of what {source} returned is not held-back inputs with "
            "a label each",
            "Return (module, example_inputs, (inputs, labels))",
        )
    return found


def import_from(folder: str) -> None:
    """Let factories be imported from a folder, before anything else of that name."""
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
