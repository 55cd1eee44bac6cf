"""Facts that a lite-interpreter file holds about itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.jit import mobile

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.inputs.inputs import InputSet, spec_of
from pocketbench.bench.models.summarize_exception import summarize_exception

if TYPE_CHECKING:
    from pathlib import Path

    from pocketbench.bench.records.artifact import TensorSpec

logger = logging.getLogger(__name__)


class FileFacts(NamedTuple):
    """What is in a file."""

    operators: tuple[str, ...] = ()
    bytecode_version: int | None = None
    """`None` for a format that has none."""
    bundled: tuple[InputSet, ...] = ()
    """Empty when there are none, or they are not plain tensors."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What the bundled inputs look like."""
        return tuple(spec_of(x) for x in self.bundled[0]) if self.bundled else ()

    @property
    def precision(self) -> str:
        """`int8` when anything in it computes on quantized tensors."""
        quantized = any("quantized" in operator for operator in self.operators)
        return "int8" if quantized else "float32"


def read_lite_file(path: Path, *, name: str) -> FileFacts:
    """Read a file's facts; it need not be one that this torch can run.

    Raises:
        ExportError: It is no lite-interpreter file, or it is damaged.
    """
    try:
        operators = tuple(sorted(mobile._get_model_ops_and_info(str(path))))
        version = mobile._get_model_bytecode_version(str(path))
    except Exception as error:
        raise _not_lite(name, summarize_exception(error)) from error
    if version < 0:
        raise _not_lite(name, "it has no bytecode version")
    return FileFacts(operators, version, _bundled(path, name))


def _not_lite(name: str, words: str) -> ExportError:
    return ExportError(
        name,
        f"is no lite-interpreter file ({words})",
        "Save it with _save_for_lite_interpreter, or copy it again",
    )


def _bundled(path: Path, name: str) -> tuple[InputSet, ...]:
    """The bundled inputs; none where only another runtime can load the file."""
    try:
        module = load(path)
        if not module.find_method("get_all_bundled_inputs"):
            return ()
        sets = [tuple(x) for x in module.run_method("get_all_bundled_inputs")]
    except Exception as error:
        logger.warning(
            "%s: this torch cannot load it (%s)", name, summarize_exception(error)
        )
        return ()
    if all(isinstance(x, torch.Tensor) for inputs in sets for x in inputs):
        return tuple(sets)
    return ()


def load(path: Path) -> mobile.LiteScriptModule:
    """Load a file into the lite interpreter of this process."""
    return mobile._load_for_lite_interpreter(str(path), "cpu")
