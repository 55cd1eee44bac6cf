"""The table of engines: what each of our programs links, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pocketbench.android_runner.build.executorch_runtime import (
    executorch_in,
    installed_executorch,
)
from pocketbench.android_runner.build.runtime import (
    Runtime,
    installed_torch,
    runtime_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class RuntimeOfEngine(NamedTuple):
    """The runtime that an engine's program links."""

    title: str
    """Its own name: `PyTorch`."""
    package: str
    """Of PyPI."""
    file_suffix: str
    """Of the models it loads."""
    installed: Callable[[], Runtime]
    """That of this computer's wheel."""
    in_folder: Callable[[Path, str], Runtime]
    """That of an install or source folder, for an ABI."""
    oldest_api_level: int
    """What its Android libraries are built for."""
    prebuilt: str
    """The measuring program that its project builds."""
    linux_build_words: str
    """How a Linux build of it differs from an Android one, on a phone."""


RUNTIMES = {
    "lite": RuntimeOfEngine(
        title="PyTorch",
        package="torch",
        file_suffix=".ptl",
        installed=installed_torch,
        in_folder=runtime_in,
        oldest_api_level=21,
        prebuilt="speed_benchmark_torch",
        linux_build_words="memory, and float32 kernels of what cannot be prepacked, "
        "are not those of an Android build; --engine executorch gives a number close "
        "to an app's",
    ),
    "executorch": RuntimeOfEngine(
        title="ExecuTorch",
        package="executorch",
        file_suffix=".pte",
        installed=installed_executorch,
        in_folder=executorch_in,
        oldest_api_level=26,
        prebuilt="executor_runner",
        linux_build_words="kernels are the same",
    ),
}
"""By engine. `null` is not in it: it links no runtime."""

ENGINES = (*RUNTIMES, "null")

_OLDEST_ANDROID = 21
"""5.0, the first one that runs 64-bit programs."""


def installed_runtime(engine: str) -> Runtime | None:
    """The runtime of this computer that an engine's program links.

    Raises:
        ToolMissingError: Its wheel is not installed.
    """
    return RUNTIMES[engine].installed() if engine in RUNTIMES else None


def oldest_api_level(engine: str) -> int:
    """The Android level that an engine's program is linked for."""
    return RUNTIMES[engine].oldest_api_level if engine in RUNTIMES else _OLDEST_ANDROID
