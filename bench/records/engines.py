"""What runs a model's file, and how a variant's name says so.

`int8-static` is for PyTorch's lite interpreter, `int8-static+executorch` is the same
variant for ExecuTorch with the XNNPACK delegate, `+executorch-portable` without any,
`float32+lite-nnapi` one for the lite interpreter that hands all to Android's NNAPI.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Literal, NamedTuple

from pocketbench.bench.errors import ToolMissingError, UnknownNameError

Format = Literal["ptl", "pt", "pte", "tflite", "onnx", "ort", "gguf", "litertlm"]
"""Of a model file; see `bench.planning.model_file` for how each is recognized."""


class Engine(NamedTuple):
    """An engine that variants can be made for."""

    name: str
    """Of the runtime: `lite`, `executorch`."""
    delegate: str | None
    """What takes whole parts of the model over; `None` for an engine without any."""
    format: Format


ENGINES = {
    "lite": Engine("lite", None, "ptl"),
    "lite-nnapi": Engine("lite", "nnapi", "ptl"),
    "lite-vulkan": Engine("lite", "vulkan", "ptl"),
    "lite-coreml": Engine("lite", "coreml", "ptl"),
    "executorch": Engine("executorch", "xnnpack", "pte"),
    "executorch-portable": Engine("executorch", "portable", "pte"),
    "executorch-coreml": Engine("executorch", "coreml", "pte"),
    "executorch-vulkan": Engine("executorch", "vulkan", "pte"),
    "executorch-qnn": Engine("executorch", "qnn", "pte"),
}
"""By the word that `--engine` and `engines = [...]` take."""

DEFAULT_ENGINE = "lite"
GENERATION_ENGINE = "executorch"
"""Of models that generate: the lite interpreter has no KV cache of its own."""

PACKAGES = {"executorch": "executorch"}
"""By engine, the package of PyPI that exports for it beside torch; also our extra."""


class NamedVariant(NamedTuple):
    """The two parts of a variant's name."""

    made: str
    """What is made of the model: `float32`, `int8-static`, `as-is`."""
    engine: Engine


def split_variant(name: str) -> NamedVariant:
    """Read a variant's name.

    Raises:
        UnknownNameError: What stands behind the plus is no engine.
    """
    made, _, engine = name.partition("+")
    return NamedVariant(made, engine_named(engine or DEFAULT_ENGINE))


def engine_named(word: str) -> Engine:
    """The engine of a word.

    Raises:
        UnknownNameError: There is none.
    """
    if word not in ENGINES:
        raise UnknownNameError("engine", word, ENGINES)
    return ENGINES[word]


def variant_for(made: str, word: str) -> str:
    """The name of a variant for an engine; one that names an engine keeps it."""
    if word == DEFAULT_ENGINE or "+" in made:
        return made
    return f"{made}+{word}"


def require_installed(engine: Engine) -> None:
    """Check that models can be exported for an engine.

    Raises:
        ToolMissingError: A package or an SDK is missing; says how to get it.
    """
    if package := PACKAGES.get(engine.name):
        _require_package(package, f"pip install 'pocketbench[{package}]'")
    if engine.delegate == "coreml":
        _require_package("coremltools", "pip install 'pocketbench[coreml]'")
    # ExecuTorch would try to download it: gigabytes that nobody has asked for.
    if engine.delegate == "qnn" and not _folder_of("QNN_SDK_ROOT"):
        raise ToolMissingError(
            "QNN SDK",
            "not found, and executorch-qnn needs it: QNN_SDK_ROOT names no folder",
            "Get Qualcomm AI Runtime from softwarecenter.qualcomm.com, unpack it and "
            "set QNN_SDK_ROOT to it",
        )


def _require_package(name: str, command: str) -> None:
    if importlib.util.find_spec(name) is None:
        raise ToolMissingError(
            name, "not installed, and a variant needs it", f"Install it: {command}"
        )


def _folder_of(variable: str) -> bool:
    path = os.environ.get(variable)
    return bool(path) and Path(path or "").is_dir()
