"""The model as its author wrote it: what every variant is made from."""

from __future__ import annotations

import importlib
import inspect
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import torch
from torch import nn

from pocketbench.bench.errors import ExportError, PocketbenchError
from pocketbench.bench.models.inputs.arguments import FromTensors, checked_examples
from pocketbench.bench.models.inputs.inputs import (
    InputSet,
    Range,
    dtype_named,
    laid_out,
    seeded_inputs,
)
from pocketbench.bench.models.summarize_exception import summarize_exception

if TYPE_CHECKING:
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
    is_varied: bool = False
    """`given` is one example, and the model accepts variations of it."""
    output_names: tuple[str, ...] = ()
    """Of the tensors it gives, in order: `boxes`, `layers[0]`; empty where a name says
    nothing."""
    state: tuple[str, ...] = ()
    """What a call changes in it, by name: buffers, attributes."""
    settled: tuple[str, ...] = ()
    """What was done to the author's model before any variant, in words."""
    compute_dtypes: tuple[str, ...] = ()
    """What its layers with weights compute in."""

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


class Loaded(NamedTuple):
    """What a source gives, unchecked."""

    module: nn.Module
    examples: Any
    """One set of inputs, a list of such, or `None`."""
    held_back: HeldBack | None


def load_source(source: Source, name: str, *, seed: int) -> Loaded:
    """Make or load the model in evaluation mode.

    Raises:
        ExportError: The factory raised, or its result is no model.
    """
    if source.kind == "file":
        module = load_script(source.spec, name)
        loaded = Loaded(module, bundled_with(module), None)
    else:
        loaded = Loaded(*_call_factory(source.spec, name, seed=seed))
    module = getattr(loaded.module, "_orig_mod", loaded.module)
    # What torch.compile wraps; its own kernels are this computer's.
    loaded = loaded._replace(module=module)
    _check_weights(module, name)
    module.eval()
    for parameter in loaded.module.parameters():
        parameter.requires_grad_(False)
    return loaded


def _check_weights(module: nn.Module, name: str) -> None:
    for key, weight in module.named_parameters():
        if isinstance(weight, nn.parameter.UninitializedParameter):
            fact, remedy = "is of a lazy layer that was never called", "Call the model"
        elif weight.is_meta:
            fact, remedy = "has no values (device meta)", "Load the weights"
        else:
            continue
        raise ExportError(name, f"its weight {key} {fact}", f"{remedy} in the factory")


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
            f"torch cannot load {path} ({summarize_exception(error)})",
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
            f"{source} raised {summarize_exception(error)}",
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
