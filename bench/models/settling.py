"""Load a model, and make sure of what it is before any variant is made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import torch

from pocketbench.bench.errors import ExportError, UsageError
from pocketbench.bench.models.input_sets import answered_alike, around
from pocketbench.bench.models.inputs.arguments import FromTensors
from pocketbench.bench.models.inputs.inputs import (
    UNKNOWN_RANGE,
    InputSet,
    Range,
    dtype_named,
    range_of,
    spec_of,
)
from pocketbench.bench.models.inputs.structure import Path, Slot, name_of, tensors_in
from pocketbench.bench.models.lite.quantizable import uses_batch_statistics
from pocketbench.bench.models.original import HeldBack, Original, load_source
from pocketbench.bench.models.state import changed_names, fresh, state_of
from pocketbench.bench.models.summarize_exception import summarize_exception
from pocketbench.bench.models.transforms.settle import (
    ComputeDtypes,
    as_float32,
    fold_parametrizations,
    to_float32,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from pocketbench.bench.planning.sources import Source
    from pocketbench.bench.records.artifact import TensorSpec

_REALS = ("float16", "bfloat16", "float64")


def load_original(
    source: Source, name: str, inputs: Sequence[TensorSpec], *, seed: int
) -> Original:
    """Make or load the model that every variant starts from: float32, unparametrized.

    A factory takes nothing, or a `seed`. It returns a module, or a pair of the
    module and example inputs: a tensor, a tuple or a dictionary of arguments, or a
    list of such (which may differ in length). Examples are used as they are; one alone
    is varied in its reals where the model accepts that.
    A third part may be held-back inputs and their labels, two lists of one length.
    The inputs the user asks for win over all of these.

    Raises:
        ExportError: The factory raised, or its result is no model.
        UsageError: Nobody says what the inputs are.
    """
    module, examples, held_back = load_source(source, name, seed=seed)
    for spec in inputs:
        dtype_named(spec.dtype)
    had = to_float32(module)
    sets = (
        [tuple(map(as_float32, one)) for one in _as_list(examples)]
        if had
        else (_as_list(examples))
    )
    specs = _specs(inputs, source, sets, name)
    if had:
        specs = tuple(
            msgspec.structs.replace(x, dtype="float32") if x.dtype in _REALS else x
            for x in specs
        )
        held_back = _held_back_in_float32(held_back)
    folded = fold_parametrizations(module)
    is_example = bool(sets) and specs == tuple(map(spec_of, sets[0]))
    original = Original(
        name,
        module,
        specs,
        _ranges(specs, sets),
        tuple(sets) if is_example else (),
        held_back,
        settled=_settled(had, folded, module),
    )
    found = _observed(original, was=had, seed=seed)
    if len(sets) == 1 and is_example and not isinstance(examples, list):
        found = found._replace(is_varied=_accepts_variations(found, seed=seed))
    return found


def _as_list(examples: Any) -> list[InputSet]:
    if not examples:
        return []
    return examples if isinstance(examples, list) else [examples]


def _specs(
    inputs: Sequence[TensorSpec],
    source: Source,
    sets: Sequence[InputSet],
    name: str,
) -> tuple[TensorSpec, ...]:
    specs = tuple(inputs) or (
        tuple(map(spec_of, sets[0])) if sets else tuple(source.inputs)
    )
    if not specs:
        raise UsageError(
            name,
            "the shape of its inputs is not known",
            "Give --input 1x3x224x224:float32, or let the factory return "
            "(module, example_inputs)",
        )
    return specs


def _ranges(specs: Sequence[TensorSpec], sets: Sequence[InputSet]) -> tuple[Range, ...]:
    """Draw values from the examples' range where there are examples like these."""
    if not sets or len(sets[0]) != len(specs):
        return tuple(UNKNOWN_RANGE for _ in specs)
    return tuple(map(range_of, sets[0]))


def _held_back_in_float32(held_back: HeldBack | None) -> HeldBack | None:
    if held_back is None:
        return None
    sets = tuple(tuple(map(as_float32, one)) for one in held_back.inputs)
    return held_back._replace(inputs=sets)


def _settled(had: Sequence[str], folded: int, module: nn.Module) -> tuple[str, ...]:
    of_batch = sum(map(uses_batch_statistics, module.modules()))
    words = []
    if had:
        words.append(f"weights converted from {' and '.join(had)} to float32")
    if folded:
        many = "parametrization" if folded == 1 else "parametrizations"
        words.append(f"{folded} {many} folded into weights")
    if of_batch:
        many = "BatchNorm uses" if of_batch == 1 else "BatchNorms use"
        words.append(f"{of_batch} {many} the statistics of each batch (training mode)")
    return tuple(words)


def _observed(original: Original, *, was: Sequence[str], seed: int) -> Original:
    """Call a copy once, and note what comes out and what the call changed.

    Raises:
        ExportError: It no longer runs, now that its weights are float32.
    """
    inputs = (original.given or original.inputs(1, seed=seed, purpose="bundled"))[0]
    copied = fresh(original.module)
    before = state_of(copied)
    dtypes = ComputeDtypes()
    try:
        with torch.no_grad(), dtypes:
            result = copied(*(x.clone() for x in inputs))
    except Exception as error:
        if was:
            raise ExportError(
                original.name,
                f"its {' and '.join(was)} weights cannot be converted to float32, with "
                f"which it raised ({summarize_exception(error)})",
                "Let forward take its dtype from the weights, not name one",
            ) from error
        # Who calls it for its outputs says what it raised.
        return original
    paths = [path for path, _ in tensors_in(result)]
    if not paths:
        raise ExportError(
            original.name,
            f"the model gave no tensor: it returned {type(result).__name__}",
            "Return a tensor, or a tuple, list, dictionary, dataclass or object with "
            "tensors",
        )
    return original._replace(
        module=_giving_tensors(original.module, result, paths, len(inputs)),
        output_names=tuple(name_of(path) for path in paths),
        state=changed_names(before, state_of(copied)),
        compute_dtypes=tuple(sorted(dtypes.found)),
    )


def _giving_tensors(
    module: nn.Module, result: Any, paths: Sequence[Path], input_count: int
) -> nn.Module:
    """Take the tensors out of what TorchScript cannot return."""
    if isinstance(module, torch.jit.ScriptModule) or _is_plain(result):
        return module
    if isinstance(module, FromTensors):
        return FromTensors(module.module, module.call, tuple(paths))
    # By number: torch.fx cannot pass on arguments without knowing how many.
    in_order = tuple(map(Slot, range(input_count)))
    return FromTensors(module, (in_order, {}), tuple(paths))


def _is_plain(result: Any) -> bool:
    if type(result) in (tuple, list):
        return all(isinstance(x, torch.Tensor) for x in result)
    if type(result) is dict:
        return all(isinstance(x, torch.Tensor) for x in result.values()) and all(
            isinstance(x, str) for x in result
        )
    return isinstance(result, torch.Tensor)


def _accepts_variations(original: Original, *, seed: int) -> bool:
    """Whether the model answers to variations of its example as it does to it."""
    (example,) = original.given
    sets = around(example, seed=seed)
    tried = (example, *sets.bundled[1:], *sets.held_out)
    return bool(sets.held_out) and len(answered_alike(original.module, tried)) == len(
        tried
    )
