"""The engines that our programs are built for, and the runtime that each links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench import registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocketbench.android_runner.build.runtime import Runtime, RuntimeOfEngine

RUNTIMES: Mapping[str, RuntimeOfEngine] = {
    engine: registry.load(registry.RUNTIMES, "runtime", engine)
    for engine in registry.RUNTIMES
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
